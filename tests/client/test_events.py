import json
from typing import Any

import pytest

from relay.client.events import (
    AudioGap,
    CommittedTranscript,
    Failure,
    Moving,
    Other,
    PartialTranscript,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    TimedTranscript,
    TimedWord,
    UpstreamReconnecting,
    UpstreamRestored,
    Warn,
    decode_event,
    decode_seq,
)
from relay.errors import InputError


def said(message_type: str, **fields: Any) -> str:
    return json.dumps({"message_type": message_type, "seq": 7, **fields})


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            said("session_started", session_id="s", config={"sample_rate": 16000}),
            SessionStarted("s", {"sample_rate": 16000}),
        ),
        (said("session_resumed", next_sample=5, last_seq=6), SessionResumed(5, 6)),
        (said("moving", after_ms=250), Moving(250)),
        (
            said("upstream_reconnecting", attempt=1, retry_in_ms=5, reason="reset"),
            UpstreamReconnecting(1, 5, "reset"),
        ),
        (said("upstream_restored", replayed_ms=9), UpstreamRestored(9)),
        (said("partial_transcript", text="hel"), PartialTranscript("hel")),
        (
            said("committed_transcript", text="hello", segment=0, end_sample=9, cause="vad"),
            CommittedTranscript("hello", 0, 9, "vad"),
        ),
        (
            said(
                "committed_transcript_with_timestamps",
                text="hello",
                language_code="en",
                segment=0,
                end_sample=9,
                cause="relay",
                words=[{"text": "hello", "start": 0.1, "end": 0.5, "type": "word", "logprob": -1}],
            ),
            TimedTranscript("hello", 0, 9, "relay", (TimedWord("hello", 0.1, 0.5, "word"),), "en"),
        ),
        (
            said(
                "committed_transcript_with_timestamps",
                text="a",
                segment=1,
                end_sample=9,
                words=None,
            ),
            TimedTranscript("a", 1, 9),
        ),
        (
            said("audio_gap", from_sample=1, to_sample=2, reason="ledger full"),
            AudioGap(1, 2, "ledger full"),
        ),
        (
            said("warning", code="silent", text="Nothing is heard."),
            Warn("silent", "Nothing is heard."),
        ),
        (
            said("session_ended", reason="stopped", audio_ms=100, segments=1, words=2),
            SessionEnded("stopped", 100, 1, 2),
        ),
        (
            said("rate_limited", error="Slow down.", retryable=True, retry_after_ms=500),
            Failure("rate_limited", "Slow down.", retryable=True, retry_after_ms=500),
        ),
        (said("odd_error", error="Odd."), Failure("odd_error", "Odd.", retryable=False)),
    ],
)
def test_messages_become_events(text: str, event: object) -> None:
    assert decode_event(text) == event


def test_unknown_message_passes_with_its_fields() -> None:
    event = decode_event(said("speakers_merged", from_speaker_id="a"))
    assert event == Other(
        "speakers_merged", {"message_type": "speakers_merged", "seq": 7, "from_speaker_id": "a"}
    )


def test_scribes_own_warning_passes_although_ours_has_its_name() -> None:
    event = decode_event(said("warning", warning="still logged"))
    assert isinstance(event, Other)
    assert event.fields["warning"] == "still logged"


@pytest.mark.parametrize("text", ["", "{", "no json"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not JSON"):
        decode_event(text)


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"type":"x"}'])
def test_what_has_no_message_type_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="without a message_type"):
        decode_event(text)


@pytest.mark.parametrize(
    ("text", "seq"), [(said("x"), 7), ('{"message_type":"x"}', 0), ('{"seq":"a"}', 0)]
)
def test_number_of_a_message_is_read(text: str, seq: int) -> None:
    assert decode_seq(text) == seq
