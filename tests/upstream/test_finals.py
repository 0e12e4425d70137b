from relay.scribe.messages import CommittedTranscript, CommittedTranscriptWithTimestamps
from relay.upstream.finals import TIMED, TIMED_MESSAGE_TIMEOUT, Final, Finals
from relay.upstream.history import History
from relay.upstream.ledger import Cause, Ledger


def finals(*causes: Cause, is_timed: bool = True) -> Finals:
    """Finals of a ledger that was sent a commit of 10 samples for each cause."""
    ledger = Ledger(bound=1000)
    for cause in causes:
        ledger.append(bytes(20), 10, cause)
        ledger.advance()
    return Finals(ledger, History(), is_timed=is_timed)


def plain(text: str) -> CommittedTranscript:
    return CommittedTranscript(text)


def timed(text: str) -> CommittedTranscriptWithTimestamps:
    return CommittedTranscriptWithTimestamps(text, "en")


def shown(found: list[Final] | None) -> list[tuple[str, str, int, int]]:
    """What a client would see: kind, text, segment, position."""
    assert found is not None
    return [
        (
            "timed" if final.is_timed else "plain",
            final.fields["text"],
            final.segment,
            final.commit.position,
        )
        for final in found
    ]


def test_the_nth_final_answers_the_nth_commit() -> None:
    made = finals(Cause.CLIENT, Cause.VAD, is_timed=False)
    assert shown(made.receive_plain(plain("one"), 0)) == [("plain", "one", 0, 10)]
    assert shown(made.receive_plain(plain("two"), 0)) == [("plain", "two", 1, 20)]


def test_a_final_without_a_commit_is_told_apart() -> None:
    assert finals(is_timed=False).receive_plain(plain("one"), 0) is None


def test_the_timed_message_belongs_to_its_plain_one() -> None:
    made = finals(Cause.CLIENT)
    assert shown(made.receive_plain(plain("one"), 0)) == [("plain", "one", 0, 10)]
    assert not made.is_settled
    assert shown(made.receive_timed(timed("one"), 0)) == [("timed", "one", 0, 10)]
    assert made.is_settled


def test_reversed_messages_are_put_in_order() -> None:
    made = finals(Cause.CLIENT)
    assert made.receive_timed(timed("one"), 0) == []
    found = shown(made.receive_plain(plain("one"), 0))
    assert found == [("plain", "one", 0, 10), ("timed", "one", 0, 10)]
    assert made.is_settled


def test_a_missing_timed_message_is_made_up_without_words() -> None:
    made = finals(Cause.CLIENT)
    made.receive_plain(plain("one"), 5.0)
    assert made.expire(5.0 + TIMED_MESSAGE_TIMEOUT / 2) == []
    (made_up,) = made.expire(5.0 + TIMED_MESSAGE_TIMEOUT)
    assert made_up.fields == {
        "message_type": TIMED,
        "text": "one",
        "language_code": None,
        "words": None,
    }
    assert made.is_settled


def test_a_timed_message_that_matches_a_later_segment_shows_that_one_is_missing() -> None:
    made = finals(Cause.CLIENT, Cause.CLIENT)
    made.receive_plain(plain("one"), 0)
    made.receive_plain(plain("two"), 0)
    found = made.receive_timed(timed("two"), 0)
    assert shown(found) == [("timed", "one", 0, 10), ("timed", "two", 1, 20)]
    assert [final.fields["language_code"] for final in found] == [None, "en"]


def test_a_timed_message_of_another_wording_goes_by_order() -> None:
    made = finals(Cause.CLIENT, Cause.CLIENT)
    made.receive_plain(plain("one"), 0)
    made.receive_plain(plain("two"), 0)
    assert shown(made.receive_timed(timed("One."), 0)) == [("timed", "One.", 0, 10)]


def test_empty_finals_of_the_relays_own_commits_are_not_forwarded() -> None:
    made = finals(Cause.RELAY, Cause.VAD, Cause.VAD)
    assert made.receive_plain(plain(""), 0) == []
    assert made.receive_plain(plain(" "), 0) == []
    assert made.receive_timed(timed(""), 0) == []
    assert made.receive_timed(timed(" "), 0) == []
    assert shown(made.receive_plain(plain("one"), 0)) == [("plain", "one", 0, 30)]


def test_an_empty_final_that_is_not_forwarded_has_no_made_up_timed_one() -> None:
    made = finals(Cause.RELAY)
    made.receive_plain(plain(""), 0)
    assert made.expire(10) == []
    assert made.is_settled


def test_an_empty_final_of_the_clients_commit_is_forwarded() -> None:
    made = finals(Cause.CLIENT, is_timed=False)
    assert shown(made.receive_plain(plain(""), 0)) == [("plain", "", 0, 10)]


def test_timed_messages_that_nobody_asked_for_are_dropped() -> None:
    made = finals(Cause.CLIENT, is_timed=False)
    made.receive_plain(plain("one"), 0)
    assert made.receive_timed(timed("one"), 0) == []
    assert made.is_settled


def test_a_late_timed_message_is_not_taken_for_the_next_segments() -> None:
    made = finals(Cause.CLIENT, Cause.CLIENT)
    made.receive_plain(plain("one"), 0.0)
    made.expire(TIMED_MESSAGE_TIMEOUT)
    assert made.receive_timed(timed("one"), 2.0) == []
    assert shown(made.receive_plain(plain("two"), 3.0)) == [("plain", "two", 1, 20)]
    assert shown(made.receive_timed(timed("two"), 3.1)) == [("timed", "two", 1, 20)]


def test_the_timed_message_of_a_final_that_answers_nothing_is_dropped() -> None:
    made = finals(Cause.CLIENT)
    made.receive_plain(plain("one"), 0.0)
    made.receive_timed(timed("one"), 0.0)
    assert made.receive_plain(plain("stray"), 1.0) is None
    assert made.receive_timed(timed("stray"), 1.0) == []
    assert made.is_settled


def test_an_early_timed_message_waits_for_its_own_text_and_not_for_ever() -> None:
    made = finals(Cause.CLIENT, Cause.CLIENT)
    assert made.receive_timed(timed("two"), 0.0) == []
    assert shown(made.receive_plain(plain("one"), 0.1)) == [("plain", "one", 0, 10)]
    made.expire(0.1 + TIMED_MESSAGE_TIMEOUT)
    assert shown(made.receive_plain(plain("two"), 2.0)) == [("plain", "two", 1, 20)]
    assert not made.is_settled
