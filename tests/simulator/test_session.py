import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.pcm import Int16
from relay.scribe.errors import ErrorType
from relay.scribe.messages import Word
from relay.scribe.parameters import Parameters
from relay.simulator.actions import (
    Action,
    AskFinal,
    AskPartial,
    Cause,
    Close,
    Commit,
    Drop,
    Feed,
    Send,
    Stall,
)
from relay.simulator.behaviour import Behaviour
from relay.simulator.engines import Transcript
from relay.simulator.faults import Fault, FaultKind, FaultPlan
from relay.simulator.session import Session, State
from tests.support.speech import flite

RATE = 16_000
SCRIBES = Behaviour()
HELLO = Transcript("hello you", (Word("hello", 0.0, 0.5), Word("you", 0.6, 0.9)), "en")


class Talk:
    """A session, and a clock that is set by hand."""

    def __init__(
        self, *faults: Fault, behaviour: Behaviour = SCRIBES, opens: bool = True, **parameters: Any
    ) -> None:
        self.now = 100.0
        self.session = Session(
            Parameters(**parameters),
            behaviour,
            FaultPlan(faults),
            session_id="0123456789abcdef",
            now=self.now,
        )
        if opens:
            self.session.open()

    def say(self, seconds: float = 0.0, *, commit: bool = False, **fields: Any) -> list[Action]:
        """Send so many seconds of 16 kHz PCM16."""
        return self.send(b"\1\0" * round(seconds * RATE), commit=commit, **fields)

    def send(self, payload: bytes, **fields: Any) -> list[Action]:
        audio = base64.b64encode(payload).decode()
        return self.write({"message_type": "input_audio_chunk", "audio_base_64": audio, **fields})

    def say_at_length(self, seconds: int) -> list[Action]:
        """Send a second of audio with each message."""
        return [action for _ in range(seconds) for action in self.say(1.0)]

    def write(self, message: object) -> list[Action]:
        return list(self.session.receive_text(json.dumps(message), self.now))

    def commit(self, seconds: float = 1.0) -> Commit:
        """Speak and commit; nothing else may come of it."""
        *_, action = self.say(seconds, commit=True)
        assert isinstance(action, AskFinal)
        return action.commit

    def finish(self, transcript: Transcript = HELLO, *, commit: Commit | None = None) -> list[Any]:
        """Commit a second of speech unless that was done, and let the engine answer."""
        asked = commit or self.commit()
        return list(self.session.receive_final(asked, transcript, self.now))


def kinds(actions: Sequence[Action]) -> list[str]:
    """The types of messages, the names of other actions."""
    return [
        str(action.fields["message_type"]) if isinstance(action, Send) else type(action).__name__
        for action in actions
    ]


def error_of(actions: Sequence[Action]) -> str:
    """The type of the error that all these actions are about; the session stays open."""
    (action,) = actions
    assert isinstance(action, Send)
    assert action.fields["error"]
    return str(action.fields["message_type"])


def ending(error_type: str, *, code: int = 1000) -> tuple[str, int, str]:
    return (error_type, code, error_type)


def ended_by(talk: Talk, actions: Sequence[Action]) -> tuple[str, int, str]:
    """The error, the close code and the reason that the last of these actions ends a session by."""
    action = actions[-1]
    assert isinstance(action, Close)
    assert action.error is not None
    assert talk.session.state is State.CLOSED
    return action.error["message_type"], action.code, action.reason


def test_the_session_starts_at_once_and_tells_its_configuration() -> None:
    talk = Talk(opens=False, keyterms=("Ada",))
    (started,) = talk.session.open()
    assert started == Send(
        {
            "message_type": "session_started",
            "session_id": "0123456789abcdef",
            "config": Parameters(keyterms=("Ada",)).config_echo(),
        }
    )


def test_zero_retention_is_warned_about_and_not_refused() -> None:
    assert kinds(Talk(opens=False, enable_logging=False).session.open()) == [
        "session_started",
        "warning",
    ]


def test_a_late_start_on_request() -> None:
    talk = Talk(Fault(FaultKind.DELAY_START, delay_ms=700), opens=False)
    (started,) = talk.session.open()
    assert isinstance(started, Send)
    assert started.delay == 0.7


def test_audio_is_heard_before_the_client_knows_of_the_session() -> None:
    talk = Talk(Fault(FaultKind.DELAY_START, delay_ms=700))
    assert talk.send(b"\1\0\2\0") == [Feed(b"\1\0\2\0")]


def test_an_empty_chunk_is_nothing_to_hear() -> None:
    assert Talk().say() == []


def test_the_first_partial_comes_after_two_seconds_of_audio() -> None:
    talk = Talk()
    assert AskPartial() not in talk.say(1.99)
    assert talk.say(0.01)[-1] == AskPartial()


def test_then_every_second_of_audio_brings_one() -> None:
    talk = Talk()
    asked = [AskPartial() in talk.say(0.25) for _ in range(20)]
    assert [index for index, is_asked in enumerate(asked, 1) if is_asked] == [8, 12, 16, 20]


def test_a_long_message_brings_one_partial_and_not_several_at_once() -> None:
    talk = Talk()
    assert talk.say(5.5).count(AskPartial()) == 1
    assert AskPartial() not in talk.say(0.49)
    assert AskPartial() in talk.say(0.01)


def test_time_without_audio_brings_no_partial() -> None:
    talk = Talk()
    talk.say(1.0)
    talk.now += 10
    assert talk.say() == []


@pytest.mark.parametrize(
    ("audio_format", "size_bytes"), [("pcm_8000", 32_000), ("ulaw_8000", 16_000)]
)
def test_seconds_are_counted_in_the_sessions_format(audio_format: str, size_bytes: int) -> None:
    talk = Talk(audio_format=audio_format)
    assert AskPartial() not in talk.send(bytes(size_bytes - 2))
    assert AskPartial() in talk.send(bytes(2))
    assert talk.session.samples == 16_000


def test_a_partial_is_sent_as_the_engine_says_it() -> None:
    assert Talk().session.receive_partial("hel") == [
        Send({"message_type": "partial_transcript", "text": "hel"})
    ]


def test_partials_repeat_in_silence() -> None:
    session = Talk().session
    assert (
        kinds([*session.receive_partial(""), *session.receive_partial("")])
        == ["partial_transcript"] * 2
    )


def test_partials_that_repeat_can_be_left_out() -> None:
    session = Talk(behaviour=Behaviour(repeat_partials=False)).session
    sent = [bool(session.receive_partial(text)) for text in ("a", "a", "ab", "ab")]
    assert sent == [True, False, True, False]


def test_the_keepalive_repeats_a_partial_once_per_interval_of_audio() -> None:
    talk = Talk(behaviour=Behaviour(repeat_partials=False), keepalive_interval_ms=3000)
    sent = []
    for _ in range(7):
        talk.say(1.0)
        sent.append(bool(talk.session.receive_partial("same")))
    assert sent == [True, False, False, True, False, False, True]


def test_a_commit_ends_the_segment_after_its_own_audio() -> None:
    talk = Talk()
    talk.say(0.5)
    assert talk.send(b"\1\0" * 100, commit=True) == [
        Feed(b"\1\0" * 100),
        AskFinal(Commit(0, 0, 8100, Cause.CLIENT)),
    ]
    assert talk.commit(0.5) == Commit(1, 8100, 16_100, Cause.CLIENT)


def test_a_partial_that_is_due_comes_before_the_final() -> None:
    assert kinds(Talk().say(2.0, commit=True)) == ["Feed", "AskPartial", "AskFinal"]


def test_three_tenths_of_a_second_are_enough_for_a_commit() -> None:
    assert Talk().commit(0.3).end == 4800


@pytest.mark.parametrize("uncommitted", [0.0, 0.29])
def test_a_commit_with_less_closes_the_socket(uncommitted: float) -> None:
    talk = Talk()
    talk.commit(5.0)
    actions = talk.say(uncommitted, commit=True)
    assert ended_by(talk, actions) == ending("commit_throttled")
    close = actions[-1]
    assert isinstance(close, Close)
    assert close.error is not None
    assert f"{uncommitted:.2f} s" in close.error["error"]
    assert "0.3 s" in close.error["error"]


@pytest.mark.parametrize("strategy", ["manual", "vad"])
def test_36_seconds_of_audio_commit_by_themselves(strategy: str) -> None:
    talk = Talk(commit_strategy=strategy)
    assert "AskFinal" not in kinds(talk.say_at_length(35))
    assert talk.say(1.5) == [
        Feed(b"\1\0" * RATE),
        AskPartial(),
        AskFinal(Commit(0, 0, 36 * RATE, Cause.AUTO)),
        Feed(b"\1\0" * (RATE // 2)),
    ]


def test_a_commit_of_the_client_begins_another_36_seconds() -> None:
    talk = Talk()
    talk.commit(20)
    assert "AskFinal" not in kinds([*talk.say_at_length(35), *talk.say(0.9)])
    assert "AskFinal" in kinds(talk.say(0.1))


def test_audio_that_was_committed_automatically_counts_for_no_other_commit() -> None:
    talk = Talk()
    talk.say_at_length(36)
    assert ended_by(talk, talk.say(0.1, commit=True)) == ending("commit_throttled")


@given(
    st.lists(
        st.tuples(st.integers(0, 40_000), st.booleans()).filter(lambda c: c[0] > 4800 or not c[1])
    )
)
def test_segments_follow_each_other_and_hear_every_byte(chunks: list[tuple[int, bool]]) -> None:
    talk = Talk(behaviour=Behaviour(auto_commit=1.0, min_commit=0.0))
    sent, heard = b"", b""
    for index, (size, commit) in enumerate(chunks):
        payload = bytes([index, 0]) * size
        sent += payload
        for action in talk.send(payload, commit=commit):
            match action:
                case Feed(payload=part):
                    heard += part
                case AskFinal(commit=asked):
                    assert asked.end == len(heard) // 2
    assert heard == sent
    commits = talk.session.commits
    assert all(before.end == after.start for before, after in pairwise(commits))
    assert all(commit.end - commit.start <= RATE for commit in commits)
    assert [commit.index for commit in commits] == list(range(len(commits)))


def sentence(*, pause: float) -> Int16:
    speech, rate = flite("The quick brown fox jumps over the lazy dog.")
    assert rate == RATE
    return np.concatenate([speech, np.zeros(round(pause * rate), np.int16)])


def commits_of(talk: Talk, samples: Int16, *, size: int = 800) -> list[Commit]:
    for begin in range(0, len(samples), size):
        talk.send(samples[begin : begin + size].tobytes())
    return talk.session.commits


def test_a_pause_commits_where_voice_activity_may() -> None:
    samples = sentence(pause=2.0)
    (commit,) = commits_of(Talk(commit_strategy="vad"), samples)
    assert commit.cause is Cause.VAD
    assert -0.5 * RATE < commit.end - (len(samples) - 0.5 * RATE) < 0.2 * RATE


def test_a_pause_within_a_message_ends_the_segment_within_it() -> None:
    samples = sentence(pause=2.0)
    several = commits_of(Talk(commit_strategy="vad"), samples)
    talk = Talk(commit_strategy="vad")
    actions = talk.send(samples.tobytes())
    assert talk.session.commits == several
    fed = [action.payload for action in actions if isinstance(action, Feed)]
    assert [len(payload) // 2 for payload in fed] == [
        several[0].end,
        len(samples) - several[0].end,
    ]
    assert b"".join(fed) == samples.tobytes()


def test_a_pause_commits_nothing_by_default() -> None:
    assert commits_of(Talk(), sentence(pause=2.0)) == []


def test_the_client_may_commit_although_voice_activity_may() -> None:
    talk = Talk(commit_strategy="vad")
    samples = sentence(pause=0.5)
    talk.send(samples.tobytes(), commit=True)
    assert [commit.cause for commit in talk.session.commits] == [Cause.CLIENT]
    talk.send(bytes(2 * 5 * RATE))
    assert len(talk.session.commits) == 1


def test_a_pause_where_the_segment_has_just_ended_ends_nothing_more() -> None:
    samples = sentence(pause=2.0)
    (pause,) = commits_of(Talk(commit_strategy="vad"), samples)
    talk = Talk(commit_strategy="vad", behaviour=Behaviour(auto_commit=pause.end / RATE))
    assert commits_of(talk, samples) == [Commit(0, 0, pause.end, Cause.AUTO)]


def test_a_pause_that_is_judged_late_ends_the_segment_where_that_was_known() -> None:
    faster = np.repeat(sentence(pause=2.0), 3)[::2].tobytes()  # 16 to 24 kHz
    talk = Talk(commit_strategy="vad", audio_format="pcm_24000")
    size = 2 * 700
    actions = [talk.send(faster[begin : begin + size]) for begin in range(0, len(faster), size)]
    (message,) = [each for each in actions if "AskFinal" in kinds(each)]
    assert kinds(message)[0] == "AskFinal"
    fed = [action.payload for each in actions for action in each if isinstance(action, Feed)]
    assert b"".join(fed) == faster


def test_a_commit_is_answered_by_one_final() -> None:
    plain, echo = Talk().finish()
    assert plain == Send({"message_type": "committed_transcript", "text": "hello you"})
    assert echo.fields == {"message_type": "partial_transcript", "text": "hello you"}
    assert (echo.follows, echo.delay) == (True, SCRIBES.echo_delay)


def test_silence_is_answered_by_an_empty_final_without_an_echo() -> None:
    assert Talk().finish(Transcript("")) == [
        Send({"message_type": "committed_transcript", "text": ""})
    ]


def test_the_echo_can_be_left_out() -> None:
    talk = Talk(behaviour=Behaviour(echo_partials=False))
    assert kinds(talk.finish()) == ["committed_transcript"]


def test_a_final_can_take_its_time() -> None:
    talk = Talk(behaviour=Behaviour(final_delay=0.4))
    plain, echo = talk.finish()
    assert (plain.delay, plain.follows) == (0.4, False)
    assert echo.delay == SCRIBES.echo_delay


def test_word_times_come_a_tenth_of_a_second_after_the_plain_final() -> None:
    plain, timed, echo = Talk(include_timestamps=True).finish()
    assert kinds([plain, timed, echo]) == [
        "committed_transcript",
        "committed_transcript_with_timestamps",
        "partial_transcript",
    ]
    assert (timed.follows, timed.delay) == (True, 0.1)
    assert timed.fields["text"] == "hello you"
    assert [word["text"] for word in timed.fields["words"]] == ["hello", " ", "you"]


def test_language_detection_alone_causes_the_timed_final_without_words() -> None:
    _, timed, _ = Talk(include_language_detection=True).finish()
    assert (timed.fields["language_code"], timed.fields["words"]) == ("en", None)


def test_the_language_is_null_unless_its_detection_was_asked_for() -> None:
    _, timed, _ = Talk(include_timestamps=True, language_code="en").finish()
    assert timed.fields["language_code"] is None


def test_finals_reversed_on_request() -> None:
    talk = Talk(Fault(FaultKind.REVERSE_FINALS), include_timestamps=True)
    timed, plain, echo = talk.finish()
    assert kinds([timed, plain, echo]) == [
        "committed_transcript_with_timestamps",
        "committed_transcript",
        "partial_transcript",
    ]
    assert (timed.follows, plain.follows, plain.delay) == (False, True, 0.1)
    assert echo.delay > plain.delay


def test_nothing_is_reversed_where_there_is_only_one() -> None:
    talk = Talk(Fault(FaultKind.REVERSE_FINALS))
    assert kinds(talk.finish()) == ["committed_transcript", "partial_transcript"]


def test_the_timed_final_left_out_on_request() -> None:
    talk = Talk(Fault(FaultKind.OMIT_TIMED), include_timestamps=True)
    assert kinds(talk.finish()) == ["committed_transcript", "partial_transcript"]


def test_a_final_left_out_on_request() -> None:
    talk = Talk(Fault(FaultKind.OMIT_FINALS, commits=1))
    assert talk.finish() == []
    assert kinds(talk.finish()) == ["committed_transcript", "partial_transcript"]


def test_a_late_final_on_request() -> None:
    plain, _ = Talk(Fault(FaultKind.DELAY_FINALS, delay_ms=3000)).finish()
    assert plain.delay == 3.0


def test_extras_follow_the_final() -> None:
    talk = Talk(entity_detection=("all",), entity_redaction=("all",))
    actions = talk.finish(Transcript("call 12"))
    assert kinds(actions[2:]) == ["committed_transcript_entities", "redacted_transcript"]
    assert all(action.follows and action.delay == 0.1 for action in actions[2:])


@pytest.mark.parametrize(
    "message",
    [
        {"message_type": "commit"},
        {"message_type": "input_audio_chunk"},
        {"message_type": "input_audio_chunk", "audio_base_64": "not base64!"},
        {"message_type": "input_audio_chunk", "audio_base_64": "AAAA"},  # three bytes
        {"type": "input_audio_chunk", "audio_base_64": ""},
        ["input_audio_chunk"],
    ],
)
def test_a_malformed_message_is_an_input_error_and_the_session_goes_on(message: object) -> None:
    talk = Talk()
    assert error_of(talk.write(message)) == "input_error"
    assert talk.send(b"\1\0") == [Feed(b"\1\0")]
    assert talk.session.messages == 2


def test_text_that_is_no_json_is_an_input_error() -> None:
    talk = Talk()
    assert error_of(talk.session.receive_text(b"\xff", talk.now)) == "input_error"


def test_a_binary_frame_is_an_input_error() -> None:
    talk = Talk()
    (action,) = talk.session.receive_binary(talk.now)
    assert action == Send(
        {"message_type": "input_error", "error": "Message must be a valid protocol message"}
    )
    assert talk.session.messages == 1


def test_input_errors_can_close() -> None:
    talk = Talk(behaviour=Behaviour(input_error_closes=True))
    assert ended_by(talk, talk.write({})) == ending("input_error")


@pytest.mark.parametrize("later", ["again", ""])
def test_previous_text_belongs_to_the_first_chunk(later: str) -> None:
    talk = Talk()
    talk.say(0.1, previous_text="as I said")
    assert talk.session.previous_text == "as I said"
    assert error_of(talk.say(0.1, previous_text=later)) == "input_error"
    assert talk.session.samples == 1600


def test_previous_text_may_be_null_in_every_chunk() -> None:
    talk = Talk()
    assert [kinds(talk.say(0.1, previous_text=None)) for _ in range(2)] == [["Feed"]] * 2


def test_a_chunk_that_was_refused_is_not_the_first() -> None:
    talk = Talk()
    talk.write({})
    assert kinds(talk.say(0.1, previous_text="as I said")) == ["Feed"]


def test_a_chunk_may_leave_out_or_contradict_the_sample_rate() -> None:
    assert kinds(Talk().say(0.1, sample_rate=8000)) == ["Feed"]


def test_a_chunk_that_is_too_large_closes() -> None:
    talk = Talk(behaviour=Behaviour(max_chunk_bytes=100))
    assert kinds(talk.send(bytes(100))) == ["Feed"]
    assert ended_by(talk, talk.send(bytes(102))) == ending("chunk_size_exceeded")


def test_files_may_come_faster_than_real_time() -> None:
    talk = Talk()
    for _ in range(200):
        assert "Feed" in kinds(talk.say(1.0))
        talk.now += 1 / 25


def test_a_lead_that_is_too_large_closes_where_there_is_a_limit() -> None:
    talk = Talk(behaviour=Behaviour(max_lead=3.0))
    talk.now += 2
    assert kinds(talk.say(5.0)) == ["Feed", "AskPartial"]
    assert ended_by(talk, talk.say(0.1)) == ending("queue_overflow")


def test_an_engine_that_breaks_closes() -> None:
    talk = Talk()
    assert ended_by(talk, talk.session.receive_failure()) == ending("transcriber_error")


def test_15_seconds_without_a_message_close_without_a_word() -> None:
    talk = Talk()
    assert talk.session.deadline == talk.now + 15
    assert talk.session.receive_deadline(talk.now + 14.9) == []
    assert talk.session.receive_deadline(talk.now + 15) == [Close(1000, "", None)]
    assert talk.session.state is State.CLOSED


@pytest.mark.parametrize("message", ["audio", "empty audio", "nonsense", "binary"])
def test_every_message_defers_the_end_of_patience(message: str) -> None:
    talk = Talk()
    talk.now += 10
    match message:
        case "audio":
            talk.say(0.1)
        case "empty audio":
            talk.say()
        case "nonsense":
            talk.write({})
        case _:
            talk.session.receive_binary(talk.now)
    assert talk.session.deadline == talk.now + 15


def test_time_in_which_nobody_listened_is_no_silence_of_the_client() -> None:
    talk = Talk()
    talk.session.excuse_silence(talk.now + 5)
    talk.session.excuse_silence(talk.now + 1)
    assert talk.session.deadline == talk.now + 20


def test_a_session_has_no_limit_by_default() -> None:
    talk = Talk()
    talk.now += 100_000
    talk.say(0.1)
    assert talk.session.deadline == talk.now + 15


def test_a_session_that_reaches_its_limit_is_told_so() -> None:
    talk = Talk(behaviour=Behaviour(session_limit=10))
    assert talk.session.deadline == talk.now + 10
    actions = talk.session.receive_deadline(talk.now + 10)
    assert ended_by(talk, actions) == ending("session_time_limit_exceeded")


def test_a_fault_at_open_comes_in_place_of_the_session() -> None:
    talk = Talk(Fault(FaultKind.DROP), Fault(FaultKind.CLOSE), opens=False)
    assert talk.session.open() == [Drop()]
    assert talk.session.state is State.CLOSED


def test_a_fault_that_needs_nothing_more_comes_right_after_the_start() -> None:
    talk = Talk(Fault(FaultKind.CLOSE, code=1012, reason="restart", after_ms=0), opens=False)
    started, close = talk.session.open()
    assert kinds([started]) == ["session_started"]
    assert close == Close(1012, "restart", follows=True)


def test_a_stalled_socket_starts_after_its_stall() -> None:
    talk = Talk(Fault(FaultKind.STALL, for_ms=1500), opens=False)
    stall, started = talk.session.open()
    assert stall == Stall(1.5)
    assert kinds([started]) == ["session_started"]


def test_a_stall_may_last_for_ever() -> None:
    talk = Talk(Fault(FaultKind.STALL, after_samples=1))
    assert talk.say(0.1)[-1] == Stall(None)


def test_a_fault_waits_for_its_samples() -> None:
    talk = Talk(Fault(FaultKind.DROP, after_samples=RATE))
    assert kinds(talk.say(0.5)) == ["Feed"]
    assert kinds(talk.say(0.5)) == ["Feed", "Drop"]


def test_a_fault_waits_for_its_commits() -> None:
    talk = Talk(Fault(FaultKind.DROP, after_commits=2))
    talk.commit()
    assert kinds(talk.say(1.0, commit=True)) == ["Feed", "AskPartial", "AskFinal", "Drop"]


def test_a_fault_after_a_final_follows_the_plain_one() -> None:
    talk = Talk(
        Fault(FaultKind.CLOSE, after_finals=1),
        Fault(FaultKind.REVERSE_FINALS),
        include_timestamps=True,
    )
    assert talk.finish()[-1] == Close(1011, delay=0.1, follows=True)


def test_a_fault_after_a_time_has_its_own_deadline() -> None:
    talk = Talk(Fault(FaultKind.STALL, after_ms=2000))
    assert talk.session.deadline == talk.now + 2
    assert talk.session.receive_deadline(talk.now + 1) == []
    assert talk.session.receive_deadline(talk.now + 2) == [Stall(None)]
    assert talk.session.deadline == talk.now + 15


@pytest.mark.parametrize("error_type", ErrorType)
def test_every_error_on_request(error_type: ErrorType) -> None:
    talk = Talk(Fault(FaultKind.ERROR, error_type=error_type, after_samples=1))
    actions = talk.say(0.1)[1:]
    if error_type is ErrorType.INPUT_ERROR:
        assert error_of(actions) == "input_error"
        assert talk.session.state is State.OPEN
        return
    code = 1008 if error_type is ErrorType.INVALID_REQUEST else 1000
    reason = "" if error_type is ErrorType.AUTH_ERROR else error_type
    assert ended_by(talk, actions) == (error_type, code, reason)


@pytest.mark.parametrize(
    ("error_type", "closes"), [(ErrorType.QUEUE_OVERFLOW, False), (ErrorType.INPUT_ERROR, True)]
)
def test_an_error_on_request_closes_or_not_on_request(error_type: ErrorType, closes: bool) -> None:
    talk = Talk(Fault(FaultKind.ERROR, error_type=error_type, closes=closes, after_samples=1))
    talk.say(0.1)
    assert (talk.session.state is State.CLOSED) == closes


def test_a_closed_session_ignores_everything() -> None:
    talk = Talk()
    commit = talk.commit()
    talk.session.receive_failure()
    session = talk.session
    assert session.deadline is None
    assert talk.say(1.0) == []
    assert session.receive_binary(talk.now) == []
    assert session.receive_partial("late") == []
    assert session.receive_final(commit, HELLO, talk.now) == []
    assert session.receive_deadline(talk.now + 100) == []
    assert session.receive_failure() == []
    assert (session.samples, session.messages) == (RATE, 1)
