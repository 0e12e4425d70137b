"""The clients whose conversations are recorded."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.contract.recorder import Recorder

MANUAL: Final = {"commit_strategy": "manual", "include_timestamps": "true"}
"""What the browser's client asks for, where the page commits."""


@dataclass(frozen=True)
class Script:
    """What a client does, and to what kind of relay."""

    about: str
    play: Callable[[Recorder], Awaitable[None]]
    settings: dict[str, Any] = field(default_factory=dict)


async def _manual(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="16000")
    await client.speak(2400, times=7)
    await client.hear("session_started")
    await client.speak(2400, times=7)
    await client.hear("partial_transcript")
    await client.say("commit")
    await client.hear("committed_transcript_with_timestamps")
    await client.hear("audio_acknowledged")
    await client.speak(8000)
    await client.say("commit")
    await client.speak(800, times=10)
    await client.stop()


async def _rate(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="48000")
    await client.hear("session_started")
    await client.speak(24_000)
    await client.say("commit")
    await client.hear("committed_transcript_with_timestamps")
    await client.speak(12_000)
    await client.change_rate(44_100)
    await client.speak(22_050)
    await client.say("commit")
    await client.hear("committed_transcript_with_timestamps")
    await client.change_rate(16_000)
    await client.speak(8_000)
    await client.stop()


async def _mute(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="16000")
    await client.hear("session_started")
    await client.speak(8000)
    await client.say("mute")
    await client.hear("committed_transcript_with_timestamps")
    await client.say("unmute")
    await client.speak(6400)
    await client.stop()


async def _nothing(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="48000")
    await client.hear("session_started")
    await client.stop()


async def _unknown_parameter(client: Recorder) -> None:
    await client.open(**MANUAL, langauge_code="en", sample_rate="48000")
    await client.speak(2400)
    await client.hear("invalid_request")
    await client.closed()


async def _nan(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="16000")
    await client.hear("session_started")
    await client.speak(8000)
    await client.speak(800, with_nan=True)
    await client.hear("input_error")
    await client.speak(8000)
    await client.stop()


async def _too_many(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="48000")
    await client.hear("too_many_sessions")
    await client.closed()


async def _warnings(client: Recorder) -> None:
    await client.open(**MANUAL, language_code="de", sample_rate="16000")
    await client.hear("warning", times=2)
    await client.speak(8000)
    await client.stop()


async def _cut(client: Recorder) -> None:
    await client.open(**MANUAL, sample_rate="48000")
    await client.hear("session_started")
    await client.speak(12_000, times=2)
    await client.say("commit")
    await client.hear("committed_transcript_with_timestamps")
    await client.speak(2400, times=8)
    await client.say("commit")
    await client.speak(2400)
    await client.cut()
    await client.open(**MANUAL, sample_rate="48000")
    await client.say_again()
    await client.hear("session_started")
    await client.hear("committed_transcript_with_timestamps")
    await client.speak(24_000)
    await client.stop()


SCRIPTS: Final = {
    "manual-commits": Script("Each commit is one segment, with the times of its words.", _manual),
    "rate-changed": Script("The device is changed twice while somebody speaks.", _rate),
    "muted": Script("Muting ends a segment.", _mute),
    "nothing-said": Script("Stopped before anything was said.", _nothing),
    "unknown-parameter": Script("A parameter that doesn't exist.", _unknown_parameter),
    "not-a-number": Script("One message can't be used, and costs no more than itself.", _nan),
    "too-many-sessions": Script(
        "As many sessions are open as the account may have.",
        _too_many,
        {"limit_key_sessions": 0},
    ),
    "warnings": Script(
        "An option is pinned, and the day's minutes are nearly used up.",
        _warnings,
        {"limit_key_minutes_per_day": 4, "pinned_options": [["language_code", "en"]]},
    ),
    "line-cut": Script("The line breaks; a new session takes up where the last final ends.", _cut),
}
"""File name → script."""
