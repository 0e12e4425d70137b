"""The provider's side of one session: its place, its socket, and when it is sent what."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from structlog.typing import FilteringBoundLogger

from relay.bridge_config import BridgeConfig
from relay.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable
from relay.limits.slots import Place
from relay.scribe.codec import MalformedMessage
from relay.scribe.messages import ServerMessage as ScribeMessage
from relay.scribe.parameters import Parameters
from relay.upstream.breaker import Breaker
from relay.upstream.finals import Final
from relay.upstream.history import History
from relay.upstream.ledger import Ledger
from relay.upstream.recovery import Break, Recovery, Stretch
from relay.upstream.session import (
    MIN_COMMIT,
    REPLAY_SPEED,
    Event,
    Failed,
    Opened,
    State,
    UpstreamSession,
)

SLOT_INTERVAL = 0.5
"""Seconds between two questions for a place at the provider."""

QUEUED_INTERVAL = 5.0
"""Seconds after which a client in the queue is told again, though its place is the same."""


HOLDS_AFTER = 10.0
"""Seconds after which an open session at the provider counts as one that holds."""


class Upstream(Protocol):
    """An open socket to the provider, as far as an uplink uses it."""

    is_writable: bool

    def send(self, message: bytes) -> None: ...
    async def aclose(self) -> None: ...
    def abandon(self) -> None: ...


Connect: TypeAlias = Callable[["Line", Parameters], Awaitable[Upstream]]
"""Opens a socket to the provider for a line, with the options the session was granted.

Raises:
    UpstreamError: If that fails.
"""


class Slot(Protocol):
    """A session's claim to one of the provider's places."""

    async def ask(self) -> Place:
        """Take it, or a place in the queue; ask again until it is there."""


class UplinkHost(Protocol):
    """The session that an uplink serves, which is told what happens at the provider."""

    def uplink_event(self, event: Event) -> None: ...
    def uplink_queued(self, place: Place) -> None: ...
    def uplink_has_slot(self) -> None: ...
    def uplink_reconnecting(self, attempt: int, delay: float, reason: str) -> None: ...
    def uplink_restored(self, replayed: float) -> None: ...
    def uplink_gap(self, begin: int, end: int, reason: str) -> None: ...
    def uplink_moved(self) -> None: ...
    def uplink_crashed(self, error: BaseException) -> None: ...


class Line:
    """One socket to the provider with the session on it; the socket calls these."""

    def __init__(
        self, session: UpstreamSession, host: UplinkHost, log: FilteringBoundLogger
    ) -> None:
        """`connection` is set when there is one."""
        self.session = session
        self.connection: Upstream | None = None
        self._host = host
        self._log = log
        self._clock = asyncio.get_running_loop().time

    def upstream_message(self, message: ScribeMessage) -> None:
        """Take in one message of the provider's."""
        self._take(lambda: self.session.receive_message(message, self._clock()))

    def upstream_malformed(self, error: MalformedMessage) -> None:
        """Take notice of a message that can't be read."""
        self._log.warning("upstream message not understood", text=str(error))
        self._take(lambda: self.session.receive_malformed(error.message_type))

    def upstream_lost(self, code: int, reason: str) -> None:
        """Take notice that the socket is gone."""
        self._take(lambda: self.session.connection_lost(code, reason))

    def upstream_writable(self) -> None:
        """Go on sending."""
        self._host.uplink_moved()

    def _take(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self._host.uplink_crashed(error)
        else:
            self._host.uplink_moved()


class Uplink:
    """Keeps the provider's side of a session going; everything that decides is in `upstream`."""

    def __init__(
        self,
        host: UplinkHost,
        ledger: Ledger,
        parameters: Parameters,
        *,
        connect: Connect,
        slot: Slot,
        breaker: Breaker,
        config: BridgeConfig,
        seconds_at: Callable[[float], float],
        redact: Callable[[str], str],
        log: FilteringBoundLogger,
        segments: int = 0,
    ) -> None:
        """Serve `host`; call `run` beside it.

        Args:
            host: Told what the provider says.
            ledger: What is to be sent.
            parameters: Which the session was granted.
            connect: Opens sockets.
            slot: The session's claim to a place at the provider.
            breaker: The worker's.
            config: The relay's.
            seconds_at: Session seconds of a position, for word times.
            redact: Takes secrets out of texts that came from the provider.
            log: The session's.
            segments: Told of so far; the next one gets this number.
        """
        self._host = host
        self._ledger = ledger
        self._parameters = parameters
        self._connect = connect
        self._slot = slot
        self._breaker = breaker
        self._is_dialling = False
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._seconds_at = seconds_at
        self._redact = redact
        self._log = log
        self._history = History(segments)
        self._recovery = Recovery(
            speed=REPLAY_SPEED,
            chunk=config.chunk_ms / 1000,
            padding=MIN_COMMIT,
            random=random.random,
        )
        self._line = self._new_line()
        self._broken = asyncio.Event()
        self._has_audio = asyncio.Event()
        self._delay = 0.0
        self._needs_audio = False
        self._failed_since: float | None = None
        self._opened_at = 0.0
        self._error: UpstreamError | None = None
        self._is_given_up = False
        self._resume: asyncio.TimerHandle | None = None
        self._queue_position: int | None = None

    @property
    def is_queued(self) -> bool:
        """Whether it waits for a place at the provider."""
        return self._queue_position is not None

    @property
    def is_open(self) -> bool:
        """Whether the provider takes audio."""
        return self._line.session.state is State.OPEN

    @property
    def is_settled(self) -> bool:
        """Whether all there was to say is sent, answered and handed on."""
        return self._line.session.is_settled

    @property
    def samples_sent(self) -> int:
        """Samples sent to the provider, inserted silence included."""
        return self._history.samples_sent

    @property
    def samples_inserted(self) -> int:
        """Silence among them that the relay put in."""
        return self._history.samples_inserted

    @property
    def samples_replayed(self) -> int:
        """Samples of the client's that were sent again."""
        return self._history.samples_replayed

    async def run(self) -> None:
        """Take a place at the provider, and keep a session open there until cancelled."""
        await self._take_slot()
        while True:
            await self._until_allowed()
            await self._open(self._line)
            await self._broken.wait()
            self._broken.clear()
            if self._needs_audio:
                await self._has_audio.wait()
            await asyncio.sleep(self._delay)

    def advance(self) -> None:
        """Hand on what the provider said, and send it what it may have now."""
        for event in self._line.session.events_received():
            self._hand_on(event)
        if self._ledger.peek() is not None:
            self._has_audio.set()
        self._send()

    def tick(self, now: float) -> None:
        """Do what time asks for; then call `advance`."""
        self._line.session.tick(now)
        if self._failed_since is None:
            return
        if self.is_open:
            if now - self._opened_at >= HOLDS_AFTER:
                self._failed_since = None
                self._recovery.settle()
        elif now - self._failed_since >= self._config.outage_limit:
            assert self._error is not None
            self._host.uplink_event(Failed(self._error, Break.LOST))

    def give_up(self) -> None:
        """Wait no longer for the last words; then call `advance`."""
        self._is_given_up = True
        self._line.session.give_up()

    def close(self) -> None:
        """Send and receive nothing any more."""
        if self._resume is not None:
            self._resume.cancel()
        if self._is_dialling:
            self._is_dialling = False
            self._breaker.abandoned()
        self._line.session.close()

    async def aclose(self) -> None:
        """Close the socket."""
        if self._line.connection is not None:
            await self._line.connection.aclose()

    async def _until_allowed(self) -> None:
        while True:
            now = self._loop.time()
            wait = self._breaker.wait(now, is_retry=self._failed_since is not None)
            if not wait:
                self._is_dialling = True
                return
            await asyncio.sleep(wait * random.uniform(1, 1.2))  # noqa: S311  # jitter

    async def _open(self, line: Line) -> None:
        line.session.expect_start(self._loop.time() + self._config.opening_timeout)
        try:
            connection = await self._connect(line, self._parameters)
        except UpstreamError as error:
            if line is self._line:
                reason = (
                    error.error_type
                    if isinstance(error, UpstreamRejected | UpstreamUnavailable)
                    else str(Break.LOST)
                )
                self._fail(Failed(error, reason))
            return
        line.connection = connection
        if line is not self._line:
            connection.abandon()  # it broke before it was there
        self._host.uplink_moved()

    def _new_line(self) -> Line:
        session = UpstreamSession(
            self._ledger,
            wire_format=self._config.wire_format,
            is_timed=self._parameters.wants_timed_message,
            extras=self._parameters.extra_messages,
            commit_timeout=self._config.commit_timeout,
            seconds_at=self._seconds_at,
            redact=self._redact,
            history=self._history,
            speed=self._recovery.speed,
            max_chunk=self._recovery.chunk,
            min_commit=self._recovery.padding,
        )
        return Line(session, self._host, self._log)

    def _hand_on(self, event: Event) -> None:
        match event:
            case Failed() if not self._is_given_up:
                self._fail(event)
                return
            case Opened():
                self._opened_at = self._loop.time()
                self._is_dialling = False
                self._breaker.succeeded()
                if self._failed_since is not None:
                    replayed = self._ledger.reached - self._ledger.covered
                    self._host.uplink_restored(replayed / self._config.wire_format.rate)
            case Final():
                self._failed_since = None
                self._recovery.succeed()
        self._host.uplink_event(event)

    def _fail(self, failed: Failed) -> None:
        """Open a new socket in place of one that failed, if that can help."""
        if self._is_dialling:
            self._is_dialling = False
            self._breaker.failed(self._loop.time())
        if isinstance(failed.error, UpstreamRejected):
            self._host.uplink_event(failed)
            return
        reopening = self._recovery.fail(failed.reason, self._stretch())
        self._log.warning(
            "upstream broke",
            reason=failed.reason,
            text=str(failed.error),
            attempt=reopening.attempt,
        )
        if reopening.leaves_out:
            self._host.uplink_gap(*self._ledger.leave_out(), failed.reason)
        self._ledger.rewind()
        if self._line.connection is not None:
            self._line.connection.abandon()
        self._line.session.close()
        self._line = self._new_line()
        self._error = failed.error
        self._delay, self._needs_audio = reopening.delay, reopening.needs_audio
        if self._failed_since is None:
            self._failed_since = self._loop.time()
        self._has_audio.clear()
        self._host.uplink_reconnecting(reopening.attempt, reopening.delay, failed.reason)
        self._broken.set()

    def _stretch(self) -> Stretch | None:
        if not self._ledger.has_sent:
            return None
        rate, commit = self._config.wire_format.rate, self._ledger.first_commit
        return Stretch(
            self._ledger.covered / rate,
            None if commit is None else commit / rate,
            self._ledger.sent / rate,
        )

    async def _take_slot(self) -> None:
        told_at = -math.inf
        while not (place := await self._slot.ask()).has_slot:
            now = self._loop.time()
            if place.position != self._queue_position or now - told_at >= QUEUED_INTERVAL:
                self._queue_position, told_at = place.position, now
                self._host.uplink_queued(place)
            await asyncio.sleep(SLOT_INTERVAL)
        self._queue_position = None
        self._host.uplink_has_slot()

    def _send(self) -> None:
        session, connection = self._line.session, self._line.connection
        if connection is None:
            return
        now = self._loop.time()
        while connection.is_writable:
            message = session.message_to_send(now)
            if message is None:
                break
            connection.send(message)
        # A socket that isn't writable says by itself when it is again.
        resume_at = session.resume_at
        if connection.is_writable and resume_at is not None and self._resume is None:
            self._resume = self._loop.call_at(resume_at, self._resume_sending)

    def _resume_sending(self) -> None:
        self._resume = None
        self._host.uplink_moved()
