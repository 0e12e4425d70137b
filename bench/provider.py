"""A provider that costs little: takes audio in Scribe's messages and notes when what came.

It runs in the process of the load, on the core that isn't the server's, so that one clock tells
when something was sent and when it arrived.
"""

import ssl
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import picows
import trustme

HOST: Final = "localhost"

PARTIAL_EVERY: Final = 8_000
"""Samples at 16 kHz after which a partial is sent: Scribe sends about two a second."""

SEGMENT: Final = 80_000
"""Samples after which a connection that asked for voice activity is sent a final."""

_STARTED: Final = b'{"message_type":"session_started","session_id":"bench","config":{}}'
_PARTIAL: Final = b'{"message_type":"partial_transcript","text":"so far this was said"}'
_FINAL: Final = b'{"message_type":"committed_transcript","text":"this is what was said in the end"}'


class _Chunk(msgspec.Struct):
    audio_base_64: str
    commit: bool = False


_DECODER: Final = msgspec.json.Decoder(_Chunk)


class Inflow(picows.WSListener):
    """One of the server's connections, and what came on it."""

    def __init__(self, request: picows.WSUpgradeRequest, opened: Callable[["Inflow"], None]):
        super().__init__()
        self.times = array("d")
        """When each message with audio came, by `time.perf_counter`."""
        self.samples = array("q")
        """Samples at 16 kHz so far, after each of them."""
        self.total = 0
        self.committed = 0
        """Samples at the last commit: what a server that loses nothing has to keep begins here."""
        self.segment = 0
        """Samples in the last segment that was committed."""
        self.audio: list[str] | None = None
        """What came, in base64; kept where somebody has put a list here."""
        self.is_open = True
        self._opened = opened
        self._hears = b"commit_strategy=vad" in request.path
        self._next_partial = PARTIAL_EVERY

    @property
    def uncommitted(self) -> int:
        """Samples since the last commit."""
        return self.total - self.committed

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        transport.send(picows.WSMsgType.TEXT, _STARTED)
        self._opened(self)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.is_open = False

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.TEXT:
            self._take(transport, _DECODER.decode(frame.get_payload_as_memoryview()))
        elif frame.msg_type is picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()

    def _take(self, transport: picows.WSTransport, chunk: _Chunk) -> None:
        text = chunk.audio_base_64
        if text:
            self.total += (len(text) // 4 * 3 - text.count("=", -2)) // 2
            self.times.append(time.perf_counter())
            self.samples.append(self.total)
            if self.audio is not None:
                self.audio.append(text)
        if chunk.commit or (self._hears and self.uncommitted >= SEGMENT):
            self.segment = self.total - self.committed
            self.committed = self.total
            transport.send(picows.WSMsgType.TEXT, _FINAL)
        elif self.total >= self._next_partial:
            self._next_partial += PARTIAL_EVERY
            transport.send(picows.WSMsgType.TEXT, _PARTIAL)


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost; who vouches for it is in `ca_file`."""

    server: ssl.SSLContext
    ca_file: Path

    @classmethod
    def make(cls, folder: Path) -> "Certificate":
        authority = trustme.CA()
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST).configure_cert(server)
        ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        return cls(server, ca_file)


class Provider:
    """Listens, with TLS; the connections are in `inflows`, in order of their handshakes."""

    def __init__(self, port: int, ca_file: Path, inflows: list[Inflow]) -> None:
        self.port = port
        self.ca_file = ca_file
        self.inflows = inflows


@asynccontextmanager
async def serving_provider(certificate: Certificate) -> AsyncIterator[Provider]:
    """Serve on a free port."""
    inflows: list[Inflow] = []
    server = await picows.ws_create_server(
        lambda request: Inflow(request, inflows.append), HOST, 0, ssl=certificate.server
    )
    try:
        yield Provider(server.sockets[0].getsockname()[1], certificate.ca_file, inflows)
    finally:
        server.close()
        await server.wait_closed()
