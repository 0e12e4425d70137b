"""Servers that behave as a test wants, and what stands in front of servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[int]:
    """Serve every TCP connection with `talk`, which it ends; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answer(head: str, *headers: str, body: str = "") -> Talk:
    """Answer one HTTP request with this, whatever it asks for."""
    lines = [f"HTTP/1.1 {head}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    text = "\r\n".join([*lines, "", body])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text.encode())
            await writer.drain()

    return talk


def idle_proxy(port: int, seconds: float) -> Talk:
    """Pass bytes to a port of this machine and back, and drop the line when nothing comes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                sink.write(data)
                limit.reschedule(asyncio.get_running_loop().time() + seconds)
            raise ConnectionResetError

        with contextlib.suppress(TimeoutError):
            try:
                async with asyncio.timeout(seconds) as limit, asyncio.TaskGroup() as group:
                    group.create_task(pump(reader, inner_writer))
                    group.create_task(pump(inner_reader, writer))
            except* ConnectionError:
                pass
        inner_writer.close()

    return talk
