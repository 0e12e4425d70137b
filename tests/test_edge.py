"""What uvicorn leaves unbounded, tried on a real socket."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from relay import edge
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.simulator.scribe import Scribe
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.waiting import until

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Simulator(api_keys=(KEY,)) as simulator, relay_to(simulator.url) as running:
        yield running


@asynccontextmanager
async def raw(relay: Relay) -> AsyncIterator[Stream]:
    host, port = relay.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer_of(stream: Stream, request: bytes) -> bytes:
    """What comes until the relay closes."""
    reader, writer = stream
    async with asyncio.timeout(5):
        writer.write(request)
        try:
            await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""


async def test_a_head_that_is_too_long_is_refused(relay: Relay) -> None:
    long = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * edge.MAX_REQUEST_HEAD_BYTES
    async with raw(relay) as stream:
        assert (await answer_of(stream, long)).startswith(b"HTTP/1.1 431 ")


async def test_a_body_is_not_counted_as_head(relay: Relay) -> None:
    body = b"x" * (2 * edge.MAX_REQUEST_HEAD_BYTES)
    request = b"POST /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
    async with raw(relay) as (reader, writer), asyncio.timeout(5):
        writer.write(request % len(body) + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("begin", [b"", b"GET /healthz HTTP/1.1\r\nhost: local"])
async def test_half_a_request_is_not_waited_for(
    simulator_url: str, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(edge, "HEAD_TIMEOUT", 0.2)
    async with relay_to(simulator_url) as relay, raw(relay) as stream:
        assert await answer_of(stream, begin) == b""


async def test_a_second_request_has_its_own_time(
    simulator_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "HEAD_TIMEOUT", 0.3)
    request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    async with relay_to(simulator_url) as relay, raw(relay) as (reader, writer):
        async with asyncio.timeout(5):
            writer.write(request)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
            writer.write(request[:-2])
            assert await reader.read() == b""


async def test_a_long_query_is_served(relay: Relay) -> None:
    terms = ["\u3042" * 20] * 50
    async with Client(relay, keyterms=terms) as client:
        assert await client.closed() == 4400  # the surcharge is not allowed, but it was read
    assert "keyterms" in client.events[-1]["error"]


async def test_a_handshake_that_cannot_be_read_is_answered(relay: Relay) -> None:
    request = (
        b"GET /v1/stream HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n"
        b"connection: upgrade\r\n" + b"x: y\r\n" * 200 + b"\r\n"
    )
    async with raw(relay) as stream:
        assert (await answer_of(stream, request)).startswith(b"HTTP/1.1 400 ")


async def test_a_handshake_for_nothing_is_answered(relay: Relay) -> None:
    with pytest.raises(InvalidStatus, match=r"403|404"):
        async with connect(relay.url.replace("http", "ws", 1) + "/nothing"):
            pass


async def test_who_pings_and_takes_no_pongs_is_dropped(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "MAX_UNSENT_BYTES", 1024)
    async with Client(relay, reads=False) as client:
        transport = client.connection.transport
        transport.pause_reading()
        protocol = client.connection.protocol
        async with asyncio.timeout(20):
            while not transport.is_closing():
                for _ in range(500):
                    protocol.send_ping(b"x" * 125)
                transport.write(b"".join(protocol.data_to_send()))
                await asyncio.sleep(0)
        client.read()
        assert await client.closed() == 1006


def scribe(relay: Relay) -> Scribe:
    return Scribe(relay.url.replace("http", "ws", 1), key=relay.key)


async def test_little_waits_before_a_client_that_is_too_fast(relay: Relay) -> None:
    second = base64.b64encode(bytes(32_000)).decode()
    message = json.dumps({"message_type": "input_audio_chunk", "audio_base_64": second})
    sent_bytes = 0
    async with scribe(relay) as client:
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.5):
                    await client.connection.send(message)
                sent_bytes += len(message)
        client.connection.transport.abort()
    # Ten seconds are read at once, and then four in each. Linux would take six megabytes.
    assert 10 * len(message) < sent_bytes < 3_000_000


async def test_a_close_that_is_held_is_answered_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HOLD_TIMEOUT", 0.2)
    faults = [Fault(FaultKind.OMIT_FINALS, count=None)]
    async with (
        Simulator(api_keys=(KEY,), faults=faults) as simulator,
        relay_to(simulator.url, stop_timeout=1) as relay,
        scribe(relay) as client,
    ):
        await client.say(1.0, commit=True)
        await client.connection.close()
        await client.rest()
    assert client.close == (1000, "")


async def test_who_breaks_the_line_after_a_close_is_let_go(relay: Relay) -> None:
    async with scribe(relay) as client:
        await client.say(1.0, commit=True)
        client.connection.protocol.send_close(1000)
        client.connection.send_data()
        client.connection.transport.abort()
        await client.rest()

    async def has_ended() -> bool:
        return not len(relay.services.sessions)

    await until(has_ended, "the session to end")


async def test_a_close_frame_that_breaks_the_protocol_is_not_held(relay: Relay) -> None:
    async with scribe(relay) as client:
        await client.until("session_started")
        client.connection.protocol.send_frame(Frame(Opcode.CLOSE, b"\0"))
        client.connection.send_data()
        await client.rest()
    assert client.close[0] == 1002


async def test_closes_of_the_relays_own_clients_are_answered_at_once(relay: Relay) -> None:
    async with Client(relay) as client:
        await client.event("session_started")
        await client.connection.close(1000)
    assert client.of("session_ended") == []


@pytest.fixture
async def simulator_url() -> AsyncIterator[str]:
    async with Simulator(api_keys=(KEY,)) as simulator:
        yield simulator.url
