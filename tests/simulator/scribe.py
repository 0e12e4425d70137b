"""A client of Scribe that records what it hears, and when."""

import asyncio
import base64
import json
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from relay.simulator.server import REALTIME_PATH, Simulator

KEY = "xi-test-key-0123456789"
RATE = 16_000
PATIENCE = 10.0
"""Seconds after which a test gives up waiting for a message."""

Message = dict[str, Any]


class Scribe:
    """One connection to the simulator; lists of parameters are repeated.

    async with Scribe(simulator, include_timestamps="true") as client:
        await client.say(1.0, commit=True)
        final = await client.until("committed_transcript")
    """

    def __init__(
        self,
        simulator: Simulator | str,
        *,
        key: str | None = KEY,
        fault: str | None = None,
        tls: ssl.SSLContext | None = None,
        **query: str | Sequence[str],
    ) -> None:
        """Prepare a connection.

        Args:
            simulator: Or the base URL, with `ws`, of whoever speaks the same.
            key: Shown in the header; None for none.
            fault: To ask for, as `simulate_fault`.
            tls: For `wss`.
            query: The session's parameters.
        """
        base = simulator if isinstance(simulator, str) else simulator.url
        if fault is not None:
            query["simulate_fault"] = fault
        self.messages: list[Message] = []
        self.times: list[float] = []
        """When each message came, on the event loop's clock."""
        self._connect = connect(
            f"{base}{REALTIME_PATH}?{urlencode(query, doseq=True)}",
            additional_headers={} if key is None else {"xi-api-key": key},
            ssl=tls,
            ping_interval=None,
            max_queue=None,
        )
        self.connection: ClientConnection

    async def __aenter__(self) -> Self:
        self.connection = await self._connect
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.connection.close()

    async def say(self, seconds: float = 0.0, *, commit: bool = False, **fields: Any) -> None:
        """Send so many seconds of 16 kHz PCM16 that isn't silent, in one message."""
        await self.send(b"\1\0" * round(seconds * RATE), commit=commit, **fields)

    async def send(self, payload: bytes, **fields: Any) -> None:
        audio = base64.b64encode(payload).decode()
        await self.write({"message_type": "input_audio_chunk", "audio_base_64": audio, **fields})

    async def write(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def next(self) -> Message:
        """Read one message."""
        async with asyncio.timeout(PATIENCE):
            text = await self.connection.recv()
        assert isinstance(text, str), "Scribe never sends binary"
        self.messages.append(json.loads(text))
        self.times.append(asyncio.get_running_loop().time())
        return self.messages[-1]

    async def until(self, message_type: str) -> Message:
        """Read up to the next message of this type."""
        while (message := await self.next())["message_type"] != message_type:
            pass
        return message

    async def rest(self) -> list[Message]:
        """Read until the socket is closed; all messages, earlier ones included."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.messages

    @property
    def close(self) -> tuple[int | None, str | None]:
        """Code and reason of the close; 1006 stands for a line that broke."""
        return self.connection.close_code, self.connection.close_reason

    @property
    def types(self) -> list[str]:
        """The types of what was read so far."""
        return [message["message_type"] for message in self.messages]

    def time_of(self, message_type: str) -> float:
        """When the first message of this type came."""
        return self.times[self.types.index(message_type)]
