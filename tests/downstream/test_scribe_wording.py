import json
from typing import Any

import pytest

from relay import lifecycle
from relay.downstream.scribe_wording import ERROR_TYPES, MOVED, MOVED_TEXT, Wording
from relay.limits.limiter import TEXTS
from relay.protocol.messages import (
    AudioAcknowledged,
    AudioGap,
    Failure,
    Moving,
    Queued,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    UpstreamReconnecting,
    UpstreamRestored,
    Warn,
)
from relay.scribe.errors import ErrorType
from tests.protocol.test_refusal import TABLE


def word(message: ServerMessage) -> Any:
    text = Wording().word(message)
    return None if text is None else json.loads(text)


def test_the_start_is_scribes() -> None:
    started = SessionStarted("0a", {"model_id": "m"}, resume_token="secret")  # no secret
    assert word(started) == {
        "message_type": "session_started",
        "session_id": "0a",
        "config": {"model_id": "m"},
    }


def test_events_have_the_fields_that_scribe_sent() -> None:
    sent = {"message_type": "committed_transcript", "text": "hi", "new": 1}
    assert word(ScribeEvent({**sent, "segment": 0, "end_sample": 5, "cause": "vad"})) == sent


def test_what_scribe_does_not_know_yet_is_passed_on() -> None:
    assert word(ScribeEvent({"message_type": "new", "x": [1]})) == {"message_type": "new", "x": [1]}


@pytest.mark.parametrize(
    "message",
    [
        Warn("option_changed", "Oh."),
        ScribeEvent(
            {"message_type": "warning", "warning": "Oh.", "code": "upstream", "text": "Oh."}
        ),
    ],
)
def test_warnings_have_scribes_form(message: ServerMessage) -> None:
    assert word(message) == {"message_type": "warning", "warning": "Oh."}


def test_a_gap_is_a_warning_in_seconds() -> None:
    wording = Wording()
    wording.rate = 8000
    text = wording.word(AudioGap(8000, 20_000, "transcriber_error"))
    assert text is not None
    assert json.loads(text)["warning"] == (
        "No transcript covers the audio from 1.00 to 2.50 s: transcriber_error."
    )
    assert wording.closing == (1000, "")


@pytest.mark.parametrize(
    "message",
    [
        AudioAcknowledged(1, 0),
        Moving(5),
        Queued(1, None),
        SessionEnded("stopped", 1, 2, 3),
        SessionResumed(0, 0),
        UpstreamReconnecting(1, 0, "lost"),
        UpstreamRestored(5),
    ],
)
def test_what_scribe_has_no_word_for_is_not_said(message: ServerMessage) -> None:
    wording = Wording()
    assert wording.word(message) is None
    assert wording.closing == (1000, "")


@pytest.mark.parametrize("error_type", ErrorType)
def test_scribes_own_errors_keep_their_names(error_type: ErrorType) -> None:
    assert word(Failure(error_type, "No.", retryable=False, retry_after_ms=5)) == {
        "message_type": error_type,
        "error": "No.",
    }


@pytest.mark.parametrize("native", [*TEXTS, *(failure.error_type for _, failure, _ in TABLE)])
def test_each_of_the_relays_errors_has_a_name_of_scribes(native: str) -> None:
    assert native in ERROR_TYPES


@pytest.mark.parametrize(
    ("native", "scribes"),
    [
        ("unauthorized", "auth_error"),
        ("origin_not_allowed", "auth_error"),
        ("too_many_sessions", "rate_limited"),
        ("budget_exceeded", "quota_exceeded"),
        ("upstream_unavailable", "transcriber_error"),
        ("internal_error", "error"),
        ("of_next_year", "error"),
    ],
)
def test_the_relays_errors_are_the_nearest_of_scribes(native: str, scribes: str) -> None:
    assert word(Failure(native, "No.", retryable=True))["message_type"] == scribes


@pytest.mark.parametrize(
    ("error_type", "closing"),
    [
        ("auth_error", (1000, "")),
        ("unauthorized", (1000, "")),
        ("invalid_request", (1008, "invalid_request")),
        ("too_many_sessions", (1000, "rate_limited")),
        ("chunk_size_exceeded", (1000, "chunk_size_exceeded")),
    ],
)
def test_the_last_error_says_how_it_is_closed(error_type: str, closing: tuple[int, str]) -> None:
    wording = Wording()
    wording.word(Failure(error_type, "No.", retryable=False))
    assert wording.closing == closing


def test_a_bad_message_is_no_reason_to_close() -> None:
    wording = Wording()
    wording.word(Failure("input_error", "No.", retryable=False))
    assert wording.closing == (1000, "")


def test_a_worker_that_leaves_tells_its_clients_to_begin_anew() -> None:
    wording = Wording()
    text = wording.word(SessionEnded(MOVED, 1, 2, 3))
    assert MOVED == lifecycle.MOVED
    assert text is not None
    assert json.loads(text) == {
        "message_type": "session_time_limit_exceeded",
        "error": MOVED_TEXT,
    }
    assert wording.closing == (1000, "session_time_limit_exceeded")
