"""Says a client's lines to a relay that really runs, and waits for the relay's."""

import json
from contextlib import AsyncExitStack
from typing import Any, Final

from tests.contract.conversation import Line
from tests.contract.samples import audio_bytes
from tests.support.contract import check_client_message
from tests.support.relay import Client, Event, Relay

BY_THE_CLOCK: Final = ("audio_acknowledged", "partial_transcript")
"""They come when time has passed, and replace one another: any number of them may come."""

SESSION_ID: Final = "0" * 32


class Player(AsyncExitStack):
    """A client of one relay, over as many connections as the conversation takes."""

    def __init__(self, relay: Relay) -> None:
        super().__init__()
        self._relay = relay
        self._client: Client
        self._taken = 0
        self._seq = 0

    async def connect(self, query: dict[str, Any]) -> None:
        """Open a connection."""
        self._client = await self.enter_async_context(Client(self._relay, **query))
        self._taken = self._seq = 0

    async def say(self, line: Line) -> None:
        """Send what a line describes."""
        if "audio_frames" in line:
            await self._client.connection.send(audio_bytes(line))
            return
        check_client_message(line)
        await self._client.connection.send(json.dumps(line))

    async def hear(self, wanted: str | None = None) -> Event:
        """Wait for the next message, normalised; of what comes by the clock only what is wanted."""
        while True:
            await self._client.wait_for(lambda: len(self._client.events) > self._taken)
            event = self._client.events[self._taken]
            self._taken += 1
            if event["message_type"] == wanted or event["message_type"] not in BY_THE_CLOCK:
                return self._normalised(event)

    async def hear_line(self, line: Line) -> Event:
        """Wait for a line's like: of what comes by the clock the first that says as much."""
        while True:
            event = await self.hear(line["message_type"])
            if line["message_type"] not in BY_THE_CLOCK or event == {**line, "seq": event["seq"]}:
                return event
            self._seq -= 1

    async def closed(self) -> int:
        """Wait for the end, before which nothing else may come; the close code."""
        code = await self._client.closed()
        left = [event["message_type"] for event in self._client.events[self._taken :]]
        assert [kind for kind in left if kind not in BY_THE_CLOCK] == []
        return code

    def cut(self) -> None:
        """Break the line."""
        self._client.connection.transport.abort()

    def _normalised(self, event: dict[str, Any]) -> Event:
        normalised = {**event, "seq": self._seq}
        self._seq += 1
        if "session_id" in event:
            normalised["session_id"] = SESSION_ID
        if "resume_token" in event:
            # Recorded is how it goes without one, as with a relay that has restarted without Redis.
            normalised["resume_token"] = None
        return normalised
