"""The client against a scripted relay on a real socket."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from relay.client import RelayUnreachable, SessionFailed, StreamClient, StreamClosed
from relay.client.dialing import stream_url
from relay.client.events import Event, PartialTranscript, SessionEnded, SessionStarted
from relay.errors import InputError
from relay.protocol.messages import SUBPROTOCOL

Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script, **options: Any) -> AsyncIterator[str]:
    """Serve a script at `/v1/stream`; the relay's base URL."""
    async with serve(
        script, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)], **options
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def say(peer: ServerConnection, message_type: str, **fields: Any) -> None:
    await peer.send(json.dumps({"message_type": message_type, **fields}))


async def end(peer: ServerConnection) -> None:
    await say(peer, "session_ended", reason="stopped", audio_ms=1, segments=0, words=0)
    await peer.close(1000)


async def events_of(stream: StreamClient) -> list[Event]:
    return [event async for event in stream]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://localhost:8000", "ws://localhost:8000/v1/stream"),
        ("https://relay.example.org/", "wss://relay.example.org/v1/stream"),
        ("wss://host/speech", "wss://host/speech/v1/stream"),
        ("ws://host/v1/stream", "ws://host/v1/stream"),
    ],
)
def test_base_url_leads_to_the_stream(base: str, url: str) -> None:
    assert stream_url(base) == url


@pytest.mark.parametrize("base", ["localhost:8000", "", "ftp://host", "http://"])
def test_what_is_no_base_url_is_refused(base: str) -> None:
    with pytest.raises(RelayUnreachable, match="must look like"):
        StreamClient(base, sample_rate=16_000)


async def test_request_says_what_will_be_sent() -> None:
    async def script(peer: ServerConnection) -> None:
        assert peer.request is not None
        path = urlsplit(peer.request.path)
        assert path.path == "/v1/stream"
        query = parse_qsl(path.query)
        await say(peer, "session_started", session_id="s", config={"query": query})
        await end(peer)

    options = [("language_code", "en"), ("keyterms", "a b"), ("keyterms", "c&d")]
    async with (
        scripted(script) as url,
        StreamClient(
            url, sample_rate=8000, channels=2, encoding="pcm_s16le", options=options
        ) as stream,
    ):
        started = (await events_of(stream))[0]
    assert isinstance(started, SessionStarted)
    assert [tuple(pair) for pair in started.config["query"]] == [
        ("sample_rate", "8000"),
        ("channels", "2"),
        ("encoding", "pcm_s16le"),
        *options,
    ]


async def test_handshake_offers_the_subprotocol_and_no_compression() -> None:
    seen: dict[str, str | None] = {}

    async def script(peer: ServerConnection) -> None:
        assert peer.request is not None
        seen["extensions"] = peer.request.headers.get("Sec-WebSocket-Extensions")
        seen["protocol"] = peer.subprotocol
        seen["key"] = peer.request.headers.get("xi-api-key")
        await end(peer)

    async with scripted(script) as url, StreamClient(url, sample_rate=8000, key="k1") as stream:
        await events_of(stream)
    assert seen == {"extensions": None, "protocol": SUBPROTOCOL, "key": "k1"}


async def test_audio_goes_as_binary_and_the_rest_as_text_in_order() -> None:
    received: list[bytes | str] = []

    async def script(peer: ServerConnection) -> None:
        async for message in peer:
            received.append(message)
            if message == '{"message_type":"stop"}':
                await end(peer)

    async with scripted(script) as url, StreamClient(url, sample_rate=8000) as stream:
        await stream.send_audio(b"\0" * 8)
        await stream.commit()
        await stream.send_audio(b"\1" * 8)
        await stream.stop()
        await events_of(stream)
    assert received == [
        b"\0" * 8,
        '{"message_type":"commit"}',
        b"\1" * 8,
        '{"message_type":"stop"}',
    ]


async def test_iteration_ends_with_the_session() -> None:
    async def script(peer: ServerConnection) -> None:
        await say(peer, "partial_transcript", text="hel")
        await end(peer)

    async with scripted(script) as url, StreamClient(url, sample_rate=8000) as stream:
        events = await events_of(stream)
    assert events == [PartialTranscript("hel"), SessionEnded("stopped", 1, 0, 0)]


async def test_refusal_is_raised_with_its_reason() -> None:
    async def script(peer: ServerConnection) -> None:
        await say(peer, "invalid_request", error="No such option.", retryable=False)
        await peer.close(4400)

    async with (
        scripted(script) as url,
        StreamClient(url, sample_rate=8000, reconnect_seconds=0) as stream,
    ):
        with pytest.raises(SessionFailed) as failed:
            await events_of(stream)
    assert failed.value.error_type == "invalid_request"
    assert str(failed.value) == "No such option. (invalid_request, close code 4400)"
    assert not failed.value.retryable
    assert not failed.value.is_upstreams


async def test_error_that_the_session_survives_is_an_event() -> None:
    async def script(peer: ServerConnection) -> None:
        await say(peer, "input_error", error="NaN in it.", retryable=False)
        await end(peer)

    async with scripted(script) as url, StreamClient(url, sample_rate=8000) as stream:
        kinds = [type(event).__name__ for event in await events_of(stream)]
    assert kinds == ["Failure", "SessionEnded"]


@pytest.mark.parametrize(
    ("code", "text", "retryable", "is_upstreams"),
    [
        (1000, "Ended as asked", False, False),
        (1012, "The relay restarts", True, False),
        (4502, "The provider refused", False, True),
        (4503, "is not to be had now", True, True),
        (4999, "The relay closed the connection", False, False),
    ],
)
async def test_close_without_a_reason_is_explained_by_its_code(
    code: int, text: str, retryable: bool, is_upstreams: bool
) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.close(code)

    async with (
        scripted(script) as url,
        StreamClient(url, sample_rate=8000, reconnect_seconds=0) as stream,
    ):
        with pytest.raises(SessionFailed, match=text) as failed:
            await events_of(stream)
    assert failed.value.close_code == code
    assert failed.value.retryable is retryable
    assert failed.value.is_upstreams is is_upstreams


async def test_broken_line_is_told_apart() -> None:
    async def script(peer: ServerConnection) -> None:
        peer.transport.abort()

    async with (
        scripted(script) as url,
        StreamClient(url, sample_rate=8000, reconnect_seconds=0) as stream,
    ):
        with pytest.raises(SessionFailed, match="line broke") as failed:
            await events_of(stream)
    assert failed.value.close_code == 1006


async def test_sending_after_the_end_is_told() -> None:
    async with scripted(end) as url, StreamClient(url, sample_rate=8000) as stream:
        await events_of(stream)
        with pytest.raises(StreamClosed):
            await stream.send_audio(b"\0" * 4)


async def test_message_that_is_none_is_an_error() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("hello")

    async with scripted(script) as url, StreamClient(url, sample_rate=8000) as stream:
        with pytest.raises(InputError):
            await events_of(stream)


async def test_nobody_listening_is_told_without_the_query(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(RelayUnreachable) as unreachable:
        async with StreamClient(url, sample_rate=8000, options=[("transcript_edit", "private")]):
            pass
    assert str(unreachable.value).startswith(f"No relay can be reached at ws{url[4:]}/v1/stream: ")
    assert "private" not in str(unreachable.value)


async def test_refused_handshake_is_told_with_its_status() -> None:
    def refuse(peer: ServerConnection, request: Any) -> Any:
        return peer.respond(421, "another name\n")

    async with scripted(end, process_request=refuse) as url:
        with pytest.raises(RelayUnreachable, match=r"it answered with HTTP 421\.$"):
            async with StreamClient(url, sample_rate=8000):
                pass


async def test_silent_server_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(RelayUnreachable, match="did not answer in time"):
            async with StreamClient(url, sample_rate=8000, open_timeout=0.1):
                pass


async def test_server_of_another_kind_is_told() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RelayUnreachable, match="did not receive a valid HTTP response"):
            async with StreamClient(url, sample_rate=8000):
                pass


async def test_certificate_of_a_private_authority_must_be_known() -> None:
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    async with scripted(end, ssl=server_side) as url:
        url = url.replace("http", "https")
        with pytest.raises(RelayUnreachable, match="its certificate is not trusted"):
            async with StreamClient(url, sample_rate=8000):
                pass
        async with StreamClient(url, sample_rate=8000, ssl_context=client_side) as stream:
            assert len(await events_of(stream)) == 1


async def test_a_redirect_is_not_followed_and_the_key_stays() -> None:
    led_to: list[str] = []

    async def elsewhere(peer: ServerConnection) -> None:
        led_to.append(peer.remote_address[0])
        await end(peer)

    async with scripted(elsewhere) as other:

        def redirect(peer: ServerConnection, request: Request) -> Response:
            response = peer.respond(302, "")
            response.headers["location"] = f"{other.replace('http', 'ws', 1)}/v1/stream"
            return response

        async with scripted(end, process_request=redirect) as url:
            with pytest.raises(RelayUnreachable, match="302"):
                async with StreamClient(url, sample_rate=16_000, key="secret"):
                    pass
    assert led_to == []
