"""Writes down what a scripted client and a relay say."""

from typing import Any

from tests.contract.conversation import Line
from tests.contract.player import Player
from tests.contract.samples import audio_bytes, digest
from tests.support.relay import Event


class Recorder:
    """What scripts speak through: a client such as the libraries are, and its notes."""

    def __init__(self, player: Player) -> None:
        self.lines: list[Line] = []
        self._player = player
        self._rate = 0
        self._frames = 0
        self._covered = 0
        self._began_at = 0
        self._unanswered: list[Line] = []
        """Audio, and the commits among it that have no final yet."""

    async def open(self, **query: str) -> None:
        """Connect."""
        self._began_at = self._covered
        self._rate = self._rate or int(query["sample_rate"])
        await self._player.connect(query)
        self.lines.append({"open": query})

    async def speak(self, frames: int, *, times: int = 1, with_nan: bool = False) -> None:
        """Say so many frames, in each of so many messages."""
        for _ in range(times):
            audio = _audio(self._frames, frames, self._rate, with_nan=with_nan)
            self._frames += frames
            await self._say(audio)

    async def change_rate(self, rate: int) -> None:
        """Say that the next frames come at another rate, in Hz."""
        self._rate = rate
        await self._say({"message_type": "format", "sample_rate": rate})

    async def say(self, message_type: str) -> None:
        """Say one text message."""
        await self._say({"message_type": message_type})

    async def say_again(self) -> None:
        """Say everything again that has no final, in the messages in which it was said."""
        said, self._unanswered = self._unanswered, []
        for line in said:
            if "audio_frames" not in line:
                await self._say(line, kind="again")
                continue
            covered = max(0, self._covered - line["first_frame"])
            if covered < line["audio_frames"]:
                first_frame, frames = line["first_frame"] + covered, line["audio_frames"] - covered
                await self._say(_audio(first_frame, frames, line["sample_rate"]), kind="again")

    async def hear(self, message_type: str, *, times: int = 1) -> None:
        """Write down what comes, until so many of a type have."""
        while times:
            event = await self._player.hear(message_type)
            self.lines.append({"relay": event})
            times -= event["message_type"] == message_type
            if event["message_type"] == "committed_transcript":
                self._cover(event)

    async def closed(self) -> None:
        """Write down how it ends."""
        self.lines.append({"close": await self._player.closed()})

    async def stop(self) -> None:
        """Say `stop`, and wait for the end."""
        await self.say("stop")
        await self.hear("session_ended")
        await self.closed()

    async def cut(self) -> None:
        """Break the line."""
        self._player.cut()
        self.lines.append({"cut": True})

    async def _say(self, line: Line, kind: str = "client") -> None:
        await self._player.say(line)
        self._unanswered.append(line)
        self.lines.append({kind: line})

    def _cover(self, final: Event) -> None:
        self._covered = self._began_at + final["end_sample"]
        commits = [line for line in self._unanswered if line.get("message_type") == "commit"]
        if final["cause"] == "client" and commits:
            self._unanswered.remove(commits[0])


def _audio(first_frame: int, frames: int, rate: int, *, with_nan: bool = False) -> Line:
    line: dict[str, Any] = {
        "audio_frames": frames,
        "first_frame": first_frame,
        "sample_rate": rate,
    }
    if with_nan:
        line["with_nan"] = True
    return {**line, "sha256": digest(audio_bytes(line))}
