from relay.upstream.extras import EXTRA_TIMEOUT, Extras

EDITED = "edited_transcript"
REDACTED = "redacted_transcript"


def test_each_final_with_text_is_followed_by_every_extra() -> None:
    extras = Extras([EDITED, REDACTED])
    extras.expect("one", 0.0)
    states = []
    for message_type in (EDITED, REDACTED):
        extras.receive(message_type)
        states.append(extras.is_settled)
    assert states == [False, True]


def test_nothing_follows_an_empty_final() -> None:
    extras = Extras([EDITED])
    extras.expect("", 0.0)
    assert extras.is_settled


def test_who_asked_for_nothing_waits_for_nothing() -> None:
    extras = Extras([])
    extras.expect("one", 0.0)
    extras.receive(EDITED)
    assert extras.is_settled


def test_what_does_not_come_is_given_up() -> None:
    extras = Extras([EDITED])
    extras.expect("one", 0.0)
    extras.expect("two", 1.0)
    states = []
    for now in (EXTRA_TIMEOUT, EXTRA_TIMEOUT + 1.0):
        extras.expire(now)
        states.append(extras.is_settled)
    assert states == [False, True]


def test_more_than_was_promised_does_no_harm() -> None:
    extras = Extras([EDITED])
    extras.receive(EDITED)
    extras.expect("one", 0.0)
    assert not extras.is_settled
