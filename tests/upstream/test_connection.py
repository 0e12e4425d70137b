"""One socket to a provider, against servers that do what providers and networks do."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from relay.errors import UpstreamRejected, UpstreamUnavailable
from relay.scribe.codec import MalformedMessage
from relay.scribe.messages import PartialTranscript, ServerMessage
from relay.upstream import connection as module
from relay.upstream.connection import MAX_MESSAGE_BYTES, UpstreamConnection, connect
from tests.support.peers import answer, talking
from tests.support.ports import free_port
from tests.support.spawned import until

KEY = "xi-secret-0123456789"

Script = Callable[[ServerConnection], Awaitable[None]]


class Listener:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.messages: list[ServerMessage] = []
        self.malformed: list[MalformedMessage] = []
        self.losses: list[tuple[int, str]] = []
        self.writable = 0

    def upstream_message(self, message: ServerMessage) -> None:
        self.messages.append(message)

    def upstream_malformed(self, error: MalformedMessage) -> None:
        self.malformed.append(error)

    def upstream_lost(self, code: int, reason: str) -> None:
        self.losses.append((code, reason))

    def upstream_writable(self) -> None:
        self.writable += 1

    async def lost(self) -> tuple[int, str]:
        """Wait for the end, which is told once."""
        await until(lambda: bool(self.losses))
        (loss,) = self.losses
        return loss


@pytest.fixture
def listener() -> Listener:
    return Listener()


@asynccontextmanager
async def scripted(script: Script, **options: Any) -> AsyncIterator[str]:
    """A WebSocket server; its URL."""
    async with serve(script, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'wss' if 'ssl' in options else 'ws'}://127.0.0.1:{port}/path?query=1"


async def open_socket(listener: Listener, url: str, **options: Any) -> UpstreamConnection:
    values = {
        "headers": {"xi-api-key": KEY},
        "ssl_context": None,
        "connect_timeout": 5.0,
        "write_bytes": 64 * 1024,
        **options,
    }
    return await connect(listener, url, **values)


@asynccontextmanager
async def connected(
    listener: Listener, script: Script, **options: Any
) -> AsyncIterator[UpstreamConnection]:
    """A socket to a script."""
    async with scripted(script) as url:
        connection = await open_socket(listener, url, **options)
        try:
            yield connection
        finally:
            await connection.aclose()


def partial(text: str) -> str:
    return json.dumps({"message_type": "partial_transcript", "text": text})


async def stay(peer: ServerConnection) -> None:
    await peer.wait_closed()


# Messages.


async def test_message_goes_up_as_text_and_answers_come_decoded(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        assert peer.request is not None
        assert peer.request.path == "/path?query=1"
        assert peer.request.headers["xi-api-key"] == KEY
        assert "Sec-WebSocket-Extensions" not in peer.request.headers
        await peer.send(partial(str(await peer.recv(decode=True))))
        await peer.wait_closed()

    async with connected(listener, script) as connection:
        connection.send("grüß".encode())
        await until(lambda: bool(listener.messages))
    assert listener.messages == [PartialTranscript("grüß")]


async def test_fragments_are_put_together(listener: Listener) -> None:
    text = partial("one two three")

    async def script(peer: ServerConnection) -> None:
        await peer.send([text[:10], text[10:11], "", text[11:]])
        await peer.send(["", text])
        await peer.send(text)
        await peer.wait_closed()

    async with connected(listener, script):
        await until(lambda: len(listener.messages) == 3)
    assert listener.messages == [PartialTranscript("one two three")] * 3


async def test_control_frames_may_come_between_fragments(listener: Listener) -> None:
    text = partial("one").encode()

    async def script(peer: ServerConnection) -> None:
        peer.transport.write(
            b"".join(
                Frame(opcode, data, fin=fin).serialize(mask=False)
                for opcode, data, fin in (
                    (Opcode.TEXT, text[:5], False),
                    (Opcode.PING, b"x", True),
                    (Opcode.PONG, b"y", True),
                    (Opcode.CONT, text[5:], True),
                )
            )
        )
        await peer.wait_closed()

    async with connected(listener, script):
        await until(lambda: bool(listener.messages))
    assert listener.messages == [PartialTranscript("one")]


async def test_what_cannot_be_read_is_told_and_the_next_is_read(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("hello")
        await peer.send(partial("one"))
        await peer.wait_closed()

    async with connected(listener, script):
        await until(lambda: bool(listener.messages))
    assert len(listener.malformed) == 1


async def test_binary_message_is_ignored_whole(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send(b"\0" * 100)
        await peer.send([b"\0" * 100, b"\1" * 100, b"\2" * 100])
        await peer.send(partial("one"))
        await peer.wait_closed()

    async with connected(listener, script):
        await until(lambda: bool(listener.messages))
    assert listener.malformed == []


@pytest.mark.parametrize("parts", [1, 5])
async def test_message_that_is_too_big_ends_the_line(listener: Listener, parts: int) -> None:
    async def script(peer: ServerConnection) -> None:
        part = "x" * (MAX_MESSAGE_BYTES // parts + 1)
        await (peer.send(part) if parts == 1 else peer.send([part] * parts))
        await peer.wait_closed()

    async with connected(listener, script):
        code, _ = await listener.lost()
    assert code != 1000
    assert listener.messages == []
    assert listener.malformed == []


async def test_pings_are_answered(listener: Listener) -> None:
    latency = asyncio.get_running_loop().create_future()

    async def script(peer: ServerConnection) -> None:
        latency.set_result(await (await peer.ping("are you there")))
        await peer.wait_closed()

    async with connected(listener, script), asyncio.timeout(5):
        assert await latency >= 0


# The end.


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1008, "quota exceeded"), (1011, "ü" * 60), (4999, "x")]
)
async def test_close_frame_is_told_with_code_and_reason(
    listener: Listener, code: int, reason: str
) -> None:
    answered = asyncio.get_running_loop().create_future()

    async def script(peer: ServerConnection) -> None:
        await peer.recv()
        await peer.close(code, reason)
        answered.set_result(peer.close_code)

    async with connected(listener, script) as connection:
        connection.send(b"close, please")
        assert await listener.lost() == (code, reason)
        await until(lambda: connection.is_lost)
        assert await answered == 1000


async def test_close_frame_without_a_code_is_told(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.recv()
        peer.transport.write(Frame(Opcode.CLOSE, b"").serialize(mask=False))
        await peer.wait_closed()

    async with connected(listener, script) as connection:
        connection.send(b"close, please")
        assert await listener.lost() == (1005, "")


async def test_line_that_breaks_is_told(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.recv()
        peer.transport.abort()

    async with connected(listener, script) as connection:
        connection.send(b"break, please")
        assert await listener.lost() == (1006, "")
        assert connection.is_lost


async def test_close_frame_that_comes_with_the_handshake_is_told(listener: Listener) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.close(1008, "quota exceeded")

    async with scripted(script) as url:
        with pytest.raises(UpstreamUnavailable):
            await (await open_socket(listener, url)).aclose()
    assert listener.losses == [(1008, "quota exceeded")]


async def test_closing_takes_leave(listener: Listener) -> None:
    left = asyncio.get_running_loop().create_future()

    async def script(peer: ServerConnection) -> None:
        await peer.wait_closed()
        left.set_result(peer.close_code)

    async with connected(listener, script) as connection:
        await connection.aclose()
        assert connection.is_lost
        assert await left == 1000
        await connection.aclose()


async def silent_websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Complete the handshake, then take everything and say nothing."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = re.search(rb"sec-websocket-key: *(\S+)", request, re.IGNORECASE)
    assert key is not None
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(key[1].decode()).encode() + b"\r\n\r\n"
    )
    await reader.read()


async def test_closing_does_not_wait_for_who_never_answers(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.1)
    async with talking(silent_websocket) as port:
        connection = await open_socket(listener, f"ws://127.0.0.1:{port}")
        async with asyncio.timeout(2):
            await connection.aclose()
        await until(lambda: connection.is_lost)


async def test_cancelled_closing_drops_the_line(listener: Listener) -> None:
    async with talking(silent_websocket) as port:
        connection = await open_socket(listener, f"ws://127.0.0.1:{port}")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.aclose()
        await until(lambda: connection.is_lost)


async def test_abandoned_line_is_dropped(listener: Listener) -> None:
    gone = asyncio.get_running_loop().create_future()

    async def script(peer: ServerConnection) -> None:
        await peer.wait_closed()
        gone.set_result(peer.close_code)

    async with connected(listener, script) as connection:
        connection.abandon()
        assert await gone == 1006
        await until(lambda: connection.is_lost)


async def test_pings_that_are_not_answered_end_the_line(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING_INTERVAL", 0.1)
    monkeypatch.setattr(module, "PONG_TIMEOUT", 0.1)
    async with talking(silent_websocket) as port:
        await open_socket(listener, f"ws://127.0.0.1:{port}")
        async with asyncio.timeout(5):
            code, _ = await listener.lost()
    assert code == 1006


async def test_answered_pings_keep_the_line(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings = 0

    async def script(peer: ServerConnection) -> None:
        nonlocal pings
        answer_ping = peer.protocol.recv_frame

        def count(frame: Frame) -> None:
            nonlocal pings
            pings += frame.opcode is Opcode.PING
            answer_ping(frame)

        monkeypatch.setattr(peer.protocol, "recv_frame", count)
        await peer.wait_closed()

    monkeypatch.setattr(module, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(module, "PONG_TIMEOUT", 0.05)
    async with connected(listener, script) as connection:
        await until(lambda: pings >= 4)
        assert not connection.is_lost
    assert pings >= 4


async def test_writing_pauses_while_the_provider_does_not_read(listener: Listener) -> None:
    reads = asyncio.Event()
    total = 0

    async def script(peer: ServerConnection) -> None:
        nonlocal total
        peer.transport.pause_reading()
        await reads.wait()
        peer.transport.resume_reading()
        async for message in peer:
            total += len(message)

    async with connected(listener, script, write_bytes=64 * 1024) as connection:
        sent = 0
        while connection.is_writable:
            connection.send(b"x" * 10_000)
            sent += 10_000
            assert sent < 100_000_000
            await asyncio.sleep(0)
        assert listener.writable == 0
        reads.set()
        await until(lambda: connection.is_writable)
        assert listener.writable == 1
        await until(lambda: total == sent)


# Connecting.


async def refused(listener: Listener, url: str, **options: Any) -> str:
    """The text with which connecting fails for now."""
    with pytest.raises(UpstreamUnavailable) as error:
        await open_socket(listener, url, **options)
    assert KEY not in str(error.value)
    assert listener.losses in ([], [(1006, "")])
    return str(error.value)


async def test_provider_that_is_not_there_is_told(listener: Listener) -> None:
    text = await refused(listener, f"ws://127.0.0.1:{free_port()}")
    assert text.startswith("The speech service can't be reached: ")


async def test_where_the_provider_is_not_there_is_not_told(listener: Listener) -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost"):
        text = await refused(listener, f"ws://{host}:{port}")
        assert "127.0.0.1" not in text
        assert str(port) not in text


@pytest.mark.parametrize("host", ["nobody.invalid", "two..dots", "x" * 70 + ".example"])
async def test_name_that_cannot_be_found_is_told(listener: Listener, host: str) -> None:
    text = await refused(listener, f"wss://{host}")
    assert text.startswith("The speech service can't be reached: ")


async def test_provider_that_says_nothing_is_not_waited_for(listener: Listener) -> None:
    lines: list[asyncio.StreamReader] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(reader)
        await reader.read()

    async with talking(silent) as port:
        text = await refused(listener, f"ws://127.0.0.1:{port}", connect_timeout=0.2)
        await until(lambda: all(line.at_eof() for line in lines))
    assert text == "The speech service can't be reached: no answer in time."


@pytest.mark.parametrize("is_answered", [True, False])
async def test_cancelled_connecting_leaves_no_socket(listener: Listener, is_answered: bool) -> None:
    lines: list[asyncio.StreamReader] = []
    is_cancelled = asyncio.Event()

    async def hesitate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(reader)
        await is_cancelled.wait()
        await (silent_websocket(reader, writer) if is_answered else reader.read())

    async with talking(hesitate) as port, asyncio.TaskGroup() as group:
        # Where no answer comes, the socket goes when the time for it is over.
        seconds = 30.0 if is_answered else 0.3
        task = group.create_task(
            open_socket(listener, f"ws://127.0.0.1:{port}", connect_timeout=seconds)
        )
        await until(lambda: bool(lines))
        task.cancel()
        is_cancelled.set()
        await until(lambda: lines[0].at_eof())
    assert task.cancelled()


async def test_line_that_breaks_before_the_answer_is_told(listener: Listener) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with talking(hang_up) as port:
        text = await refused(listener, f"ws://127.0.0.1:{port}")
    assert text.startswith("The speech service ")


async def test_server_of_another_kind_is_told(listener: Listener) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with talking(greet) as port:
        text = await refused(listener, f"ws://127.0.0.1:{port}", connect_timeout=1.0)
    assert text.startswith("The speech service ")


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
async def test_status_that_may_pass_may_be_tried_again(listener: Listener, status: int) -> None:
    async with talking(answer(f"{status} No")) as port:
        text = await refused(listener, f"ws://127.0.0.1:{port}")
    assert text == f"The speech service refused the connection: HTTP {status}."


async def test_too_many_sessions_say_when_to_come_back(listener: Listener) -> None:
    async with talking(answer("429 Too Many Requests")) as port:
        with pytest.raises(UpstreamUnavailable) as error:
            await open_socket(listener, f"ws://127.0.0.1:{port}")
    assert error.value.error_type == "rate_limited"
    assert error.value.retry_after == module.RETRY_AFTER


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(401, "auth_error"), (403, "auth_error"), (400, "invalid_request"), (404, "invalid_request")],
)
async def test_status_that_stays_is_not_tried_again(
    listener: Listener, status: int, error_type: str
) -> None:
    async with talking(answer(f"{status} No")) as port:
        with pytest.raises(UpstreamRejected) as error:
            await open_socket(listener, f"ws://127.0.0.1:{port}")
    assert error.value.error_type == error_type
    assert KEY not in str(error.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_not_followed_and_gets_no_key(listener: Listener, status: int) -> None:
    seen: list[str | None] = []

    async def script(peer: ServerConnection) -> None:
        assert peer.request is not None
        seen.append(peer.request.headers.get("xi-api-key"))

    async with (
        scripted(script) as elsewhere,
        talking(answer(f"{status} There", f"Location: {elsewhere}")) as port,
    ):
        text = await refused(listener, f"ws://127.0.0.1:{port}")
    assert text == f"The speech service refused the connection: HTTP {status}."
    assert seen == []


# TLS.


def server_side(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_certificate_of_a_known_authority_is_trusted(listener: Listener) -> None:
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    async with scripted(stay, ssl=server_side(authority)) as url:
        connection = await open_socket(listener, url, ssl_context=trust)
        assert not connection.is_lost
        await connection.aclose()


async def test_certificate_of_a_stranger_is_told(listener: Listener) -> None:
    async with scripted(stay, ssl=server_side(trustme.CA())) as url:
        text = await refused(listener, url)
    assert text == (
        "The speech service can't be reached: its certificate is not trusted "
        "(unable to get local issuer certificate)."
    )


async def test_certificate_for_another_name_is_told(listener: Listener) -> None:
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    async with scripted(stay, ssl=server_side(authority, "other.example")) as url:
        text = await refused(listener, url, ssl_context=trust)
    assert "IP address mismatch" in text


async def test_server_without_tls_is_told(listener: Listener) -> None:
    async with scripted(stay) as url:
        text = await refused(listener, url.replace("ws:", "wss:"))
    assert text.startswith("The speech service can't be reached: ")
