"""What of a segment is shown."""

import pytest

from relay.http.passages import EXCERPT, Piece, Run, TimedWord, excerpt, pieces


def whole(runs: list[Run]) -> str:
    return "".join(run.text for run in runs)


def hits(runs: list[Run]) -> list[str]:
    return [run.text for run in runs if run.is_hit]


def test_a_short_text_is_shown_as_a_whole() -> None:
    assert excerpt("good morning", [(5, 12)]) == [Run("good "), Run("morning", is_hit=True)]
    assert excerpt("good morning", []) == [Run("good morning")]


def test_of_a_long_text_what_is_around_the_first_hit_is_shown() -> None:
    text = "before " * 40 + "morning " + "after " * 60
    at = text.index("morning")
    shown = excerpt(text, [(at, at + 7)])
    assert hits(shown) == ["morning"]
    assert whole(shown).startswith("… before")
    assert whole(shown).endswith("after …")
    assert len(whole(shown)) <= EXCERPT + 4


def test_without_spaces_it_is_cut_anywhere_but_in_a_hit() -> None:
    text = "晴" * 500
    shown = excerpt(text, [(200, 202)])
    assert hits(shown) == ["晴晴"]
    assert len(whole(shown)) == EXCERPT + 4
    # A hit that reaches beyond the end is shown as far as it goes.
    assert len(hits(excerpt(text, [(0, 400)]))[0]) == EXCERPT


def test_hits_beyond_the_excerpt_are_left_out() -> None:
    text = "morning " * 200
    found = [(at, at + 7) for at in range(0, len(text), 8)]
    assert len(hits(excerpt(text, found))) == EXCERPT // 8


def test_words_lie_over_the_text_and_what_is_between_them_stays() -> None:
    words = [TimedWord("Good", 0.5, 0.9), TimedWord("morning,", 1.0, 1.5)]
    assert pieces("Good morning, all", words, [(5, 12)]) == [
        Piece([Run("Good")], 0.5, 0.9),
        Piece([Run(" ")]),
        Piece([Run("morning", is_hit=True), Run(",")], 1.0, 1.5),
        Piece([Run(" all")]),
    ]


def test_a_hit_over_several_words_is_marked_in_each() -> None:
    words = [TimedWord("天", 0.0, 0.2), TimedWord("气", 0.2, 0.4)]
    assert pieces("天气", words, [(0, 2)]) == [
        Piece([Run("天", is_hit=True)], 0.0, 0.2),
        Piece([Run("气", is_hit=True)], 0.2, 0.4),
    ]


@pytest.mark.parametrize("word", ["three", "", "twice"])
def test_a_word_that_is_written_otherwise_in_the_text_has_no_times(word: str) -> None:
    words = [TimedWord("at", 0.0, 0.1), TimedWord(word, 0.2, 0.4), TimedWord("or", 0.5, 0.6)]
    found = pieces("at 3 or twice", words, [])
    assert "".join(whole(list(piece.runs)) for piece in found) == "at 3 or twice"
    assert [piece.start for piece in found if piece.start is not None] == [0.0, 0.5]


def test_without_words_the_text_is_one_piece() -> None:
    assert pieces("good", [], []) == [Piece([Run("good")])]
    assert pieces("", [], []) == []
