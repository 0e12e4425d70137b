"""Many sessions that really speak, on several workers, for operators to look at."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from playwright.async_api import Page
from websockets.exceptions import ConnectionClosed

from relay.protocol.messages import SUBPROTOCOL
from relay.store.database import Database
from relay.store.kiosks import Enrolment, Kiosks
from relay.store.users import Users
from tests.multi.cluster import Cluster
from tests.support.relay import Client
from tests.support.talk import FORMAT, PIECE, RATE

COMMIT_EVERY: Final = 30
"""Messages, of a tenth of a second each."""

LOST_SECONDS: Final = 1.5

_SIDE = RATE // 500
_WAVE = np.where(np.arange(round(RATE * PIECE)) // _SIDE % 2, 1, -1)
SPEECH: Final = (_WAVE * 8_000).astype("<i2").tobytes()
CLIPPED: Final = np.where(_WAVE > 0, 32_767, -32_768).astype("<i2").tobytes()
"""A microphone that is far too loud."""


class Speaker:
    """Somebody who speaks on and on, and comes back when sent to another worker."""

    def __init__(self, url: str, key: str, name: int, message: bytes = SPEECH) -> None:
        self._url = url
        self._key = key
        self._name = name
        self._message = message
        self._sent = 0
        self._kept_from = 0
        self._token = ""
        self._known: dict[str, int] = {}
        self.session_id = ""
        self.ended: str | None = None
        """Why, where it ended."""
        self.moves = 0

    async def speak(self, *, loses: bool = False) -> None:
        """Speak until the session ends; the line of who `loses` breaks, and some audio with it."""
        while self.ended is None:
            async with self._connection() as client:
                await client.wait_for(lambda: bool(client.events))
                if self._is_in(client):
                    with contextlib.suppress(ConnectionClosed):
                        await self._talk(client, 20 if loses else None)
                        await self._lose(client)
                        loses = False
                await client.closed()
                self._remember(client)
            await asyncio.sleep(0.2)

    def _connection(self) -> Client:
        protocols = (SUBPROTOCOL, *([f"resume.{self._token}"] if self._token else []))
        query: dict[str, Any] = {**FORMAT, **self._known}
        if self._token:
            query["from_sample"] = self._kept_from
        return Client(self._url, headers={"xi-api-key": self._key}, subprotocols=protocols, **query)

    def _is_in(self, client: Client) -> bool:
        """Whether it has its session, and isn't refused by a worker that is drained."""
        for event in client.of("session_started"):
            self.session_id, self._token = event["session_id"], event["resume_token"]
        for event in client.of("session_resumed"):
            self._sent = event["next_sample"]
        return bool(client.of("session_started") or client.of("session_resumed"))

    async def _talk(self, client: Client, messages: int | None) -> None:
        clock = asyncio.get_running_loop().time
        begin, count = clock(), 0
        while messages is None or count < messages:
            await asyncio.sleep(begin + count * PIECE - clock())
            await client.connection.send(self._message)
            self._sent += len(self._message) // 2
            count += 1
            if count % COMMIT_EVERY == self._name % COMMIT_EVERY:
                await client.say("commit")

    async def _lose(self, client: Client) -> None:
        await client.say("commit")
        await client.event("committed_transcript")
        client.connection.transport.abort()
        self._kept_from = self._sent + round(LOST_SECONDS * RATE)

    def _remember(self, client: Client) -> None:
        for event in client.events:
            if "segment" in event:
                self._known["last_segment"] = event["segment"]
            if "seq" in event and self._is_in(client):
                self._known["last_seq"] = event["seq"]
        for event in client.of("session_ended"):
            self.ended = event["reason"]
        self.moves += bool(client.of("moving"))


@asynccontextmanager
async def crowd(cluster: Cluster, number: int) -> AsyncIterator[list[Speaker]]:
    """So many speakers: the first loses some audio, the second one's microphone is too loud."""
    key = await cluster.key()
    speakers = [
        Speaker(cluster.url, key, turn, CLIPPED if turn == 1 else SPEECH) for turn in range(number)
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(speaker.speak(loses=turn == 0))
            for turn, speaker in enumerate(speakers)
        ]
        try:
            yield speakers
        finally:
            for task in tasks:
                task.cancel()


async def sign_in(page: Page, cluster: Cluster, name: str) -> None:
    """Let an operator sign in by a link, and open the operators' page."""

    async def link(database: Database) -> str | None:
        users = Users(database)
        user = await users.add(name, None, is_operator=True)
        return await users.create_link(user.id, datetime.now(UTC))

    await page.goto(f"{cluster.url}/login?next=/ops&link={await cluster.in_database(link)}")
    await page.locator("main button").click()
    await page.wait_for_url(f"{cluster.url}/ops")


async def kiosk_waits(cluster: Cluster) -> str:
    """Let a device ask for approval; its code."""

    async def begin(database: Database) -> Enrolment:
        return await Kiosks(database).begin("10.1.2.51", datetime.now(UTC))

    return (await cluster.in_database(begin)).code
