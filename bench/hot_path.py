"""What the choices on the path of an audio message cost, against the floor in the same run.

CPU time of the process under test, per second of audio, one implementation at a time. Absolute
times mean nothing on a shared machine; the ratios are what docs/decisions/0002 rests on.

    python -m bench.hot_path
"""

import asyncio
import base64
import json
import multiprocessing
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, cast

import numpy as np
import picows
import pybase64
import trustme
import uvicorn
import uvloop
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from relay.scribe.codec import ChunkEncoder

CONNECTIONS = 20
SECONDS = 30
"""Seconds of audio on each connection, sent as fast as the other side takes them."""

RATE = 48_000
CHUNK = np.zeros(1600, np.int16).tobytes()
"""100 ms at 16 kHz."""

Serve = Callable[[Connection], Awaitable[None]]


class Sink(picows.WSListener):
    """Takes everything and counts nothing: the floor on the receiving side."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()


class Source(picows.WSListener):
    """A client that waits while the other side does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


async def picows_server(report: Connection, ssl_context: ssl.SSLContext | None = None) -> None:
    """The floor: accept and drop."""
    server = await picows.ws_create_server(lambda _: Sink(), "127.0.0.1", 0, ssl=ssl_context)
    report.send(server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, report.recv)


def uvicorn_server(implementation: str) -> Serve:
    """Starlette on uvicorn, reading as the relay does."""

    async def read(websocket: WebSocket) -> None:
        await websocket.accept()
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass

    async def serve(report: Connection) -> None:
        config = uvicorn.Config(
            Starlette(routes=[WebSocketRoute("/", read)]),
            port=0,
            loop="none",
            ws=cast(Any, implementation),
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
        )
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110  # uvicorn tells it by this attribute
                await asyncio.sleep(0.01)
            report.send(server.servers[0].sockets[0].getsockname()[1])
            await asyncio.get_running_loop().run_in_executor(None, report.recv)
            server.should_exit = True

    return serve


async def send_frames(port: int, message: bytes, count: int) -> None:
    """Send one connection's audio to a server under test."""
    transport, source = await picows.ws_connect(Source, f"ws://127.0.0.1:{port}/")
    assert isinstance(source, Source)
    for _ in range(count):
        transport.send(picows.WSMsgType.BINARY, message)
        await source.writable.wait()
    transport.send_close()
    await transport.wait_disconnected()


def _child(serve: Serve, report: Connection) -> None:
    # A forked process begins to count its CPU time at zero.
    uvloop.run(serve(report))  # type: ignore[arg-type]  # a coroutine is what it returns
    report.send(time.process_time())


@contextmanager
def served(serve: Serve) -> Iterator[tuple[int, Callable[[], float]]]:
    """Run a server in a process of its own: its port, and a call that ends it for its CPU time."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_child, args=(serve, theirs))
    child.start()

    def finish() -> float:
        ours.send(None)
        return cast(float, ours.recv())

    try:
        yield cast(int, ours.recv()), finish
    finally:
        child.join()


def receiving(serve: Serve, message_ms: int) -> float:
    """CPU seconds of a server per second of audio received in such messages."""
    message = np.zeros(RATE * message_ms // 1000, np.float32).tobytes()

    async def load(port: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(send_frames(port, message, SECONDS * 1000 // message_ms))

    with served(serve) as (port, finish):
        uvloop.run(load(port))
        return finish() / (CONNECTIONS * SECONDS)


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost, and who vouches for it."""

    server: ssl.SSLContext
    client: ssl.SSLContext

    @classmethod
    def make(cls) -> "Certificate":
        authority = trustme.CA()
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(server)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        return cls(server, client)


async def send_picows(url: str, context: ssl.SSLContext, messages: list[bytes]) -> None:
    transport, source = await picows.ws_connect(Source, url, ssl_context=context)
    assert isinstance(source, Source)
    for message in messages:
        transport.send(picows.WSMsgType.TEXT, message)
        await source.writable.wait()
    transport.send_close()
    await transport.wait_disconnected()


async def send_websockets(url: str, context: ssl.SSLContext, messages: list[bytes]) -> None:
    async with websockets.connect(url, ssl=context, compression=None) as connection:
        for message in messages:
            await connection.send(message, text=True)


Send = Callable[[str, ssl.SSLContext, list[bytes]], Awaitable[None]]


def sending(send: Send, chunk_ms: int, certificate: Certificate) -> float:
    """CPU seconds of this process per second of audio sent over TLS in such messages."""
    message = ChunkEncoder(16_000).encode(bytes(32 * chunk_ms))
    messages = [message] * (SECONDS * 1000 // chunk_ms)

    async def load(port: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                coroutine = send(f"wss://localhost:{port}/", certificate.client, messages)
                group.create_task(coroutine)  # type: ignore[arg-type]  # a coroutine is awaitable

    def serve(report: Connection) -> Awaitable[None]:
        return picows_server(report, certificate.server)

    with served(serve) as (port, finish):
        before = time.process_time()
        uvloop.run(load(port))
        spent = time.process_time() - before
        finish()
    return spent / (CONNECTIONS * SECONDS)


def std_encode(payload: bytes) -> bytes:
    """What a first version of a relay would write."""
    return json.dumps(
        {
            "message_type": "input_audio_chunk",
            "audio_base_64": base64.b64encode(payload).decode(),
            "commit": False,
            "sample_rate": 16_000,
        }
    ).encode()


def pybase64_json(payload: bytes) -> bytes:
    """The same with a faster base64 alone."""
    return json.dumps(
        {
            "message_type": "input_audio_chunk",
            "audio_base_64": pybase64.b64encode_as_string(payload),
            "commit": False,
            "sample_rate": 16_000,
        }
    ).encode()


def encoding(encode: Callable[[bytes], bytes]) -> float:
    """CPU seconds per second of audio, in chunks of 100 ms."""
    count = 5000
    before = time.process_time()
    for _ in range(count):
        encode(CHUNK)
    return (time.process_time() - before) / (count / 10)


def table(title: str, rows: dict[str, float], floor: str) -> str:
    """Rows as Markdown: microseconds for a feeling, and the ratio that counts."""
    lines = [f"### {title}", "", "| | µs CPU per second of audio | × floor |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {seconds * 1e6:.0f} | {seconds / rows[floor]:.2f} |"
        for name, seconds in rows.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables of docs/decisions/0002-hot-path.md."""
    servers: dict[str, Serve] = {
        "picows (floor)": picows_server,
        "uvicorn, websockets-sansio": uvicorn_server("websockets-sansio"),
        "uvicorn, websockets": uvicorn_server("websockets"),
        "uvicorn, wsproto": uvicorn_server("wsproto"),
    }
    for message_ms in (20, 50, 100):
        rows = {name: receiving(serve, message_ms) for name, serve in servers.items()}
        print(table(f"Receiving messages of {message_ms} ms", rows, "picows (floor)"))
    certificate = Certificate.make()
    rows = {
        f"{name}, {chunk_ms} ms": sending(send, chunk_ms, certificate)
        for chunk_ms in (20, 50, 100, 200)
        for name, send in {"picows": send_picows, "websockets": send_websockets}.items()
    }
    print(table("Sending over TLS", rows, "picows, 100 ms"))
    encoders = {
        "prepared frame, pybase64 (floor)": ChunkEncoder(16_000).encode,
        "json, pybase64": pybase64_json,
        "json, base64": std_encode,
    }
    rows = {name: encoding(encode) for name, encode in encoders.items()}
    print(table("Writing chunks", rows, "prepared frame, pybase64 (floor)"))


if __name__ == "__main__":
    main()
