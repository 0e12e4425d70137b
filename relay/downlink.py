"""The client's side of one session: the connection it has now, and what may not be missed on it."""

import asyncio
import math
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.downstream.dialect import ClientSession
from relay.downstream.outbox import Letter, Outbox
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import ServerMessage
from relay.protocol.refusal import INTERNAL_ERROR
from relay.registry.ownership import Standing

FAREWELL_TIMEOUT: Final = 5.0
"""Seconds that a client has to take the last messages."""

READER_TIMEOUT: Final = 0.5
"""Seconds in which whoever reads a connection that has ended finds out how."""

NO_STATUS: Final = 1005
"""What a close frame without a code counts as. Source: RFC 6455, section 7.4.1."""


class DownlinkHost(Protocol):
    """The session that a downlink serves."""

    async def downlink_message(self, message: bytes | str) -> None:
        """Take one of the client's messages; return when the next one may be read."""

    def downlink_audio(self, message: bytes) -> bool:
        """Take a message of audio at once, unless something is to be waited for; whether it was."""

    def downlink_left(self, *, in_order: bool) -> None:
        """The client has gone; in order, if it closed because it was done."""

    def downlink_lost(self) -> None:
        """Redis says that another worker owns the session."""

    def downlink_crashed(self, error: BaseException) -> None: ...


class _Line:
    """One connection, with the tasks that read it and write to it."""

    def __init__(self, client: DownstreamConnection) -> None:
        self.client = client
        self.pumps: list[asyncio.Task[None]] = []
        self.is_idle = False
        """Whether the one that writes has nothing to do, and waits for mail."""
        self.closing: asyncio.Future[CloseCode | None] = asyncio.get_running_loop().create_future()

    def end(self, code: CloseCode | None) -> None:
        """Read and write no more from this moment on; then close with `code`, if there is one."""
        for pump in self.pumps:
            pump.cancel()
        if not self.closing.done():
            self.closing.set_result(code)


class Downlink:
    """Sends a session's messages to its client, over one connection after another."""

    def __init__(
        self,
        host: DownlinkHost,
        session: ClientSession,
        outbox: Outbox,
        log: FilteringBoundLogger,
    ) -> None:
        """Serve `host`; messages are kept until the first connection is there."""
        self._host = host
        self._session = session
        self._outbox = outbox
        self._log = log
        self._line: _Line | None = None
        self._mail = asyncio.Event()
        self._is_drained = asyncio.Event()
        self._is_drained.set()
        self._absent_since = asyncio.get_running_loop().time()
        self._has_served = False

    @property
    def is_attached(self) -> bool:
        """Whether the client is there."""
        return self._line is not None

    @property
    def absent_since(self) -> float:
        """Since when it isn't there, by the loop's clock; infinite while it is."""
        return math.inf if self.is_attached else self._absent_since

    @property
    def left_at(self) -> float:
        """The same, for a client that has been there."""
        return self.absent_since if self._has_served else math.inf

    @property
    def waiting_bytes(self) -> int:
        """Messages that wait for the client."""
        return self._outbox.size_bytes

    def say(self, message: ServerMessage) -> None:
        """Send a message as soon as the client takes it."""
        self._post(self._session.send_message(message))

    def say_when_written(
        self, message: ServerMessage, written: "asyncio.Future[Standing | None]"
    ) -> None:
        """Send a message, and all that follow it, once it has been written down."""
        letter = self._session.send_message(message, is_held=True)
        written.add_done_callback(lambda answer: self._let_go(letter, answer))
        self._post(letter)

    def resume(self, next_sample: int, *, after: int, missed: Iterable[str] = ()) -> None:
        """Begin with a client that comes back, before `serve`; what it lacks is sent first."""
        self._session.resume(next_sample, after=after, missed=missed)
        self._is_drained.clear()

    def release(self) -> None:
        """Take nothing more from the connection that is there: the client has another one."""
        self._detach(CloseCode.TAKEN_OVER)

    async def serve(self, client: DownstreamConnection) -> None:
        """Speak with the client until its connection ends or the session does."""
        self.release()
        line = self._line = _Line(client)
        self._has_served = True
        if len(self._outbox):
            self._is_drained.clear()
        code: CloseCode | None = None
        last: str | None = None
        try:
            async with asyncio.TaskGroup() as group:
                line.pumps.append(group.create_task(self._read(line), name="client to relay"))
                line.pumps.append(group.create_task(self._write(line), name="relay to client"))
                code = await line.closing
        except* Exception as error:
            self._host.downlink_crashed(error)
            code, last = CloseCode.FAULT, self._session.send_message(INTERNAL_ERROR).text
        finally:
            # Reached with the line still there only where this task was cancelled.
            self._leave(line, in_order=False)
        if code is not None:
            await self._close(client, code, last)

    async def part(self, code: CloseCode, *, waits: bool = True) -> None:
        """Let the client take what waits for it, unless it `waits` for nothing; then close."""
        if self._line is None:
            return
        try:
            async with asyncio.timeout(FAREWELL_TIMEOUT):
                if waits:
                    await self._is_drained.wait()
        except TimeoutError:
            self._log.info("client did not take the last messages")
            self.cut()
        self._detach(code)

    def cut(self) -> None:
        """Drop the connection at once; what waited on it is sent again to a client that returns."""
        if self._line is not None:
            self._line.client.abort()
            self._detach(None)

    def _detach(self, code: CloseCode | None) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        self._absent_since = asyncio.get_running_loop().time()
        self._outbox.pause()
        self._is_drained.set()
        line.end(code)

    def _leave(self, line: _Line, *, in_order: bool) -> None:
        if line is self._line:
            self._detach(None)
            self._host.downlink_left(in_order=in_order)

    async def _close(self, client: DownstreamConnection, code: CloseCode, last: str | None) -> None:
        try:
            async with asyncio.timeout(FAREWELL_TIMEOUT):
                if last is not None:
                    with suppress(ClientLeft):
                        await client.send(last)
                await client.close(code)
        except TimeoutError:
            client.abort()

    async def _read(self, line: _Line) -> None:
        line.client.listen(partial(self._take, line))
        try:
            while True:
                await self._host.downlink_message(await line.client.receive())
        except ClientLeft as left:
            self._leave(line, in_order=left.code in (CloseCode.ENDED, NO_STATUS))

    def _take(self, line: _Line, message: bytes) -> bool:
        try:
            is_next = line is self._line and line.client.is_waiting
            return is_next and self._host.downlink_audio(message)
        except Exception as error:
            self._host.downlink_crashed(error)
            return True

    async def _write(self, line: _Line) -> None:
        try:
            while True:
                while (text := self._outbox.peek()) is not None:
                    await line.client.send(text)
                    self._outbox.pop()
                if not len(self._outbox):
                    self._is_drained.set()
                self._mail.clear()
                line.is_idle = True
                await self._mail.wait()
                line.is_idle = False
        except ClientLeft:
            # The reader sees the code, unless it isn't listening since it waits for room.
            await asyncio.sleep(READER_TIMEOUT)
            self._leave(line, in_order=False)

    def _post(self, letter: Letter) -> None:
        if self._line is None or self._has_sent_all(self._line):
            return
        self._is_drained.clear()
        self._mail.set()
        if self._outbox.is_over:
            self._log.info("client reads too slowly")
            line = self._line
            line.client.abort()
            self._leave(line, in_order=False)

    def _has_sent_all(self, line: _Line) -> bool:
        """Send at once what needs no waiting; whether that was all."""
        if not line.is_idle or self._mail.is_set():
            return False
        while (text := self._outbox.peek()) is not None:
            if not line.client.send_now(text):
                return False
            self._outbox.pop()
        return not len(self._outbox)

    def _let_go(self, letter: Letter, answer: "asyncio.Future[Standing | None]") -> None:
        if answer.cancelled():
            return
        if answer.result() is Standing.LOST:
            self._host.downlink_lost()
            return
        letter.is_held = False
        if self._line is None or not self._has_sent_all(self._line):
            self._mail.set()
            return
        self._is_drained.set()
