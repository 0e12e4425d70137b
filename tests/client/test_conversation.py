"""What is sent again and what is dropped, on one timeline; 1000 frames are a second."""

from typing import Any

import pytest

from relay.client.conversation import Conversation, ResumePoint
from relay.client.events import (
    AudioAcknowledged,
    AudioGap,
    CommittedTranscript,
    Event,
    PartialTranscript,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    TimedTranscript,
    TimedWord,
)

COMMIT, STOP = '{"message_type":"commit"}', '{"message_type":"stop"}'


class Talk:
    """A conversation of one byte a frame, whose bytes tell the second that they are of."""

    def __init__(self, **options: Any) -> None:
        self.conversation = Conversation(1000, 1, **options)
        self.seq = 0
        self.seconds = 0

    def say(self, seconds: int) -> None:
        for second in range(self.seconds, self.seconds + seconds):
            self.conversation.hear(bytes([second % 256]) * 1000)
        self.seconds += seconds

    def sent(self) -> list[tuple[int, int] | str]:
        """Take all that goes out: audio as its second and its length."""
        sent: list[tuple[int, int] | str] = []
        while (message := self.conversation.next_message()) is not None:
            sent.append(message if isinstance(message, str) else (message[0], len(message)))
        return sent

    def receive(self, event: Event) -> list[Event]:
        self.seq += 1
        self.conversation.receive(event, self.seq)
        return self.conversation.take_events()

    def begin(self, token: str | None = "t") -> None:
        assert self.conversation.plan() is None
        self.seq = 0
        self.receive(SessionStarted("s", {}, resume_token=token))

    def resume(self, next_sample: int) -> None:
        self.conversation.line_broke()
        assert self.conversation.plan() is not None
        self.conversation.receive(SessionResumed(next_sample, 99), 99)
        self.conversation.take_events()


def final(segment: int, end: int, cause: str = "client", text: str = "a b") -> CommittedTranscript:
    return CommittedTranscript(text, segment, end, cause)


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.begin()
    return talk


def test_audio_goes_out_before_the_session_has_begun() -> None:
    talk = Talk()
    talk.conversation.plan()
    talk.say(1)
    assert talk.sent() == [(0, 1000)]


def test_resume_point_names_what_the_client_has_and_holds(talk: Talk) -> None:
    talk.say(3)
    talk.sent()
    talk.receive(final(0, 2000))
    assert talk.conversation.plan() == ResumePoint("t", 2, 0, 1000, 2000)


def test_resume_point_without_a_segment_has_none(talk: Talk) -> None:
    assert talk.conversation.plan() == ResumePoint("t", 1, None, 0, 0)


def test_what_is_covered_is_freed_but_for_the_margin(talk: Talk) -> None:
    talk.say(4)
    talk.sent()
    talk.receive(final(0, 3240))
    point = talk.conversation.plan()
    assert point is not None
    assert point.from_sample == 2000  # 2990 is in the chunk that begins there


def test_acknowledged_cover_frees_audio_too(talk: Talk) -> None:
    talk.say(4)
    talk.sent()
    talk.receive(AudioAcknowledged(4000, 3500))
    assert talk.conversation.missing == (3.5, 4.0)
    point = talk.conversation.plan()
    assert point is not None
    assert point.from_sample == 3000


def test_received_audio_alone_frees_nothing(talk: Talk) -> None:
    talk.say(2)
    talk.sent()
    talk.receive(AudioAcknowledged(2000, 0))
    assert talk.conversation.missing == (0.0, 2.0)


def test_nothing_goes_out_until_the_session_is_resumed(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.line_broke()
    talk.conversation.plan()
    assert talk.sent() == []
    talk.conversation.receive(SessionResumed(0, 9), 9)
    assert talk.sent() == [(0, 1000)]


@pytest.mark.parametrize(
    ("next_sample", "sent"),
    [
        (1900, [(1, 100), (2, 1000)]),
        (2500, [(2, 500)]),
        (3000, []),
    ],
    ids=["before the cover point", "behind it", "all there"],
)
def test_resumed_session_gets_audio_from_where_it_says(
    talk: Talk, next_sample: int, sent: list[object]
) -> None:
    talk.say(3)
    talk.sent()
    talk.receive(final(0, 2000))
    talk.resume(next_sample)
    assert talk.sent() == sent


def test_number_of_the_resumption_counts_for_nothing(talk: Talk) -> None:
    talk.resume(0)
    assert talk.conversation.plan() == ResumePoint("t", 1, None, 0, 0)


def test_finals_that_came_before_are_dropped_plain_and_timed_apart(talk: Talk) -> None:
    talk.say(3)
    talk.sent()
    timed = TimedTranscript("a b", 0, 1000)
    talk.receive(final(0, 1000))
    talk.resume(1000)
    assert talk.receive(final(0, 1000)) == []
    assert talk.receive(timed) == [timed]
    assert talk.receive(timed) == []
    assert talk.receive(final(1, 2000)) == [final(1, 2000)]


def test_commits_and_stop_are_sent_again_where_they_stand(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.mark("commit")
    talk.say(1)
    talk.conversation.mark("commit")
    talk.say(1)
    talk.conversation.mark("stop")
    assert talk.sent() == [(0, 1000), COMMIT, (1, 1000), COMMIT, (2, 1000), STOP]
    talk.receive(final(0, 1000))
    talk.resume(1000)
    assert talk.sent() == [(1, 1000), COMMIT, (2, 1000), STOP]


def test_commit_that_the_relay_has_is_not_sent_again(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.mark("commit")
    talk.say(1)
    talk.sent()
    talk.resume(1500)
    assert talk.sent() == [(1, 500)]


def test_final_a_little_before_the_commit_answers_it(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.mark("commit")
    talk.sent()
    talk.receive(final(0, 900))
    talk.resume(900)
    assert talk.sent() == [(0, 100)]


def test_final_of_the_relays_own_answers_no_commit(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.mark("commit")
    talk.sent()
    talk.receive(final(0, 900, "relay"))
    talk.resume(900)
    assert talk.sent() == [(0, 100), COMMIT]


def anew(talk: Talk) -> None:
    talk.conversation.line_broke()
    talk.conversation.forget_session()
    talk.begin()


def test_new_session_gets_all_that_has_no_final(talk: Talk) -> None:
    talk.say(1)
    talk.conversation.mark("commit")
    talk.say(1)
    talk.conversation.mark("commit")
    talk.sent()
    talk.receive(final(0, 1000))
    anew(talk)
    assert talk.sent() == [(1, 1000), COMMIT]


def test_new_session_goes_on_with_numbers_positions_and_times(talk: Talk) -> None:
    talk.say(3)
    talk.sent()
    talk.receive(final(0, 1000))
    anew(talk)
    talk.sent()
    assert talk.receive(AudioAcknowledged(2000, 500)) == [AudioAcknowledged(3000, 1500)]
    assert talk.receive(final(0, 1000)) == [final(1, 2000)]
    words = (TimedWord("a", 0.25, 0.5), TimedWord(" ", None, None, "spacing"))
    moved = (TimedWord("a", 1.25, 1.5), TimedWord(" ", None, None, "spacing"))
    assert talk.receive(TimedTranscript("a", 0, 1000, words=words)) == [
        TimedTranscript("a", 1, 2000, words=moved)
    ]
    assert talk.receive(SessionEnded("stopped", 2000, 1, 2)) == [
        SessionEnded("stopped", 3000, 2, 4)
    ]


def test_new_session_is_resumed_in_its_own_numbers(talk: Talk) -> None:
    talk.say(4)
    talk.sent()
    talk.receive(final(0, 1000))
    anew(talk)
    talk.sent()
    talk.receive(final(0, 2000))
    assert talk.conversation.plan() == ResumePoint("t", 2, 0, 1000, 2000)
    talk.resume(2500)
    assert talk.sent() == [(3, 500)]


def test_oldest_audio_beyond_the_bound_is_lost_and_told_once() -> None:
    talk = Talk(ring_seconds=2)
    talk.begin()
    talk.say(1)
    talk.sent()
    talk.say(4)
    assert talk.sent() == [(3, 1000), (4, 1000)]
    # What lies before it may get its final yet.
    assert talk.conversation.take_events() == []
    # The relay never hears of what is lost, and counts on.
    gap = AudioGap(1000, 3000, "buffer_overflow")
    assert talk.receive(final(0, 2000)) == [gap, final(0, 4000)]
    assert talk.conversation.missing == (4.0, 5.0)
    talk.resume(1000)
    talk.sent()
    assert talk.conversation.take_events() == []


def overflown() -> Talk:
    """A second has its final, two of five said since are there, and one of them arrived."""
    talk = Talk(ring_seconds=2)
    talk.begin()
    talk.say(1)
    talk.receive(final(0, 1000))
    talk.say(1)
    talk.sent()
    talk.conversation.line_broke()
    talk.say(4)
    assert talk.conversation.plan() == ResumePoint("t", 2, 0, 4000, 1000)
    return talk


def test_all_that_was_offered_is_sent_however_much_is_said_before_the_relay_answers() -> None:
    talk = overflown()
    talk.say(1)
    talk.conversation.receive(SessionResumed(4000, 3), 3)
    assert talk.sent() == [(4, 1000), (5, 1000), (6, 1000)]
    talk.say(1)
    assert talk.sent() == [(7, 1000)]


def test_gap_is_kept_over_the_next_break() -> None:
    talk = overflown()
    talk.conversation.receive(SessionResumed(4000, 3), 3)
    talk.sent()
    talk.receive(final(1, 2000))
    gap = AudioGap(2000, 4000, "client_buffer")
    assert talk.receive(gap) == []
    talk.conversation.take_events()
    talk.resume(4000)
    assert talk.sent() == [(4, 1000), (5, 1000)]
    assert talk.receive(final(2, 6000)) == [gap, final(2, 6000)]


def test_second_loss_over_the_first_leaves_the_clock_right() -> None:
    talk = Talk(ring_seconds=2)
    talk.begin()
    talk.say(1)
    talk.sent()
    talk.say(3)
    assert talk.sent() == [(2, 1000), (3, 1000)]
    talk.say(2)
    talk.resume(500)
    assert talk.sent() == [(4, 1000), (5, 1000)]
    gap = AudioGap(500, 4000, "buffer_overflow")
    assert talk.receive(final(0, 2500)) == [gap, final(0, 6000)]


def test_gap_of_the_relays_is_told_once_it_is_past(talk: Talk) -> None:
    talk.say(3)
    talk.sent()
    gap = AudioGap(1000, 2000, "upstream")
    assert talk.receive(gap) == []
    assert talk.receive(final(0, 2500)) == [gap, final(0, 2500)]


def test_gap_of_a_session_that_broke_is_no_loss(talk: Talk) -> None:
    talk.say(2)
    talk.sent()
    talk.receive(AudioGap(0, 2000, "upstream"))
    anew(talk)
    assert talk.sent() == [(0, 1000), (1, 1000)]
    assert talk.receive(final(0, 2000)) == [final(0, 2000)]


def test_giving_up_tells_what_is_missing(talk: Talk) -> None:
    talk.say(3)
    talk.receive(final(0, 1000))
    talk.conversation.give_up("gone")
    assert talk.conversation.take_events() == [AudioGap(1000, 3000, "gone")]


def test_giving_up_where_nothing_is_missing_loses_nothing(talk: Talk) -> None:
    talk.say(1)
    talk.receive(final(0, 1000))
    talk.conversation.give_up("gone")
    assert talk.conversation.take_events() == []


def test_complete_only_with_the_words_that_were_asked_for() -> None:
    talk = Talk(expects_timed=True)
    talk.begin()
    talk.say(1)
    talk.conversation.mark("stop")
    talk.sent()
    talk.receive(final(0, 1000))
    assert not talk.conversation.is_complete
    talk.receive(TimedTranscript("a b", 0, 1000))
    assert talk.conversation.is_complete


def test_end_that_was_not_asked_for_is_not_told_at_once(talk: Talk) -> None:
    ended = SessionEnded("idle", 0, 0, 0)
    assert talk.receive(ended) == []
    talk.conversation.tell_ending()
    assert talk.conversation.take_events() == [ended]


def test_part_of_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole frames of 4"):
        Conversation(8000, 4).hear(b"\0" * 6)


def test_audio_longer_than_a_message_is_split() -> None:
    conversation = Conversation(8000, 4)
    conversation.plan()
    conversation.hear(bytes(300_000))
    lengths = []
    while isinstance(message := conversation.next_message(), bytes):
        lengths.append(len(message))
    assert lengths == [262_144, 37_856]


def test_positions_are_told(talk: Talk) -> None:
    talk.say(2)
    talk.sent()
    talk.receive(final(0, 1000))
    conversation = talk.conversation
    assert (conversation.position, conversation.end, conversation.covered) == (2000, 2000, 1000)
    assert not conversation.is_stopping


def test_end_that_the_relay_cannot_tell_of_is_settled(talk: Talk) -> None:
    talk.say(1)
    talk.receive(final(0, 1000))
    talk.conversation.settle()
    assert talk.conversation.take_events() == [SessionEnded("stopped", 1000, 1, 2)]


def test_ending_is_told_once(talk: Talk) -> None:
    talk.receive(SessionEnded("stopped", 0, 0, 0))
    talk.conversation.tell_ending()
    assert talk.conversation.take_events() == []


def test_what_concerns_no_audio_passes_as_it_is(talk: Talk) -> None:
    assert talk.receive(PartialTranscript("hel")) == [PartialTranscript("hel")]
