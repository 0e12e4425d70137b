"""What a client library must tell its user of a conversation: README.md, as a program."""

import math
from collections.abc import Sequence
from typing import Any, Final

from tests.contract.conversation import Line

DIGITS: Final = 6
"""Of seconds: microseconds."""

CONSEQUENCES: Final = {4400: ("invalid_request", True), 4429: ("limit_reached", False)}
"""Close code → the kind of problem, and whether it is final; if not, it is tried again later."""


def told(lines: Sequence[Line]) -> Line:
    """Work out the last line."""
    user = _User()
    for line in lines:
        ((kind, value),) = [(key, line[key]) for key in _KINDS if key in line]
        getattr(user, kind)(value)
    return {
        "transcript": user.segments,
        "partials": user.partials,
        "warnings": user.warnings,
        "problems": user.problems,
        "summary": user.summary,
    }


_KINDS: Final = ("open", "client", "again", "relay", "close", "cut")


class _User:
    """Hears of a conversation, line by line."""

    def __init__(self) -> None:
        self.segments: list[dict[str, Any]] = []
        self.partials: list[str] = []
        self.warnings: list[dict[str, Any]] = []
        self.problems: list[dict[str, Any]] = []
        self.summary: dict[str, Any] | None = None
        self._rates: list[tuple[int, int]] = []
        """From which frame on which rate, in Hz."""
        self._frames = self._covered = self._began_at = 0
        self._failure: dict[str, Any] = {}
        self._segments_by_number: dict[int, dict[str, Any]] = {}

    def open(self, query: dict[str, str]) -> None:
        self._began_at = self._covered
        self._segments_by_number = {}

    def client(self, said: Line) -> None:
        if "audio_frames" not in said:
            return
        if not self._rates or self._rates[-1][1] != said["sample_rate"]:
            self._rates.append((said["first_frame"], said["sample_rate"]))
        self._frames = said["first_frame"] + said["audio_frames"]

    def again(self, said: Line) -> None:
        """Nobody notices."""

    def cut(self, _: bool) -> None:
        """It isn't over."""

    def close(self, code: int) -> None:
        if code == 1000:
            return
        kind, is_final = CONSEQUENCES[code]
        self.problems.append(
            {
                "kind": kind,
                "isFinal": is_final,
                "detail": self._failure["error"],
                "errorType": self._failure["message_type"],
                "retryAfterMs": self._failure.get("retry_after_ms"),
            }
        )

    def relay(self, event: dict[str, Any]) -> None:
        match event:
            case {"message_type": "partial_transcript", "text": text}:
                self.partials.append(text)
            case {"message_type": "committed_transcript"}:
                self._commit(event)
            case {"message_type": "committed_transcript_with_timestamps"}:
                self._add_times(event)
            case {"message_type": "warning", "code": code, "text": text}:
                self.warnings.append({"code": code, "text": text})
            case {"message_type": "input_error", "error": text}:
                self.warnings.append({"code": "input_error", "text": text})
            case {"message_type": "session_ended", "reason": reason}:
                self.summary = {
                    "reason": reason,
                    "audioMs": round(self._seconds(self._frames) * 1000),
                    "segments": len(self.segments),
                    "words": sum(len(one["text"].split()) for one in self.segments),
                }
            case {"error": _}:
                self._failure = event

    def _commit(self, final: dict[str, Any]) -> None:
        begin, self._covered = self._covered, self._began_at + final["end_sample"]
        if self.partials and self.partials[-1]:
            self.partials.append("")
        if not final["text"].strip():
            return
        segment = {
            "index": len(self.segments),
            "text": final["text"],
            "startSeconds": round(self._seconds(begin), DIGITS),
            "endSeconds": round(self._seconds(self._covered), DIGITS),
            "cause": final["cause"],
            "languageCode": None,
            "words": None,
        }
        self.segments.append(segment)
        self._segments_by_number[final["segment"]] = segment

    def _add_times(self, timed: dict[str, Any]) -> None:
        segment = self._segments_by_number[timed["segment"]]
        words = [
            [word["text"], self._moved(word["start"]), self._moved(word["end"])]
            for word in timed["words"]
        ]
        segment |= {
            "startSeconds": words[0][1],
            "endSeconds": words[-1][2],
            "languageCode": timed.get("language_code"),
            "words": words,
        }

    def _moved(self, seconds: float) -> float:
        return math.floor((self._seconds(self._began_at) + seconds) * 1000 + 0.5) / 1000

    def _seconds(self, frame: int) -> float:
        ends = [*(begin for begin, _ in self._rates[1:]), math.inf]
        # Before the first sample there is no rate, and no time.
        pieces = zip(self._rates, ends, strict=False)
        return sum(max(0, min(frame, end) - begin) / rate for (begin, rate), end in pieces)
