import pytest

from relay.client.conversation import Conversation
from relay.client.events import (
    AudioGap,
    CommittedTranscript,
    Reconnecting,
    SessionEnded,
    SessionStarted,
)
from relay.client.reconnect import MOVED, Loss
from relay.client.recovery import Again, Over, Recovery

BROKEN = Loss(1006, "The line broke.")
REFUSED = Loss(4401, "The session has ended.", "unauthorized", retryable=False)


class Talk:
    """A conversation of 1000 frames a second whose connections are lost."""

    def __init__(self, *, expects_timed: bool = False) -> None:
        self.conversation = Conversation(1000, 1, expects_timed=expects_timed)
        self.recovery = Recovery(self.conversation, 60.0)
        self.dial()

    def dial(self) -> bool:
        """Begin a connection; whether it resumes."""
        is_resuming = self.conversation.plan() is not None
        self.recovery.dialed(is_resuming=is_resuming)
        return is_resuming

    def begin(self) -> None:
        self.conversation.receive(SessionStarted("s", {}, resume_token="t"), 1)
        self.recovery.admitted(0.0)
        self.conversation.take_events()

    def lose(self, loss: Loss) -> Again | Over:
        return self.recovery.lost(loss, 1.0, 0.0)


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.conversation.hear(bytes(1000))
    talk.begin()
    return talk


def test_broken_line_is_resumed(talk: Talk) -> None:
    assert talk.lose(BROKEN) == Again(0.0)
    assert talk.dial()


def test_moved_session_is_resumed_and_nothing_has_failed(talk: Talk) -> None:
    assert talk.lose(MOVED) == Again(0.0)
    assert talk.dial()
    assert isinstance(talk.recovery.lost(BROKEN, 100.0, 0.0), Again)


@pytest.mark.parametrize("refusal", [REFUSED, Loss(4400, "No.", "invalid_request")])
def test_refused_resume_begins_a_new_session_at_once(talk: Talk, refusal: Loss) -> None:
    talk.lose(BROKEN)
    talk.dial()
    assert talk.lose(refusal) == Again(0.0)
    assert not talk.dial()
    assert talk.conversation.next_message() == bytes(1000)
    assert isinstance(talk.lose(refusal), Over)


def test_refusal_of_a_session_that_went_is_final(talk: Talk) -> None:
    outcome = talk.lose(REFUSED)
    assert isinstance(outcome, Over)
    assert outcome.error is not None
    assert not outcome.error.retryable


def test_error_that_ended_the_session_is_followed_by_a_new_one(talk: Talk) -> None:
    assert isinstance(talk.lose(Loss(4503, "Gone.", "upstream_unavailable")), Again)
    assert not talk.dial()


def test_giving_up_says_what_is_missing(talk: Talk) -> None:
    talk.conversation.receive(CommittedTranscript("a", 0, 400), 2)
    talk.conversation.take_events()
    talk.lose(BROKEN)
    outcome = talk.recovery.lost(BROKEN, 61.0, 0.0)
    assert isinstance(outcome, Over)
    assert outcome.error is not None
    assert outcome.error.missing == (0.4, 1.0)
    assert str(outcome.error).endswith("nothing has come of the audio from 0.4 to 1.0 s")
    assert talk.conversation.take_events() == [AudioGap(400, 1000, "connection_closed")]


def test_idle_session_waits_for_audio(talk: Talk) -> None:
    talk.conversation.receive(CommittedTranscript("a", 0, 1000), 2)
    talk.recovery.ended(SessionEnded("idle", 0, 0, 0))
    assert talk.lose(Loss(4408, "idle")) == Again(0.0, needs_audio=True)
    assert not talk.dial()


def test_idle_session_with_audio_left_goes_on_at_once(talk: Talk) -> None:
    assert talk.lose(Loss(4408, "idle")) == Again(0.0)


def test_line_that_breaks_behind_the_last_words_is_the_end(talk: Talk) -> None:
    talk.conversation.mark("stop")
    talk.conversation.receive(CommittedTranscript("a", 0, 1000), 2)
    talk.conversation.take_events()
    assert talk.lose(BROKEN) == Over(None)
    assert talk.conversation.take_events() == [SessionEnded("stopped", 1000, 1, 1)]


def test_session_ended_by_somebody_else_is_told(talk: Talk) -> None:
    ended = SessionEnded("ended_by_operator", 1000, 0, 0)
    talk.conversation.receive(ended, 2)
    assert not talk.recovery.ended(ended)
    assert talk.lose(Loss(1000, "")) == Over(None)
    assert talk.conversation.take_events()[-1] == ended


def test_listeners_are_told_why_and_when(talk: Talk) -> None:
    decision = talk.recovery.lost(BROKEN, 1.0, 0.5)
    assert isinstance(decision, Again)
    assert talk.recovery.note(decision, BROKEN) == Reconnecting(1, 0.125, "The line broke.")


def test_refused_resume_with_nothing_left_to_say_is_the_end() -> None:
    talk = Talk(expects_timed=True)
    talk.begin()
    talk.conversation.hear(bytes(1000))
    talk.conversation.mark("stop")
    talk.conversation.receive(CommittedTranscript("a", 0, 1000), 2)
    talk.conversation.take_events()
    assert talk.lose(BROKEN) == Again(0.0)  # its words may still come
    talk.dial()
    assert talk.lose(REFUSED) == Over(None)
    assert talk.conversation.take_events() == [SessionEnded("stopped", 1000, 1, 1)]
