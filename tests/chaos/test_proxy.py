"""Lines that break in each of the ways the suite needs."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.proxy import Direction, Proxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1000):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A line to somebody who answers with what was said."""
    async with (
        await asyncio.start_server(_echo, "127.0.0.1", 0) as server,
        Proxy(server.sockets[0].getsockname()[1]) as line,
    ):
        yield line


async def _open(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_bytes_pass_both_ways_and_so_does_the_end(proxy: Proxy) -> None:
    reader, writer = await _open(proxy)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def test_a_cut_is_a_reset_and_the_next_connection_is_fine(proxy: Proxy) -> None:
    reader, writer = await _open(proxy)
    writer.write(b"hello")
    await reader.readexactly(5)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await _open(proxy)
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"
    writer.close()
    assert proxy.accepted == 2


async def test_connections_are_refused_for_a_while(proxy: Proxy) -> None:
    proxy.refuse(0.2)
    reader, writer = await _open(proxy)
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    await asyncio.sleep(0.25)
    reader, writer = await _open(proxy)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_what_is_held_comes_later_and_what_is_swallowed_never(proxy: Proxy) -> None:
    reader, writer = await _open(proxy)
    proxy.hold(Direction.UP)
    writer.write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.2)
    proxy.restore()
    assert await reader.readexactly(4) == b"held"
    proxy.swallow(Direction.DOWN)
    writer.write(b"gone")
    await asyncio.sleep(0.1)
    proxy.restore()
    writer.write(b"here")
    assert await reader.readexactly(4) == b"here"
    writer.close()


async def test_a_throttled_line_takes_its_time(proxy: Proxy) -> None:
    reader, writer = await _open(proxy)
    proxy.throttle(10_000, Direction.UP)
    begin = time.monotonic()
    writer.write(bytes(5000))
    await reader.readexactly(5000)
    assert 0.4 <= time.monotonic() - begin <= 2
    writer.close()


async def test_nobody_behind_it_is_a_reset() -> None:
    async with Proxy(1) as line:
        reader, writer = await _open(line)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
