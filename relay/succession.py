"""How one socket to the provider follows another before the provider ends it."""

import asyncio
import random
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from relay.dialler import Dialler
from relay.lines import Line, Lines, is_ready
from relay.meter import Meter
from relay.scribe.errors import ErrorType
from relay.upstream.ledger import Ledger
from relay.upstream.rollover import Rollover
from relay.upstream.session import Event, Failed, Opened
from relay.upstream_slot import Slot

AHEAD_INTERVAL = 2.0
"""Seconds between two attempts to open the next socket while the present one still holds."""

NO_ROOM = frozenset({ErrorType.RATE_LIMITED, ErrorType.RESOURCE_EXHAUSTED})
"""What the provider says when a session has to close before the next one opens."""


class SuccessionHost(Protocol):
    """Whose sockets follow each other."""

    async def succession_dial(self, line: Line) -> None:
        """Connect a line; what fails is said as an event."""

    def succession_segment_due(self) -> None:
        """End the segment, since the next socket begins with a new one."""

    def succession_reopen(self) -> None:
        """Connect the current line now, since the one before it has closed."""

    def succession_moved(self) -> None:
        """Something may be sent that couldn't before."""


class Succession:
    """Opens the next socket ahead and goes over to it where a segment ends.

    That takes a second one of the provider's places. Where there is none, the old socket closes
    first, and the next one opens after it.
    """

    def __init__(
        self,
        host: SuccessionHost,
        lines: Lines,
        ledger: Ledger,
        dialler: Dialler,
        slot: Slot,
        *,
        limit: float,
        meter: Meter,
        log: FilteringBoundLogger,
    ) -> None:
        """Replace sockets of `lines` that were sent `limit` seconds of audio; 0 for never."""
        self._host = host
        self._lines = lines
        self._ledger = ledger
        self._dialler = dialler
        self._slot = slot
        self._rollover = Rollover(limit)
        self._meter = meter
        self._log = log
        self._is_due = asyncio.Event()
        self._turned = asyncio.Event()
        self._closes_first = False
        self._successor: Line | None = None
        self._refusal: str | None = None

    def turn(self) -> None:
        """Look again: a line may be gone."""
        self._turned.set()

    def take(self, event: Event) -> None:
        """Take notice of what happens on the socket that was opened ahead."""
        ahead = self._lines.ahead
        assert ahead is not None
        match event:
            case Opened(session_id):
                self._log.info("upstream opened ahead", upstream_session_id=session_id)
                self._dialler.succeeded(ahead)
            case Failed(error, reason):
                self._log.warning("upstream broke ahead", reason=reason, text=str(error))
                self._meter.upstream_failed(reason)
                self._refusal = reason
                self._dialler.failed(ahead)
                self._lines.drop_ahead()
        self.turn()

    def keep_ahead_alive(self, now: float) -> None:
        """Send the socket that was opened ahead what keeps it open."""
        ahead = self._lines.ahead
        if ahead is not None and ahead.connection is not None and ahead.is_writable:
            while (message := ahead.session.keepalive_to_send(now)) is not None:
                ahead.connection.send(message)

    def roll(self) -> None:
        """Go over to the next socket if it is time, and a segment ends here."""
        session = self._lines.current.session
        if session.seconds_sent < self._rollover.begin or self._lines.leaving is not None:
            return
        self._is_due.set()
        if not (is_ready(self._lines.ahead) or self._closes_first):
            return
        if session.is_between_segments:
            self._lines.swap()
            self._meter.upstream_rolls_over(closes_first=self._closes_first)
            if self._closes_first:
                self._successor = self._lines.current
            self._closes_first = False
            self._log.info("upstream rolls over", seconds_sent=round(session.seconds_sent))
        elif self._rollover.is_over(session.seconds_sent) and not self._ledger.has_unsent_commit:
            self._host.succession_segment_due()

    async def run(self) -> None:
        """Replace each socket by another one before it gets too old, until cancelled."""
        while True:
            await self._is_due.wait()
            line, self._refusal = self._lines.current, None
            if line.session.seconds_sent < self._rollover.begin:
                self._is_due.clear()  # the one that was due has broken
                continue
            has_place = await self._slot.ask_another()
            if not has_place or not await self._keep_ahead(line):
                self._closes_first = not line.is_gone
                self._host.succession_moved()
            await self._until_one_is_gone(line)
            await self._lines.hang_up(line)
            if has_place:
                await self._slot.give_another_back()
            self._closes_first = False
            if self._successor is self._lines.current:
                self._host.succession_reopen()
            self._successor = None
            self._is_due.clear()

    async def _keep_ahead(self, line: Line) -> bool:
        """Keep open what comes after `line` until that is gone; False if both have no room."""
        while not line.is_gone:
            if not self._dialler.is_discouraged:
                ahead = self._lines.new_ahead()
                await self._host.succession_dial(ahead)
                await self._until_one_is_gone(ahead, line)
                if not ahead.is_gone:
                    break
                if self._refusal in NO_ROOM:
                    return False
            await asyncio.sleep(AHEAD_INTERVAL * random.uniform(1, 1.2))  # noqa: S311  # jitter
        return True

    async def _until_one_is_gone(self, *lines: Line) -> None:
        while not any(line.is_gone for line in lines):
            self._turned.clear()
            await self._turned.wait()
