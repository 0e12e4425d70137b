"""The provider's side of one session: its place, its socket, and when it is sent what."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from structlog.typing import FilteringBoundLogger

from relay.bridge_config import BridgeConfig
from relay.errors import UpstreamError
from relay.limits.slots import Place
from relay.scribe.codec import MalformedMessage
from relay.scribe.messages import ServerMessage as ScribeMessage
from relay.scribe.parameters import Parameters
from relay.upstream.ledger import Ledger
from relay.upstream.session import Event, Failed, State, UpstreamSession

SLOT_INTERVAL = 0.5
"""Seconds between two questions for a place at the provider."""

QUEUED_INTERVAL = 5.0
"""Seconds after which a client in the queue is told again, though its place is the same."""


class Upstream(Protocol):
    """An open socket to the provider, as far as an uplink uses it."""

    is_writable: bool

    def send(self, message: bytes) -> None: ...
    async def aclose(self) -> None: ...


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
    def uplink_moved(self) -> None: ...
    def uplink_crashed(self, error: Exception) -> None: ...


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
        config: BridgeConfig,
        seconds_at: Callable[[float], float],
        redact: Callable[[str], str],
        log: FilteringBoundLogger,
    ) -> None:
        """Serve `host`; call `run` beside it.

        Args:
            host: Told what the provider says.
            ledger: What is to be sent.
            parameters: Which the session was granted.
            connect: Opens sockets.
            slot: The session's claim to a place at the provider.
            config: The relay's.
            seconds_at: Session seconds of a position, for word times.
            redact: Takes secrets out of texts that came from the provider.
            log: The session's.
        """
        self._host = host
        self._ledger = ledger
        self._parameters = parameters
        self._connect = connect
        self._slot = slot
        self._config = config
        self._loop = asyncio.get_running_loop()
        session = UpstreamSession(
            ledger,
            wire_format=config.wire_format,
            is_timed=parameters.wants_timed_message,
            extras=parameters.extra_messages,
            commit_timeout=config.commit_timeout,
            seconds_at=seconds_at,
            redact=redact,
        )
        self._line = Line(session, host, log)
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
        return self._line.session.samples_sent

    @property
    def samples_inserted(self) -> int:
        """Silence among them that the relay put in."""
        return self._line.session.samples_inserted

    async def run(self) -> None:
        """Take a place at the provider, and open a session there."""
        await self._take_slot()
        line = self._line
        line.session.expect_start(self._loop.time() + self._config.opening_timeout)
        try:
            line.connection = await self._connect(line, self._parameters)
        except UpstreamError as error:
            self._host.uplink_event(Failed(error))
        else:
            self._host.uplink_moved()

    def advance(self) -> None:
        """Hand on what the provider said, and send it what it may have now."""
        for event in self._line.session.events_received():
            self._host.uplink_event(event)
        self._send()

    def tick(self, now: float) -> None:
        """Do what time asks for; then call `advance`."""
        self._line.session.tick(now)

    def give_up(self) -> None:
        """Wait no longer for the last words; then call `advance`."""
        self._line.session.give_up()

    def close(self) -> None:
        """Send and receive nothing any more."""
        if self._resume is not None:
            self._resume.cancel()
        self._line.session.close()

    async def aclose(self) -> None:
        """Close the socket."""
        if self._line.connection is not None:
            await self._line.connection.aclose()

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
