"""The least that such a relay can do: picows on both sides, soxr, pybase64, and nothing else.

No limit, no ledger, no second try, no check: what it costs is the floor for everything else.

    python -m bench.floor UPSTREAM_URL CA_FILE
"""

import asyncio
import ssl
import sys
from typing import Final

import numpy as np
import picows
import pybase64
import soxr
import uvloop

RATE_IN: Final = 48_000
RATE_OUT: Final = 16_000

_PREFIX: Final = b'{"message_type":"input_audio_chunk","audio_base_64":"'
_SUFFIX: Final = b'","commit":false,"sample_rate":16000}'
_COMMIT: Final = _PREFIX + b'","commit":true,"sample_rate":16000}'


class ToProvider(picows.WSListener):
    """Hands on what the provider says."""

    def __init__(self, client: picows.WSTransport) -> None:
        super().__init__()
        self._client = client

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.TEXT:
            self._client.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())


class FromClient(picows.WSListener):
    """Resamples what the client says, and hands it on."""

    def __init__(self, group: asyncio.TaskGroup, url: str, context: ssl.SSLContext) -> None:
        super().__init__()
        self._group = group
        self._url = url
        self._context = context
        self._resampler = soxr.ResampleStream(RATE_IN, RATE_OUT, 1)
        self._provider: picows.WSTransport | None = None
        self._early: list[bytes] = []

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._group.create_task(self._connect(transport))

    async def _connect(self, transport: picows.WSTransport) -> None:
        provider, _ = await picows.ws_connect(
            lambda: ToProvider(transport), self._url, ssl_context=self._context
        )
        self._provider = provider
        for message in self._early:
            provider.send(picows.WSMsgType.TEXT, message)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if self._provider is not None:
            self._provider.disconnect()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.BINARY:
            frames = np.frombuffer(frame.get_payload_as_memoryview(), np.float32)
            resampled = self._resampler.resample_chunk(frames)
            if resampled.size:
                resampled *= 32767
                audio = pybase64.b64encode(resampled.astype(np.int16))
                self._send(b"".join((_PREFIX, audio, _SUFFIX)))
        elif frame.msg_type is picows.WSMsgType.TEXT:
            self._send(_COMMIT)
        elif frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()

    def _send(self, message: bytes) -> None:
        if self._provider is None:
            self._early.append(message)
        else:
            self._provider.send(picows.WSMsgType.TEXT, message)


async def serve(url: str, ca_file: str) -> None:
    """Serve on a free port, and print it."""
    context = ssl.create_default_context(cafile=ca_file)
    async with asyncio.TaskGroup() as group:
        server = await picows.ws_create_server(
            lambda _: FromClient(group, url, context), "127.0.0.1", 0
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
