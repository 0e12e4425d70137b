"""The sockets of one session: the one in use, the one that leaves, the one opened ahead."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from relay.scribe.codec import MalformedMessage
from relay.scribe.messages import ServerMessage as ScribeMessage
from relay.upstream.session import State, UpstreamSession


class Upstream(Protocol):
    """An open socket to the provider, as far as a session uses it."""

    is_writable: bool

    def send(self, message: bytes) -> None: ...
    async def aclose(self) -> None: ...
    def abandon(self) -> None: ...


class LineHost(Protocol):
    """Who is told that something came."""

    def uplink_moved(self) -> None: ...
    def uplink_crashed(self, error: Exception) -> None: ...


class Line:
    """One socket to the provider with the session on it; the socket calls these."""

    def __init__(
        self,
        session: UpstreamSession,
        host: LineHost,
        *,
        clock: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        """`connection` is set when there is one."""
        self.session = session
        self.connection: Upstream | None = None
        self.is_gone = False
        """Whether nothing is awaited of it any more."""
        self._is_lost = False
        self._held: list[Callable[[], None]] | None = None
        self._host = host
        self._clock = clock
        self._log = log

    @property
    def is_held(self) -> bool:
        """Whether what comes waits until the line before has said its last."""
        return self._held is not None

    @property
    def is_writable(self) -> bool:
        """Whether its socket takes a message now."""
        return self.connection is not None and self.connection.is_writable and not self._is_lost

    def hold(self) -> None:
        """Keep what comes until `release`."""
        self._held = []

    def release(self) -> None:
        """Take in what came meanwhile, in order."""
        held, self._held = self._held or [], None
        for act in held:
            act()

    def upstream_message(self, message: ScribeMessage) -> None:
        """Take in one message of the provider's."""
        self._take(lambda: self.session.receive_message(message, self._clock()))

    def upstream_malformed(self, error: MalformedMessage) -> None:
        """Take notice of a message that can't be read."""
        self._log.warning("upstream message not understood", text=str(error))
        self._take(lambda: self.session.receive_malformed(error.message_type))

    def upstream_lost(self, code: int, reason: str) -> None:
        """Take notice that the socket is gone."""
        self._is_lost = True
        self._take(lambda: self.session.connection_lost(code, reason))

    def upstream_writable(self) -> None:
        """Go on sending."""
        self._host.uplink_moved()

    def _take(self, act: Callable[[], None]) -> None:
        if self._held is not None:
            self._held.append(act)
            return
        try:
            act()
        except Exception as error:
            self._host.uplink_crashed(error)
        else:
            self._host.uplink_moved()


class Lines:
    """Which of a session's sockets is sent what, and whose answers count when.

    At most three are there at once. `current` is sent what the ledger holds. `leaving` was it
    before: it is sent nothing, and until it has answered its commits, nothing that `current` says
    is taken in, so that the n-th final answers the n-th commit over both. `ahead` will be it.
    """

    def __init__(self, make: Callable[[], Line]) -> None:
        """Begin with one that `make` gives."""
        self._make = make
        self.current = make()
        self.leaving: Line | None = None
        self.ahead: Line | None = None
        self._parting: set[Line] = set()

    def __iter__(self) -> Iterator[Line]:
        return (line for line in (self.leaving, self.current, self.ahead) if line is not None)

    @property
    def is_settled(self) -> bool:
        """Whether all there was to say is sent, answered and handed on."""
        return self.leaving is None and self.current.session.is_settled

    def new_ahead(self) -> Line:
        """Prepare the one that `swap` will take."""
        self.ahead = self._make()
        return self.ahead

    def drop_ahead(self) -> None:
        """Do without the one that was opened ahead."""
        if self.ahead is not None:
            _drop(self.ahead)
            self.ahead = None

    def swap(self) -> None:
        """Send to the one that was opened ahead from now on, or to a new one."""
        self.leaving, self.current = self.current, self.ahead or self._make()
        self.ahead = None
        self.current.hold()

    def part(self) -> bool:
        """Let the one that leaves go if it has said all; whether it went just now."""
        leaving = self.leaving
        if leaving is None or not leaving.session.has_answered:
            return False
        self._let_go(leaving)
        self.leaving = None
        self.current.release()
        return True

    def rest(self) -> Line:
        """Begin a new one in place of the current one, which has said all; the old one."""
        self.drop_ahead()
        old, self.current = self.current, self._make()
        self._let_go(old)
        return old

    async def hang_up(self, line: Line) -> None:
        """Close the socket of one that is gone."""
        await _hang_up(line)
        self._parting.discard(line)

    def replace(self) -> None:
        """Begin anew with one, since what is unanswered has to be sent again."""
        for line in self:
            _drop(line)
        self.leaving = self.ahead = None
        self.current = self._make()

    def close(self) -> None:
        """Send and receive nothing any more."""
        for line in self:
            line.session.close()

    async def aclose(self) -> None:
        """Close all sockets, those of lines that had just gone as well."""
        async with asyncio.TaskGroup() as group:
            for line in (*self, *self._parting):
                group.create_task(_hang_up(line), name="close a socket")

    def _let_go(self, line: Line) -> None:
        line.session.close()
        line.is_gone = True
        self._parting.add(line)


async def _hang_up(line: Line) -> None:
    if line.connection is not None:
        await line.connection.aclose()


def _drop(line: Line) -> None:
    if line.connection is not None:
        line.connection.abandon()
    line.session.close()
    line.is_gone = True


def is_ready(line: Line | None) -> bool:
    """Whether a line could be sent audio."""
    return line is not None and line.session.state is State.OPEN
