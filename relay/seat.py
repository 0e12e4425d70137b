"""One session's place in its worker: what it may use, what it holds, what it has used."""

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import fields
from datetime import date

from relay.auth.identities import Identity
from relay.bridge import Bridge
from relay.bridge_config import NOTHING_USED, Consumption
from relay.errors import StateUnavailable
from relay.limits.limiter import Claim
from relay.limits.slots import Place, Slots
from relay.limits.terms import Terms
from relay.logbook import Logbook
from relay.registry import SessionRecord
from relay.store.usage import UsageRow
from relay.translator import Ending, Fault, Moved, Taken


class Seat:
    """One session's place in this worker: what it may use, what it holds, what it has used."""

    def __init__(
        self,
        claim: Claim,
        identity: Identity,
        terms: Terms,
        slots: Slots,
        *,
        address: str | None,
        worker: str,
        today: date,
        goes_first: bool,
    ) -> None:
        """Take what an admission granted; `bridge` is set when there is one.

        What is used from now on counts for `today`, unless `used_before_today` is changed first.
        """
        self.claim = claim
        self.identity = identity
        self.terms = terms
        self.bridge: Bridge | None = None
        self.ending: Ending | None = None
        self.has_been_released = asyncio.Event()
        self._slot_since: float | None = None
        self._has_asked_another = False
        self._slots = slots
        self._goes_first = goes_first
        self._address = address
        self._worker = worker
        self._started_at = time.time()
        self.logbook = Logbook(self._started_at)
        self.day = today
        self.used_before_today = NOTHING_USED

    @property
    def session_id(self) -> str:
        return self.claim.session_id

    @property
    def is_handed_over(self) -> bool:
        """Whether its lease and its slot are another worker's now, or whoever's comes next."""
        was_never_ours = self._goes_first and self.bridge is None
        return was_never_ours or isinstance(self.ending, Moved | Taken)

    @property
    def is_over(self) -> bool:
        """Whether its session has ended for good; after a fault of ours it can be resumed."""
        return not isinstance(self.ending, Moved | Taken | Fault)

    @property
    def left_at(self) -> float:
        """When its client left, by the loop's clock; infinite while it is there."""
        return math.inf if self.bridge is None else self.bridge.left_at

    @property
    def slot_held(self) -> float:
        """Seconds for which it has held one."""
        return 0.0 if self._slot_since is None else time.monotonic() - self._slot_since

    async def ask(self) -> Place:
        """Take one of the provider's slots, or a place in the queue."""
        place = await self._slots.ask(
            self.session_id, self.claim.account, goes_first=self._goes_first
        )
        if place.has_slot:
            self._slot_since = time.monotonic()
        return place

    def let_go(self) -> None:
        """Leave its slot to whoever has the session now."""
        self._slots.let_go(self.session_id)

    async def give_back(self) -> None:
        """Give the slot back until the next `ask`."""
        held, self._slot_since = self.slot_held, None
        with suppress(StateUnavailable):  # its lease ends by itself
            await self._slots.give_back(self.session_id, held=held)

    async def ask_another(self) -> bool:
        """Take a second slot if one is free that nobody waits for."""
        self._has_asked_another = True
        place = await self._slots.ask(self._another, self.claim.account)
        if not place.has_slot:
            await self.give_another_back()
        return place.has_slot

    async def give_another_back(self) -> None:
        """Give the second slot back, or the place in the queue for it."""
        if not self._has_asked_another:
            return
        try:
            await self._slots.give_back(self._another, held=self.slot_held)
        except StateUnavailable:
            return  # its lease ends by itself
        self._has_asked_another = False

    @property
    def _another(self) -> str:
        return f"{self.session_id}/next"

    def record(self) -> SessionRecord | None:
        """What others may know of this session; None as long as there is nothing to know."""
        if self.bridge is None:
            return None
        request = self.bridge.request
        used = self.bridge.consumption()
        book = self.logbook
        book.look(time.time(), self.bridge.state)
        return SessionRecord(
            session_id=self.session_id,
            worker=self._worker,
            account=self.claim.account,
            kind=str(self.identity.kind),
            name=self.identity.name,
            address=self._address,
            started_at=self._started_at,
            state=self.bridge.state,
            sample_rate=request.sample_rate,
            encoding=str(request.encoding),
            channels=request.channels,
            commit_strategy=str(request.parameters.commit_strategy),
            language_code=request.parameters.language_code,
            received_ms=used.received_ms,
            sent_ms=used.sent_ms,
            segments=self.bridge.segments,
            warnings=self.bridge.warnings,
            recent=book.recent,
            added_latency_ms=_milliseconds(book.added_latency),
            speech_to_final_ms=_milliseconds(book.speech_to_final),
            reconnects=book.reconnects,
            gap_ms=round(book.gap_seconds * 1000),
        )

    def usage(self, today: date) -> list[UsageRow]:
        """What to write down now: of today, and at midnight also what yesterday came to."""
        if self.bridge is None:
            return []
        used = self.bridge.consumption()
        rows = [self._usage_row(used)]
        if today != self.day:
            self.day, self.used_before_today = today, used
            rows.append(self._usage_row(used))
        return rows

    def _usage_row(self, used: Consumption) -> UsageRow:
        of_today = {
            # Another worker may have counted more of the days before than it wrote down in Redis.
            each.name: max(0, getattr(used, each.name) - getattr(self.used_before_today, each.name))
            for each in fields(Consumption)
        }
        return UsageRow(
            session_id=self.session_id,
            day=self.day,
            account=self.claim.account,
            kind=str(self.identity.kind),
            name=self.identity.name,
            **of_today,
        )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
