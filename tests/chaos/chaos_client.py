"""A client of `/v1/stream` that comes back: it keeps its audio until that is covered."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from relay.audio.pcm import Float32
from relay.auth.gate import RESUME_PREFIX
from relay.protocol.messages import SUBPROTOCOL
from tests.chaos.judge import Heard
from tests.support.contract import check_server_message

KEPT_BEFORE: Final = 0.25
"""Seconds of audio that are kept before the last `end_sample`: the filter's pre-roll, and more."""

RING: Final = 300.0
"""Seconds of audio that are kept at most."""

FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 4.0
"""Seconds between two attempts to connect; each is drawn below a bound that doubles."""

QUIET: Final = 10.0
"""Seconds without a message after which the line counts as broken; they come once a second."""

HELD_BACK: Final = 0.1
"""Seconds by which a final may end before the commit that it answers: the resampler's rest."""

RESUMABLE: Final = frozenset({1001, 1006, 1011, 1012, 4408, 4503})
"""Close codes after which a session can be had back."""


@dataclass(frozen=True)
class Speech:
    """What is said, and how."""

    samples: Float32
    rate: int
    commits: Sequence[int]
    """Frames after which a segment is ended."""
    frames_per_message: int = 2400
    pace: float = 1.0
    """Times real time; what a broken line kept back is sent as fast as it is taken."""


@dataclass
class Log:
    """What happened to a session, as its client saw it."""

    heard: list[Heard] = field(default_factory=list)
    reconnects: list[tuple[float, float]] = field(default_factory=list)
    """When the line was lost, and when the session was there again."""
    closes: list[int | None] = field(default_factory=list)
    """Close codes, one per line; None where the client gave it up."""
    attempts: int = 0
    lost: str = ""
    """Why the session couldn't be had back."""

    def of(self, message_type: str) -> list[dict[str, Any]]:
        """The messages of one type so far."""
        return [
            dict(each.event) for each in self.heard if each.event["message_type"] == message_type
        ]


class ChaosClient:
    """Speaks once, over as many lines as that takes.

    client = ChaosClient(urls, key, speech, Random(1))
    await client.run()
    """

    def __init__(self, urls: Sequence[str], key: str, speech: Speech, random: Random) -> None:
        """Describe it; each line goes to the next of the `urls`, all of them the relay's."""
        self.log = Log()
        self.started = asyncio.Event()
        """Set once the session is admitted."""
        self.has_ended = False
        """Whether the session ended in order."""
        self.patience = 60.0
        """Seconds after which a session that can't be had back is given up."""
        self._urls = list(urls)
        self._key = key
        self._speech = speech
        self._random = random
        self._clock = asyncio.get_running_loop().time
        self._began_at: float | None = None
        self._broken_at: float | None = None
        self._admissions = 0
        self._said: set[int] = set()
        self._sent = 0
        self._covered = 0
        self._last_seq = 0
        self._segments: set[int] = set()
        self._token: str | None = None
        self._next_sample: asyncio.Future[int]
        self._move_after: float | None = None

    @property
    def held_from(self) -> int:
        """The earliest frame that is kept."""
        rate = self._speech.rate
        kept = max(0, self._covered - round(KEPT_BEFORE * rate))
        return max(kept, self._sent - round(RING * rate))

    async def run(self) -> None:
        """Speak until the session has ended, or is lost; `log` says which."""
        bound = FIRST_WAIT
        while True:
            if (line := await self._connect()) is not None:
                lines = self._admissions
                code = await self._use(line)
                self.log.closes.append(code)
                self._note_close(code)
                if self._admissions > lines:
                    bound = FIRST_WAIT
            if self.has_ended:
                return
            self._note_break()
            if self.log.lost:
                return
            wait, self._move_after = self._move_after, None
            await asyncio.sleep(self._random.uniform(0, bound) if wait is None else wait)
            bound = min(bound * 2, LONGEST_WAIT)

    def _note_close(self, code: int | None) -> None:
        if self.has_ended or code is None or code in RESUMABLE:
            return
        last = self.log.heard[-1].event if self.log.heard else "nothing was heard"
        self.log.lost = self.log.lost or f"closed with {code} after {last}"

    def _note_break(self) -> None:
        if self._broken_at is None:
            self._broken_at = self._clock()
        if self.started.is_set() and self._token is None:
            self.log.lost = self.log.lost or "the session has no resume token"
        elif self._clock() - self._broken_at > self.patience:
            self.log.lost = self.log.lost or f"not back within {self.patience:g} s"

    async def _connect(self) -> ClientConnection | None:
        """Open a line to the next worker; None if it can't be had."""
        url = self._urls[self.log.attempts % len(self._urls)].replace("http", "ws", 1)
        self.log.attempts += 1
        query: dict[str, object] = {
            "sample_rate": self._speech.rate,
            "commit_strategy": "manual",
            "include_timestamps": "true",
        }
        offered = [SUBPROTOCOL]
        if self._token is not None:
            offered.append(f"{RESUME_PREFIX}{self._token}")
            query |= {"last_seq": self._last_seq, "from_sample": self.held_from}
            if self._segments:
                query["last_segment"] = max(self._segments)
        try:
            async with asyncio.timeout(QUIET):
                return await connect(
                    f"{url}/v1/stream?{urlencode(query)}",
                    subprotocols=offered,  # type: ignore[arg-type]  # plain strings are fine
                    additional_headers={"xi-api-key": self._key},
                    compression=None,
                    ping_interval=None,
                    max_queue=4,
                    proxy=None,
                )
        except (OSError, EOFError, InvalidHandshake):  # TimeoutError is an OSError
            return None

    async def _use(self, line: ClientConnection) -> int | None:
        """Speak over a line until it ends; its close code, None if it was given up."""
        self._next_sample = asyncio.get_running_loop().create_future()
        if self._token is None:
            self._next_sample.set_result(0)
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak(line))
            is_closed = await self._listen(line)
            speaking.cancel()
        # A close frame would say that the client is content; only a broken line is parked.
        line.transport.abort()
        await line.wait_closed()
        return line.close_code if is_closed else None

    async def _listen(self, line: ClientConnection) -> bool:
        """Take what comes until the line is closed (True), or has to be given up."""
        try:
            while self._move_after is None:
                async with asyncio.timeout(QUIET):
                    text = await line.recv()
                self._receive(json.loads(text))
        except ConnectionClosed:
            return True
        except TimeoutError:
            pass
        return False

    def _receive(self, event: dict[str, Any]) -> None:
        check_server_message(event)
        self.log.heard.append(Heard(self._clock(), event, self.log.attempts))
        self._last_seq = max(self._last_seq, event["seq"])
        match event["message_type"]:
            case "session_started":
                self._token = event["resume_token"]
                self.started.set()
                self._note_return()
            case "session_resumed":
                self._note_return()
                if event["next_sample"] < self.held_from:
                    self.log.lost = f"{event['next_sample']} is asked for, {self.held_from} is kept"
                self._next_sample.set_result(event["next_sample"])
            case "committed_transcript":
                self._segments.add(event["segment"])
                self._covered = max(self._covered, event["end_sample"])
            case "moving":
                self._move_after = event["after_ms"] / 1000
            case "session_ended":
                self.has_ended = True

    def _note_return(self) -> None:
        self._admissions += 1
        if self._broken_at is not None:
            self.log.reconnects.append((self._broken_at, self._clock()))
            self._broken_at = None

    async def _speak(self, line: ClientConnection) -> None:
        """Send from where the relay wants it; commits again that were said and aren't covered."""
        speech = self._speech
        total = len(speech.samples)
        try:
            position = await self._next_sample
            if self._began_at is None:
                self._began_at = self._clock()
            while True:
                if position in speech.commits and self._wants_commit(position):
                    self._said.add(position)
                    await _say(line, "commit")
                if position >= total:
                    await _say(line, "stop")
                    return
                ends = [position + speech.frames_per_message, total, *speech.commits]
                end = min(end for end in ends if end > position)
                due = self._began_at + end / speech.rate / speech.pace
                # Without a wait too others get their turn, which a line with room doesn't give.
                await asyncio.sleep(max(0.0, due - self._clock()))
                await line.send(speech.samples[position:end].astype("<f4").tobytes())
                position = end
                self._sent = max(self._sent, position)
        except ConnectionClosed:
            pass

    def _wants_commit(self, frame: int) -> bool:
        is_covered = self._covered > frame - HELD_BACK * self._speech.rate
        return frame not in self._said or not is_covered


async def _say(line: ClientConnection, message_type: str) -> None:
    await line.send(json.dumps({"message_type": message_type}))
