import json

import numpy as np
import pytest

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding
from relay.errors import UpstreamUnavailable
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import (
    AudioGap,
    Failure,
    Moving,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
)
from relay.protocol.refusal import INTERNAL_ERROR
from relay.translator import Ending, Fault, Finished, Moved, Refused, Taken, Translator, untimed
from relay.upstream.finals import TIMED, Final
from relay.upstream.ledger import Cause, Commit, Ledger
from relay.upstream.session import Passed

RATE = 48_000
LIMITED = Failure("rate_limited", "Too much.", retryable=True)


def translator(seconds: float, *, covered: int = 0) -> Translator:
    """Of a session that was sent so much audio, of which `covered` samples have their final."""
    ledger = Ledger(bound=10**6)
    ledger.append(b"", covered, Cause.VAD)
    ledger.advance()
    ledger.answer()
    return Translator(chain(seconds), ledger)


def chain(seconds: float) -> AudioChain:
    """A chain that has been sent so much audio, and put all of it out."""
    made = AudioChain(RATE, encoding=Encoding.PCM_F32LE, channels=1)
    made.push(np.zeros(round(seconds * RATE), np.float32).tobytes())
    made.flush()
    return made


def final(
    position: int, text: str = "two words", *, message_type: str = "committed_transcript"
) -> Final:
    fields = {"message_type": message_type, "text": text}
    return Final(fields, Commit(position, Cause.VAD), segment=0)


def test_a_final_tells_the_clients_frames() -> None:
    event = translator(2).translate(final(16_000))
    assert event == ScribeEvent(
        {
            "message_type": "committed_transcript",
            "text": "two words",
            "segment": 0,
            "end_sample": RATE,
            "cause": "vad",
        }
    )


def test_a_timed_final_is_the_same_segment_and_counts_once() -> None:
    made = translator(2)
    made.translate(final(16_000))
    made.translate(final(16_000, message_type=TIMED))
    assert (made.segments, made.words) == (1, 2)


def test_other_events_pass_as_they_are() -> None:
    fields = {"message_type": "partial_transcript", "text": "two"}
    assert translator(0).translate(Passed(fields)) == ScribeEvent(fields)


def test_scribes_warnings_look_like_ours_as_well() -> None:
    fields = {"message_type": "warning", "warning": "Logged."}
    event = translator(0).translate(Passed(fields))
    assert event.fields == {**fields, "code": "upstream", "text": "Logged."}


def test_what_arrived_and_what_is_settled_are_counted_in_the_clients_frames() -> None:
    made = translator(1, covered=8_000)
    assert (made.received, made.covered) == (RATE, RATE // 2)


def test_an_end_in_order_is_summed_up() -> None:
    made = translator(2, covered=32_000)
    made.translate(final(32_000))
    assert made.last_words(Finished("stopped", CloseCode.ENDED)) == (
        [SessionEnded("stopped", 2000, 1, 2)],
        CloseCode.ENDED,
    )


def test_who_was_refused_has_been_told_already() -> None:
    made = translator(1, covered=16_000)
    refused = Refused(CloseCode.INVALID, "invalid_request")
    assert made.last_words(refused) == ([], CloseCode.INVALID)


def test_who_is_refused_later_is_told_at_the_end_what_has_no_final() -> None:
    made = translator(2, covered=16_000)
    messages, code = made.last_words(Refused(CloseCode.LIMITED, "rate_limited", LIMITED))
    assert messages == [AudioGap(RATE, 2 * RATE, "rate_limited"), LIMITED]
    assert code is CloseCode.LIMITED


def test_an_error_tells_what_is_not_covered() -> None:
    made = translator(2, covered=16_000)
    messages, code = made.last_words(UpstreamUnavailable("transcriber_error", "Oh."))
    assert code is CloseCode.UPSTREAM_UNAVAILABLE
    assert messages == [
        AudioGap(RATE, 2 * RATE, "transcriber_error"),
        Failure("transcriber_error", "Oh.", retryable=True),
    ]


def test_without_a_gap_there_is_nothing_but_the_error() -> None:
    made = translator(1, covered=16_000)
    messages, _ = made.last_words(UpstreamUnavailable("error", "Oh."))
    assert messages == [Failure("error", "Oh.", retryable=True)]


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (Fault(), ([INTERNAL_ERROR], CloseCode.FAULT)),
        (Moved(700), ([Moving(700)], CloseCode.RESTARTING)),
        (Taken(), ([], CloseCode.TAKEN_OVER)),
    ],
)
def test_of_a_session_that_goes_on_elsewhere_nothing_is_missing(
    ending: Ending, said: tuple[list[ServerMessage], CloseCode]
) -> None:
    assert translator(1, covered=0).last_words(ending) == said


def test_a_stretch_that_was_left_out_is_told_in_the_clients_frames() -> None:
    assert translator(2).gap(8_000, 16_000, "error") == AudioGap(24_000, 48_000, "error")


def test_a_gap_is_as_long_as_its_frames_take() -> None:
    assert translator(2).seconds_of(AudioGap(RATE, RATE + RATE // 2, "error")) == 0.5


def test_a_frame_has_its_time() -> None:
    assert translator(2).seconds_at(RATE // 2) == 0.5


def test_a_timed_message_that_is_owed_is_made_up_once() -> None:
    def event(message_type: str, segment: int) -> str:
        fields = {"message_type": message_type, "segment": segment, "text": "one two"}
        return json.dumps({**fields, "end_sample": 48_000 * segment, "cause": "vad", "seq": 7})

    events = [event("committed_transcript", 3), event(TIMED, 3), event("committed_transcript", 4)]
    assert untimed(events) == [
        {
            "message_type": TIMED,
            "text": "one two",
            "language_code": None,
            "words": None,
            "segment": 4,
            "end_sample": 192_000,
            "cause": "vad",
        }
    ]


def test_the_timeline_that_others_need_is_told() -> None:
    assert translator(1).pieces[0] == (RATE, 0, 0)


def test_a_gap_among_the_events_owes_nobody_its_words() -> None:
    gap = {"message_type": "audio_gap", "seq": 3, "from_sample": 0, "to_sample": 480, "reason": "x"}
    assert untimed([json.dumps(gap)]) == []
