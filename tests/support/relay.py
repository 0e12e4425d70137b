"""A relay on a real socket, and a client of it that records what it hears."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import HeadersLike
from websockets.exceptions import ConnectionClosed

from relay.audio.pcm import Float32
from relay.protocol.messages import SUBPROTOCOL
from relay.server import RelayServer
from relay.services import Services
from relay.settings import Settings
from relay.store.names import NameTaken
from tests.support.contract import check_server_message
from tests.support.settings import settings_for
from tests.support.waiting import until

Event = dict[str, Any]


class Relay(RelayServer):
    """A relay that a test may use: it has a server key."""

    def __init__(self, settings: Settings, app: Starlette | None = None) -> None:
        super().__init__(settings, app)
        self.services: Services = self.app.state.services
        self.key = ""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            _, self.key = await self.services.api_keys.create("test", {})
        except NameTaken:  # by another relay with the same database
            _, self.key = await self.services.api_keys.create(f"test {secrets.token_hex(4)}", {})
        return self


@asynccontextmanager
async def relay_to(upstream_url: str, **values: Any) -> AsyncIterator[Relay]:
    """Serve a relay on a free port; `values` as for `settings_for`."""
    async with Relay(settings_for(upstream_url, **values)) as relay:
        yield relay


async def until_received(relay: Relay, session_id: str, seconds: float) -> None:
    """Wait until the relay has so much audio of a session."""

    async def has_it() -> bool:
        bridge = relay.services.sessions.find(session_id)
        return bridge is not None and bridge.consumption().received_ms >= round(seconds * 1000)

    await until(has_it, f"{seconds:g} s of audio")


class Client:
    """One connection to `/v1/stream`, in which every message is checked against the contract.

    async with Client(relay, sample_rate=16_000) as client:
        await client.send(samples)
        await client.stop()
    """

    def __init__(
        self,
        relay: Relay | str,
        *,
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
        headers: HeadersLike | None = None,
        reads: bool = True,
        **query: object,
    ) -> None:
        """Prepare a connection.

        Args:
            relay: To which the key of its own is shown, unless other headers are given; or the
                URL of one, to which nothing is shown.
            subprotocols: Offered.
            headers: Sent.
            reads: Whether events are taken; see `read`.
            query: The session's options.
        """
        if isinstance(relay, Relay) and headers is None:
            headers = {"xi-api-key": relay.key}
        base = (relay if isinstance(relay, str) else relay.url).replace("http", "ws", 1)
        self.events: list[Event] = []
        self.close_code: int | None = None
        self._connect = connect(
            f"{base}/v1/stream?{urlencode(query, doseq=True)}",
            subprotocols=subprotocols or None,  # type: ignore[arg-type]  # plain strings are fine
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            max_queue=4,
        )
        self._reads = reads
        self._heard = asyncio.Condition()
        self._reader = asyncio.TaskGroup()
        self.connection: ClientConnection

    async def __aenter__(self) -> Self:
        self.connection = await self._connect
        await self._reader.__aenter__()
        if self._reads:
            self.read()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.connection.close()
        await self._reader.__aexit__(kind, error, traceback)

    def read(self) -> None:
        """Begin to take what the relay sends."""
        self._reader.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                assert isinstance(text, str), "the relay never sends binary"
                event = json.loads(text)
                check_server_message(event)
                async with self._heard:
                    self.events.append(event)
                    self._heard.notify_all()
        except ConnectionClosed:
            pass
        async with self._heard:
            self.close_code = self.connection.close_code
            self._heard.notify_all()

    async def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until what was heard makes `condition` true."""
        async with asyncio.timeout(seconds), self._heard:
            await self._heard.wait_for(condition)

    async def event(self, message_type: str, *, seconds: float = 20.0) -> Event:
        """The first event of a type, waited for."""
        await self.wait_for(lambda: bool(self.of(message_type)), seconds)
        return self.of(message_type)[0]

    async def count(self, message_type: str, number: int, *, seconds: float = 20.0) -> None:
        """Wait until so many events of a type have come."""
        await self.wait_for(lambda: len(self.of(message_type)) >= number, seconds)

    async def closed(self, seconds: float = 20.0) -> int:
        """Wait for the end; the close code."""
        await self.wait_for(lambda: self.close_code is not None, seconds)
        assert self.close_code is not None
        return self.close_code

    def of(self, message_type: str) -> list[Event]:
        """The events of a type so far."""
        return [event for event in self.events if event["message_type"] == message_type]

    @property
    def finals(self) -> list[str]:
        """The texts of the committed segments so far."""
        return [event["text"] for event in self.of("committed_transcript")]

    async def send(self, samples: Float32, *, frames_per_message: int = 2400) -> None:
        """Send mono float32 samples in messages of this length."""
        for start in range(0, len(samples), frames_per_message):
            part = samples[start : start + frames_per_message]
            await self.connection.send(part.astype("<f4").tobytes())

    async def say(self, message_type: str, **fields: object) -> None:
        """Send one text message."""
        await self.connection.send(json.dumps({"message_type": message_type, **fields}))

    async def stop(self) -> Event:
        """Say `stop`, wait for the end and check that it was in order; `session_ended`."""
        await self.say("stop")
        code = await self.closed()
        assert code == 1000, self.events[-2:]
        return self.events[-1]
