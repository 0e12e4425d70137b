"""A TCP proxy that breaks lines on request, as networks do."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Final, Self

PIECE: Final = 4096
"""Bytes read at once: little, so that a throttled line is slow all along and not by bursts."""

RESET: Final = struct.pack("ii", 1, 0)
"""`SO_LINGER` with no time: closing sends RST instead of FIN."""


class Direction(Enum):
    """Of the bytes, as seen by whoever opened the connection."""

    UP = "up"
    DOWN = "down"


@dataclass
class _Flow:
    """What becomes of the bytes of one direction, over all connections."""

    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    swallows: bool = False
    bytes_per_second: float | None = None

    def __post_init__(self) -> None:
        self.is_open.set()


class Proxy:
    """Passes bytes on until told otherwise.

    async with Proxy(port) as proxy:
        proxy.cut()  # whoever connected to proxy.port is reset
    """

    def __init__(self, to_port: int) -> None:
        """Describe a line to a port of this machine; it listens within the context."""
        self.to_port = to_port
        self.port = 0
        self.accepted = 0
        """Connections so far, the refused ones left out."""
        self._flows = {direction: _Flow() for direction in Direction}
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuses_until = 0.0
        self._server: asyncio.Server
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=PIECE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self.restore()
        self.cut()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection now, on both sides; what was on its way is lost."""
        for writer in self._writers:
            _reset(writer)

    def refuse(self, seconds: float) -> None:
        """Reset connections as soon as they are made, for so long."""
        self._refuses_until = asyncio.get_running_loop().time() + seconds

    def hold(self, *directions: Direction) -> None:
        """Pass nothing on; what comes waits, and whoever sends has to wait in the end."""
        for direction in directions or Direction:
            self._flows[direction].is_open.clear()

    def swallow(self, *directions: Direction) -> None:
        """Take everything and pass nothing on, as a dead network does.

        The bytes are gone, so a connection that was open makes no sense any more after this.
        """
        for direction in directions or Direction:
            self._flows[direction].swallows = True

    def throttle(self, bytes_per_second: float, *directions: Direction) -> None:
        """Pass on no more than this, over each connection."""
        for direction in directions or Direction:
            self._flows[direction].bytes_per_second = bytes_per_second

    def restore(self) -> None:
        """Pass everything on again, and refuse nobody."""
        self._refuses_until = 0.0
        for flow in self._flows.values():
            flow.is_open.set()
            flow.swallows = False
            flow.bytes_per_second = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        if asyncio.get_running_loop().time() < self._refuses_until:
            _reset(writer)
            return
        try:
            far = await asyncio.open_connection("127.0.0.1", self.to_port, limit=PIECE)
        except OSError:
            _reset(writer)
            return
        self.accepted += 1
        self._writers |= {writer, far[1]}
        try:
            await asyncio.gather(
                self._pump(reader, far[1], Direction.UP), self._pump(far[0], writer, Direction.DOWN)
            )
        finally:
            for each in (writer, far[1]):
                self._writers.discard(each)
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        flow = self._flows[direction]
        try:
            while piece := await reader.read(PIECE):
                await flow.is_open.wait()
                if flow.swallows:
                    continue
                if flow.bytes_per_second is not None:
                    await asyncio.sleep(len(piece) / flow.bytes_per_second)
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            # A side that was reset is reset on the other one too.
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    line: socket.socket | None = writer.get_extra_info("socket")
    if line is not None:
        with contextlib.suppress(OSError):  # it has been closed already
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
