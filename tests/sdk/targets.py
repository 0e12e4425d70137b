"""What an SDK is pointed at: the provider's stand-in itself, or a relay in front of it."""

from dataclasses import dataclass
from typing import Final

import aiohttp
import numpy as np

from relay.audio.pcm import Int16
from relay.simulator.records import ConnectionRecord
from relay.simulator.server import Simulator

TOKEN_PATH: Final = "/v1/single-use-token/realtime_scribe"


@dataclass(frozen=True)
class Target:
    """An address and a key, which is all that an SDK is told of it."""

    url: str
    """With `http`, as SDKs take it; without a path."""
    key: str
    simulator: Simulator
    """The provider, at the end of the line."""

    @property
    def websocket_url(self) -> str:
        """The same with `ws`, as the browser's SDK takes it."""
        return self.url.replace("http", "ws", 1)

    async def token(self) -> str:
        """Ask for a single-use token, as an application's server does for its page."""
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}{TOKEN_PATH}", headers={"xi-api-key": self.key}) as answer,
        ):
            assert answer.status == 200, await answer.text()
            token: str = (await answer.json())["token"]
            return token

    @property
    def sessions(self) -> list[ConnectionRecord]:
        """The provider's sockets that came to be sessions, the oldest first."""
        return [each for each in self.simulator.connections if each.payload is not None]

    @property
    def committed(self) -> Int16:
        """All the audio that was committed, over all sockets, in order."""
        parts = [
            session.audio[commit.start : commit.end]
            for session in self.sessions
            for commit in session.commits
        ]
        return np.concatenate([np.zeros(0, np.int16), *parts])
