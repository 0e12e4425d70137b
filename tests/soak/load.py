"""Sessions that come, speak, break and go, always the same number of them."""

import asyncio
import contextlib
import random
from collections import Counter

from websockets.exceptions import ConnectionClosed

from relay.protocol.messages import SUBPROTOCOL
from tests.support.relay import Client
from tests.support.talk import FORMAT, caller, speak

WHIMS = ("stop", "stop", "stop", "vanish", "come back")
"""How a session ends, drawn at random."""


class Load:
    """Keeps so many sessions going for so many seconds."""

    def __init__(self, url: str, key: str, *, sessions: int, length: tuple[float, float]) -> None:
        """Each session lasts between the two of `length`, in seconds."""
        self._url = url
        self._key = key
        self._sessions = sessions
        self._length = length
        self.endings: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        """Speak until it is time; all sessions have ended then, or are parked."""
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for seed in range(self._sessions):
                group.create_task(self._come_and_go(random.Random(seed), end))

    async def _come_and_go(self, chance: random.Random, end: float) -> None:
        # Not all at once, or all would end at once as well.
        await asyncio.sleep(chance.uniform(0, 2))
        now = asyncio.get_running_loop().time
        while (left := end - now()) > 1:
            whim = chance.choice(WHIMS)
            await self._session(min(left, chance.uniform(*self._length)), whim)
            self.endings[whim] += 1

    async def _session(self, seconds: float, whim: str) -> None:
        async with caller(self._url, self._key) as client:
            started = await client.event("session_started")
            await speak(client, seconds / 2)
            await client.say("commit")
            await speak(client, seconds / 2)
            if whim == "stop":
                await client.stop()
                return
            client.connection.transport.abort()
            await client.closed()
        if whim == "come back":
            await self._come_back(client, started["resume_token"])

    async def _come_back(self, before: Client, token: str) -> None:
        segments = [event["segment"] for event in before.events if "segment" in event]
        known = {"last_segment": segments[-1]} if segments else {}
        async with Client(
            self._url,
            headers={"xi-api-key": self._key},
            subprotocols=(SUBPROTOCOL, f"resume.{token}"),
            last_seq=before.events[-1]["seq"],
            from_sample=0,
            **FORMAT,
            **known,
        ) as client:
            await client.event("session_resumed")
            with contextlib.suppress(ConnectionClosed):
                await speak(client, 0.5)
            await client.stop()
