import pytest

from relay.upstream.history import MAX_PREVIOUS_TEXT, History


def test_segments_are_numbered_from_zero() -> None:
    history = History()
    assert [history.next_segment(), history.next_segment(), history.segments] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("", None),
        ("  ", None),
        ("hello there", "hello there"),
        ("a" * 40 + " " + "b" * 30 + " ccc", "b" * 30 + " ccc"),
        ("x" * 60, None),
        ("a" * 49, "a" * 49),
    ],
)
def test_the_context_is_the_tail_of_the_last_words_cut_at_a_word(
    text: str, tail: str | None
) -> None:
    previous = History(last_text=text).previous_text
    assert previous == tail
    assert previous is None or len(previous) <= MAX_PREVIOUS_TEXT


def test_until_something_was_said_the_context_is_what_the_client_gave() -> None:
    history = History(introduction="x" * 60)
    assert history.previous_text == "x" * 60
    history.last_text = "hello"
    assert history.previous_text == "hello"
