"""Clients that cost little: each sends a microphone's audio in real time."""

import asyncio
import heapq
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import picows

from bench.provider import Inflow, Provider
from relay.audio.pcm import Float32

RATE: Final = 48_000
"""Of the microphones, in Hz; mono float32."""

SENTENCE: Final = 5.0
"""Seconds from one commit to the next, and of audio that repeats."""

OPEN_TIMEOUT: Final = 20.0
"""Seconds in which a server has to open its connection to the provider."""

COMMIT: Final = b'{"message_type":"commit"}'
STOP: Final = b'{"message_type":"stop"}'


def sentence() -> Float32:
    """Noise that swells and ebbs four times a second, as syllables do, with a pause at the end."""
    frames = round(SENTENCE * RATE)
    random = np.random.default_rng(1)
    seconds = np.arange(frames) / RATE
    noise = np.convolve(random.standard_normal(frames), np.ones(8) / 8, mode="same")
    loud = 0.2 * np.sin(np.pi * 4 * seconds) ** 2 * (seconds < SENTENCE - 0.6) + 1e-4
    return (noise * loud).astype(np.float32)


@cache
def messages(message_ms: int) -> tuple[bytes, ...]:
    """A sentence, cut into messages of this length, which has to divide it."""
    audio = sentence().astype("<f4").tobytes()
    size = RATE * message_ms // 1000 * 4
    if len(audio) % size:
        raise ValueError(f"messages of {message_ms} ms don't fill {SENTENCE} s")
    return tuple(audio[start : start + size] for start in range(0, len(audio), size))


class Outflow(picows.WSListener):
    """One client, and what it has sent."""

    def __init__(self, message_ms: int) -> None:
        super().__init__()
        self.times = array("d")
        """When each message of audio was handed to the socket, by `time.perf_counter`."""
        self.inflow: Inflow | None = None
        """The connection that the server has to the provider for it."""
        self.heard = 0
        """Messages that came back."""
        self.is_open = False
        self.transport: picows.WSTransport | None = None
        self._messages = messages(message_ms)

    @property
    def frames(self) -> int:
        """Sent so far."""
        return len(self.times) * len(self._messages[0]) // 4

    def speak(self) -> None:
        """Send the next message; at the end of a sentence, a commit as well."""
        assert self.transport is not None
        message = self._messages[len(self.times) % len(self._messages)]
        self.times.append(time.perf_counter())
        self.transport.send(picows.WSMsgType.BINARY, message)
        if len(self.times) % len(self._messages) == 0:
            self.transport.send(picows.WSMsgType.TEXT, COMMIT)

    def stop(self) -> None:
        """Say that all was said."""
        assert self.transport is not None
        self.transport.send(picows.WSMsgType.TEXT, STOP)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.is_open = True

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.is_open = False

    def pause_writing(self) -> None:
        """Go on all the same: a microphone doesn't wait, and what is late is found to be so."""

    def resume_writing(self) -> None:
        """Go on."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.TEXT:
            self.heard += 1
        elif frame.msg_type is picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()


@dataclass
class Load:
    """The clients of one server, all with messages of one length."""

    url: str
    provider: Provider
    message_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)
    clients: list[Outflow] = field(default_factory=list)
    lateness: array = field(default_factory=lambda: array("d"))  # type: ignore[type-arg]  # of floats
    """How many seconds each message was sent after it was due."""
    _due: list[tuple[float, int]] = field(default_factory=list)

    async def open(self, number: int) -> None:
        """Open sessions one after the other, so that it is known whose connection is whose."""
        for _ in range(number):
            client, known = await self.connect(), len(self.provider.inflows)
            async with asyncio.timeout(OPEN_TIMEOUT):
                while len(self.provider.inflows) == known:  # noqa: ASYNC110  # picows calls back
                    await asyncio.sleep(0.001)
            client.inflow = self.provider.inflows[known]
            if not self.clients:
                client.inflow.audio = []
            self.begin(client)

    async def connect(self) -> Outflow:
        """Open one that says nothing yet."""
        _, client = await picows.ws_connect(
            lambda: Outflow(self.message_ms),
            self.url,
            extra_headers=self.headers,
            websocket_handshake_timeout=OPEN_TIMEOUT,
        )
        assert isinstance(client, Outflow)
        return client

    def begin(self, client: Outflow) -> None:
        """Let one speak from now on; where it falls in a message's length is left to chance."""
        self.clients.append(client)
        # The golden ratio spreads any number of them evenly.
        share = len(self.clients) * 0.618034 % 1
        due = time.perf_counter() + share * self.message_ms / 1000
        heapq.heappush(self._due, (due, len(self.clients) - 1))

    async def run(self) -> None:
        """Let all speak in real time, until cancelled."""
        every = self.message_ms / 1000
        due = self._due
        while True:
            while due and due[0][0] <= (now := time.perf_counter()):
                at, index = due[0]
                heapq.heapreplace(due, (at + every, index))
                self.lateness.append(now - at)
                client = self.clients[index]
                if client.is_open:
                    client.speak()
            pause = due[0][0] - time.perf_counter() if due else 0.01
            await asyncio.sleep(max(0.0, min(0.01, pause)))

    @property
    def ledger_bytes(self) -> int:
        """PCM16 that no final covers: what a server that loses nothing has to keep."""
        return sum(2 * each.inflow.uncommitted for each in self.clients if each.inflow)

    @property
    def lost(self) -> int:
        """Clients whose connection, or whose connection to the provider, has ended."""
        return sum(
            not each.is_open or (each.inflow is not None and not each.inflow.is_open)
            for each in self.clients
        )
