import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.pcm import WireFormat
from relay.errors import UpstreamRejected, UpstreamUnavailable
from relay.scribe.codec import decode_server_message, encode_message
from relay.scribe.errors import CLASS_OF, ErrorClass, ErrorType
from relay.scribe.messages import (
    CommittedTranscript,
    CommittedTranscriptWithTimestamps,
    EditedTranscript,
    ErrorMessage,
    PartialTranscript,
    SessionStarted,
    Unknown,
    WarningMessage,
)
from relay.upstream.finals import Final
from relay.upstream.history import History
from relay.upstream.ledger import Cause, Ledger
from relay.upstream.session import (
    KEEPALIVE_INTERVAL,
    MAX_KEEPALIVE_SILENCE,
    MIN_COMMIT,
    PACE_BURST,
    Complaint,
    Failed,
    Opened,
    Passed,
    SegmentDue,
    State,
    UpstreamSession,
)

RATE = 16_000
COMMIT_TIMEOUT = 5.0
OPENING_DEADLINE = 20.0


class Conversation:
    """An upstream session with its ledger, and a clock that is set by hand."""

    def __init__(
        self,
        *,
        is_open: bool = True,
        is_timed: bool = False,
        extras: Sequence[str] = (),
        seconds_at: Callable[[float], float] = lambda position: position / RATE,
        wire_format: WireFormat = WireFormat.PCM_16000,
        history: History | None = None,
        **gentler: float,
    ) -> None:
        self.now = 0.0
        self.ledger = Ledger(bound=60 * RATE)
        self.history = history or History()
        self.session = UpstreamSession(
            self.ledger,
            wire_format=wire_format,
            is_timed=is_timed,
            extras=extras,
            commit_timeout=COMMIT_TIMEOUT,
            seconds_at=seconds_at,
            redact=lambda text: text.replace("key-1", "***"),
            history=self.history,
            **gentler,
        )
        self.session.expect_start(OPENING_DEADLINE)
        if is_open:
            self.receive(SessionStarted("abc"))
            self.events()

    def receive(self, message: Any) -> None:
        self.session.receive_message(message, self.now)

    def events(self) -> list[Any]:
        return self.session.events_received()

    def speak(self, seconds: float, commit: Cause | None = None) -> None:
        samples = round(seconds * RATE)
        self.ledger.append(b"\1\0" * samples, samples, commit)

    def sent(self) -> list[tuple[int, bool]]:
        """Send what may be sent now: (bytes of audio, commit flag) of each message."""
        messages = []
        while (message := self.session.message_to_send(self.now)) is not None:
            fields = json.loads(message)
            assert fields["message_type"] == "input_audio_chunk"
            messages.append((len(base64.b64decode(fields["audio_base_64"])), fields["commit"]))
        return messages

    def failure(self) -> Any:
        (event,) = self.events()
        assert isinstance(event, Failed)
        assert self.session.state is State.CLOSED
        return event.error


def test_a_session_says_what_the_provider_has_to_expect() -> None:
    assert Conversation(wire_format=WireFormat.ULAW_8000).session.wire_format == "ulaw_8000"


def test_audio_before_session_started_is_sent_after_it() -> None:
    talk = Conversation(is_open=False)
    talk.speak(0.1)
    assert talk.sent() == []
    talk.receive(SessionStarted("abc"))
    assert talk.events() == [Opened("abc")]
    assert talk.sent() == [(3200, False)]


def test_it_knows_whether_there_is_more_to_send() -> None:
    talk = Conversation(max_chunk=0.05)
    talk.speak(0.1)
    said = [talk.session.has_unsent]
    while talk.session.message_to_send(talk.now):
        said.append(talk.session.has_unsent)
    assert said == [True, True, False]  # a chunk is two messages here


def test_a_commit_is_a_flag_on_the_audio_that_it_ends() -> None:
    talk = Conversation()
    talk.speak(0.4)
    talk.speak(0.1, Cause.CLIENT)
    assert talk.sent() == [(12800, False), (3200, True)]


def test_a_short_segment_is_padded_to_what_scribe_takes() -> None:
    talk = Conversation()
    talk.speak(0.1, Cause.CLIENT)
    talk.speak(0.0, Cause.CLIENT)
    full = round(MIN_COMMIT * RATE) * 2
    assert talk.sent() == [(full, True), (full, True)]


def test_padding_is_silence_in_the_wire_format() -> None:
    talk = Conversation(wire_format=WireFormat.ULAW_8000)
    talk.ledger.append(b"", 0, Cause.CLIENT)
    message = talk.session.message_to_send(0.0)
    assert message is not None
    assert base64.b64decode(json.loads(message)["audio_base_64"]) == b"\xff" * 2400


def test_a_final_tells_which_audio_it_covers() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.VAD)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    (final,) = talk.events()
    assert isinstance(final, Final)
    assert final.fields == {"message_type": "committed_transcript", "text": "hello"}
    assert (final.commit.position, final.commit.cause, final.segment) == (RATE, Cause.VAD, 0)
    assert talk.session.is_settled


def test_fields_that_we_do_not_know_pass_through() -> None:
    talk = Conversation()
    fields = {"message_type": "committed_transcript", "text": "hello", "new_field": [1, {"a": 2}]}
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(decode_server_message(encode_message(fields)))
    assert talk.events()[0].fields == fields


def test_messages_that_we_do_not_know_pass_through() -> None:
    talk = Conversation()
    talk.receive(Unknown("speech_started"))
    assert talk.events() == [Passed({"message_type": "speech_started"})]


def test_word_times_move_to_the_sessions_timeline() -> None:
    talk = Conversation(is_timed=True, seconds_at=lambda position: 100 + position / RATE)
    talk.speak(0.1, Cause.CLIENT)  # and 0.2 s of padding on the socket
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    for text in ("a", "b"):
        talk.receive(CommittedTranscript(text))
    word = {
        "text": "b",
        "start": 0.4,
        "end": 0.8,
        "type": "word",
        "logprob": -0.1,
        "characters": [{"text": "b", "start": 0.4, "end": 0.5}, "plain"],
    }
    spacing = {"text": " ", "start": None, "end": None, "type": "spacing"}
    talk.receive(
        decode_server_message(
            encode_message(
                {
                    "message_type": "committed_transcript_with_timestamps",
                    "text": "b",
                    "words": [word, spacing],
                }
            )
        )
    )
    *_, timed = talk.events()
    assert timed.fields["words"] == [
        {
            **word,
            "start": 100.2,
            "end": 100.6,
            "characters": [{"text": "b", "start": 100.2, "end": 100.3}, "plain"],
        },
        spacing,
    ]


def test_words_stay_null_where_scribe_sent_null() -> None:
    talk = Conversation(is_timed=True)
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("a"))
    talk.receive(CommittedTranscriptWithTimestamps("a", "en", None))
    assert talk.events()[1].fields["words"] is None


def test_a_missing_timed_message_is_made_up_by_the_clock() -> None:
    talk = Conversation(is_timed=True)
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("a"))
    talk.events()
    talk.session.tick(1.0)
    (timed,) = talk.events()
    assert timed.fields["words"] is None


def test_times_within_words_of_other_messages_move_as_well() -> None:
    talk = Conversation(seconds_at=lambda position: 7 + position / RATE)
    talk.speak(1.0)
    talk.sent()
    fields = {
        "message_type": "diarized_transcript",
        "segment_index": 0,
        "text": "a",
        "words": [{"text": "a", "start": 0.5, "end": 1.0}],
    }
    talk.receive(decode_server_message(encode_message(fields)))
    assert talk.events()[0].fields["words"] == [{"text": "a", "start": 7.5, "end": 8.0}]


def test_secrets_are_taken_out_of_warnings() -> None:
    talk = Conversation()
    talk.receive(WarningMessage("about key-1"))
    assert talk.events() == [Passed({"message_type": "warning", "warning": "about ***"})]


def test_partials_pass() -> None:
    talk = Conversation()
    talk.receive(PartialTranscript("hel"))
    assert talk.events() == [Passed({"message_type": "partial_transcript", "text": "hel"})]


def test_the_echo_of_a_final_is_dropped_and_nothing_else() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    talk.events()
    talk.receive(PartialTranscript("hello"))
    assert talk.events() == []
    talk.receive(PartialTranscript("hello"))
    assert len(talk.events()) == 1


def test_an_empty_partial_after_an_empty_final_is_no_echo() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript(""))
    talk.events()
    talk.receive(PartialTranscript(""))
    assert len(talk.events()) == 1


def test_a_final_that_answers_no_commit_ends_the_session() -> None:
    talk = Conversation()
    talk.receive(CommittedTranscript("hello"))
    assert "by itself" in str(talk.failure())


def test_an_empty_final_that_answers_no_commit_is_ignored() -> None:
    talk = Conversation()
    talk.receive(CommittedTranscript(""))
    assert talk.events() == []
    assert talk.session.state is State.OPEN


@pytest.mark.parametrize("error_type", ErrorType)
def test_every_error_type_does_what_its_class_says(error_type: ErrorType) -> None:
    talk = Conversation()
    talk.receive(ErrorMessage(error_type, "no key-1"))
    match CLASS_OF[error_type]:
        case ErrorClass.PER_MESSAGE:
            assert talk.events() == [Complaint("no ***")]
            assert talk.session.state is State.OPEN
        case ErrorClass.PERMANENT:
            error = talk.failure()
            assert isinstance(error, UpstreamRejected)
            assert (error.error_type, str(error)) == (error_type, "no ***")
        case ErrorClass.RETRYABLE:
            error = talk.failure()
            assert isinstance(error, UpstreamUnavailable)
            assert (error.error_type, str(error)) == (error_type, "no ***")


def test_a_new_socket_begins_with_the_last_words_and_only_its_first_message_holds_them() -> None:
    talk = Conversation(history=History(last_text="hello there"))
    talk.speak(0.1)
    talk.speak(0.1)
    texts = []
    while (message := talk.session.message_to_send(0.0)) is not None:
        texts.append(json.loads(message).get("previous_text"))
    assert texts == ["hello there", None]


def test_a_final_becomes_the_context_of_the_next_socket() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    talk.receive(CommittedTranscript(""))
    assert talk.history.previous_text == "hello"


def test_long_messages_are_sent_in_pieces_of_which_the_last_one_commits() -> None:
    talk = Conversation(max_chunk=0.05)
    talk.speak(0.1, Cause.CLIENT)
    assert talk.sent() == [(1600, False)] * 5 + [(1600, True)]
    assert not talk.session.is_settled


def test_a_message_that_is_sent_in_part_is_not_settled() -> None:
    talk = Conversation(max_chunk=0.05)
    talk.speak(0.1)
    talk.session.message_to_send(0.0)
    assert not talk.session.is_settled


def test_a_segment_is_padded_further_where_scribe_wants_more() -> None:
    talk = Conversation(min_commit=0.6)
    talk.speak(0.1, Cause.CLIENT)
    assert talk.sent() == [(round(0.6 * RATE) * 2, True)]


def test_what_is_sent_again_counts_as_a_replay() -> None:
    talk = Conversation()
    talk.speak(0.1)
    talk.sent()
    talk.ledger.rewind()
    talk.speak(0.1)
    talk.sent()
    assert (talk.history.samples_sent, talk.history.samples_replayed) == (4800, 1600)


def test_a_final_of_a_socket_that_was_given_up_answers_nothing() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.session.connection_lost(1006)
    talk.events()
    talk.receive(CommittedTranscript("late"))
    assert talk.events() == []
    assert talk.ledger.unanswered == 1


def test_a_close_after_an_error_says_nothing_more() -> None:
    talk = Conversation()
    talk.receive(ErrorMessage("auth_error", "no"))
    talk.events()
    talk.session.connection_lost(1000)
    talk.receive(PartialTranscript("late"))
    assert talk.events() == []


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1006, ""), (1008, "because of key-1")])
def test_a_close_without_an_error_is_a_break_whatever_its_code(code: int, reason: str) -> None:
    talk = Conversation()
    talk.session.connection_lost(code, reason)
    error = talk.failure()
    assert isinstance(error, UpstreamUnavailable)
    assert str(code) in str(error)
    assert "key-1" not in str(error)


def test_closing_from_our_side_is_no_failure() -> None:
    talk = Conversation()
    talk.session.close()
    talk.session.connection_lost(1000)
    assert talk.events() == []
    assert talk.sent() == []


def test_a_session_that_never_starts_fails() -> None:
    talk = Conversation(is_open=False)
    talk.session.tick(OPENING_DEADLINE - 1)
    assert talk.events() == []
    talk.session.tick(OPENING_DEADLINE)
    assert isinstance(talk.failure(), UpstreamUnavailable)


def test_a_commit_that_is_never_answered_fails_the_session() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.session.tick(COMMIT_TIMEOUT)
    assert talk.events() == []
    talk.session.tick(COMMIT_TIMEOUT + 1 / 4)
    assert isinstance(talk.failure(), UpstreamUnavailable)


def test_an_answered_commit_is_not_waited_for() -> None:
    talk = Conversation()
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    talk.events()
    talk.session.tick(1000)
    assert talk.events() == []


def test_a_quiet_socket_is_kept_open_by_silence_that_has_no_session_time() -> None:
    talk = Conversation()
    talk.speak(1.0)
    talk.sent()
    talk.now = KEEPALIVE_INTERVAL - 0.1
    assert talk.sent() == []
    talk.now = KEEPALIVE_INTERVAL
    assert talk.sent() == [(3200, False)]
    assert talk.history.samples_sent == RATE + 1600
    assert talk.history.samples_inserted == 1600
    assert talk.ledger.end == RATE


def test_a_segment_full_of_keepalive_silence_is_due_before_scribe_ends_it() -> None:
    talk = Conversation()
    for _ in range(round(MAX_KEEPALIVE_SILENCE / 0.1)):
        assert talk.events() == []
        talk.now += KEEPALIVE_INTERVAL
        talk.sent()
    assert talk.events() == [SegmentDue()]
    talk.speak(0, Cause.RELAY)
    assert talk.sent() == [(0, True)]
    talk.receive(CommittedTranscript(""))
    assert talk.events() == []
    assert talk.session.is_settled
    talk.now += KEEPALIVE_INTERVAL
    talk.sent()
    assert talk.events() == []


@pytest.mark.parametrize("moment", ["fails", "is given up"])
def test_a_timed_message_that_can_no_longer_come_is_made_up(moment: str) -> None:
    talk = Conversation(is_timed=True)
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    talk.events()
    if moment == "fails":
        talk.session.connection_lost(1006)
    else:
        talk.session.give_up()
    made_up, failed = talk.events()
    assert made_up.fields["words"] is None
    assert isinstance(failed, Failed)


def test_giving_up_what_has_ended_changes_nothing() -> None:
    talk = Conversation()
    talk.session.close()
    talk.session.give_up()
    assert talk.events() == []


def test_a_final_that_cannot_be_read_ends_the_session() -> None:
    talk = Conversation()
    talk.session.receive_malformed("partial_transcript")
    talk.session.receive_malformed(None)
    assert talk.events() == []
    talk.session.receive_malformed("committed_transcript")
    (failed,) = talk.events()
    assert isinstance(failed.error, UpstreamUnavailable)
    talk.session.receive_malformed("committed_transcript")
    assert talk.events() == []


def test_the_end_waits_for_what_else_was_asked_for() -> None:
    talk = Conversation(extras=["edited_transcript"])
    talk.speak(1.0, Cause.CLIENT)
    talk.sent()
    talk.receive(CommittedTranscript("hello"))
    assert not talk.session.is_settled
    talk.receive(EditedTranscript("hello", "HELLO"))
    assert talk.session.is_settled


def test_a_backlog_is_worked_off_at_four_times_real_time() -> None:
    talk = Conversation()
    for _ in range(300):
        talk.speak(0.1)
    at_once = len(talk.sent())
    assert at_once == pytest.approx(PACE_BURST / 0.1, abs=1)
    resume_at = talk.session.resume_at
    assert resume_at is not None
    assert 0 < resume_at < 0.1
    for _ in range(100):
        talk.now += 0.01
        talk.sent()
    assert talk.ledger.sent / 1600 == pytest.approx(at_once + 40, abs=2)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("speak"), st.integers(0, 4000), st.sampled_from([None, *Cause])),
            st.tuples(st.just("wait"), st.integers(0, 12), st.none()),
            st.tuples(st.just("answer"), st.integers(0, 3), st.none()),
        ),
        max_size=60,
    )
)
def test_every_final_covers_the_next_stretch(steps: list[tuple[str, int, Cause | None]]) -> None:
    talk = Conversation()
    flagged = answered = 0
    positions: list[int] = []
    for kind, number, cause in steps:
        if kind == "speak":
            talk.ledger.append(bytes(2 * number), number, cause)
        elif kind == "wait":
            talk.now += number
        else:
            for _ in range(min(number, flagged - answered)):
                answered += 1
                talk.receive(CommittedTranscript(f"n {answered}"))
        flagged += sum(commit for _, commit in talk.sent())
        for event in talk.events():
            if isinstance(event, SegmentDue):
                continue
            assert isinstance(event, Final)
            assert event.segment == len(positions)
            assert event.fields["text"] == f"n {event.segment + 1}"
            positions.append(event.commit.position)
    assert positions == sorted(positions)
    assert len(positions) == answered


def test_a_socket_has_answered_once_all_its_commits_are() -> None:
    talk = Conversation()
    talk.speak(0.4, Cause.CLIENT)
    talk.sent()
    said = [(talk.session.has_answered, talk.session.is_between_segments)]
    talk.receive(CommittedTranscript("one"))
    said.append((talk.session.has_answered, talk.session.is_between_segments))
    talk.speak(0.4)
    talk.sent()
    said.append((talk.session.has_answered, talk.session.is_between_segments))
    assert said == [(False, True), (True, True), (True, False)]
    assert talk.session.seconds_sent == pytest.approx(0.8)


def test_a_socket_that_waits_for_its_turn_is_kept_and_sent_no_audio() -> None:
    talk = Conversation()
    talk.speak(0.4)
    assert talk.session.keepalive_to_send(talk.now) is None
    talk.now += KEEPALIVE_INTERVAL
    assert talk.session.keepalive_to_send(talk.now) is not None
    assert talk.ledger.peek() is not None
    assert Conversation(is_open=False).session.keepalive_to_send(100.0) is None
