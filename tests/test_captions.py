import itertools
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.captions import (
    LONG_PAUSE,
    MAX_DURATION,
    MAX_LINE_WIDTH,
    MAX_LINES,
    MIN_DURATION,
    READING_SPEED,
    Cue,
    make_cues,
    render_json,
    render_srt,
    render_txt,
    render_vtt,
)
from tests.support.calls import calls_of


@dataclass(frozen=True)
class Word:
    text: str
    start: float | None
    end: float | None
    type: str = "word"


@dataclass(frozen=True)
class Segment:
    text: str
    start: float
    end: float
    words: tuple[Word, ...] | None = None
    language_code: str | None = None


def spoken(text: str, start: float = 0.0, *, each: float = 0.3, gap: float = 0.1) -> Segment:
    """Say each word of `text` for `each` seconds, with `gap` seconds between two."""
    words: list[Word] = []
    clock = start
    for word in text.split():
        if words:
            words.append(Word(" ", clock, clock + gap, "spacing"))
            clock += gap
        words.append(Word(word, clock, clock + each))
        clock += each
    return Segment(text, start, clock, tuple(words))


def texts(cues: list[Cue]) -> list[str]:
    return [" ".join(cue.lines) for cue in cues]


def test_short_segment_is_one_cue_with_its_words_times() -> None:
    (cue,) = make_cues([spoken("one two three four", start=2.0)])
    assert cue.lines == ("one two three four",)
    assert (cue.start, cue.end) == pytest.approx((2.0, 3.5))


def test_long_text_is_two_lines_as_even_as_they_can_be() -> None:
    (cue,) = make_cues([spoken("the quick brown fox jumps over the lazy dog again", each=0.1)])
    assert cue.lines == ("the quick brown fox jumps", "over the lazy dog again")


def test_sentence_end_ends_a_cue() -> None:
    cues = make_cues([spoken("We saw it all. Then we left.")])
    assert texts(cues) == ["We saw it all.", "Then we left."]


def test_sentence_too_short_to_read_takes_the_next_one_along() -> None:
    assert texts(make_cues([spoken("Yes. Then we left.")])) == ["Yes. Then we left."]


def test_abbreviation_ends_no_sentence() -> None:
    cues = make_cues([spoken("And then we met Dr. Smith and J. Brown there")])
    assert texts(cues) == ["And then we met Dr. Smith and J. Brown there"]


def test_pause_ends_a_cue() -> None:
    words = (Word("wait", 0.0, 0.5), Word("now", 0.5 + LONG_PAUSE, 2.0))
    cues = make_cues([Segment("wait now", 0.0, 2.0, words)])
    assert texts(cues) == ["wait", "now"]


def test_cue_ends_before_it_takes_too_long() -> None:
    cues = make_cues([spoken("a b c d e f", each=1.9)])
    assert texts(cues) == ["a b c", "d e f"]


def test_one_long_sound_is_shown_no_longer_than_a_cue_may_be() -> None:
    words = (Word("[music]", 0.0, 60.0, "audio_event"),)
    (cue,) = make_cues([Segment("[music]", 0.0, 60.0, words)])
    assert cue == Cue(0.0, MAX_DURATION, ("[music]",))


def test_short_cue_stays_until_it_can_be_read() -> None:
    (cue,) = make_cues([spoken("no", start=3.0)])
    assert (cue.start, cue.end) == (3.0, 3.0 + MIN_DURATION)


def test_fast_speech_stays_until_it_can_be_read() -> None:
    (cue,) = make_cues([Segment("x" * 40, 1.0, 2.2)])
    assert cue.end == 1.0 + 40 / READING_SPEED


def test_short_cue_gives_way_to_the_next_one() -> None:
    first, second = make_cues([spoken("no", start=0.0), spoken("yes", start=0.5)])
    assert first.end == second.start == 0.5


def test_cues_that_start_together_still_last_a_moment() -> None:
    first, _ = make_cues([spoken("no", start=1.0), spoken("yes", start=1.0)])
    assert first.end > first.start


def test_segment_without_words_spreads_its_text_over_its_bounds() -> None:
    (cue,) = make_cues([Segment("just four words here", 10.0, 14.0)])
    assert cue == Cue(10.0, 14.0, ("just four words here",))


def test_words_without_any_time_count_as_none() -> None:
    words = (Word("just", None, None), Word("text", None, None))
    (cue,) = make_cues([Segment("just text", 10.0, 14.0, words)])
    assert (cue.start, cue.end, cue.lines) == (10.0, 14.0, ("just text",))


def test_missing_times_are_the_neighbours() -> None:
    words = (Word("a", 1.0, None), Word("b", None, 2.0), Word("c", 1.5, 3.0))
    (cue,) = make_cues([Segment("a b c", 0.0, 3.0, words)])
    assert (cue.start, cue.end) == (1.0, 3.0)


def test_words_without_spacing_between_them_stay_joined() -> None:
    words = (Word("今天", 0.0, 0.5), Word("天气", 0.5, 1.0), Word(" ", 1.0, 1.0))
    (cue,) = make_cues([Segment("今天天气", 0.0, 1.0, words)])
    assert cue.lines == ("今天天气",)


def test_wide_characters_count_twice_and_break_anywhere_but_before_punctuation() -> None:
    text = "我们今天上午去公园散步然后，在湖边吃了午饭后来回家了"
    (cue,) = make_cues([Segment(text, 0.0, 5.0)])
    assert "".join(cue.lines) == text
    assert max(map(len, cue.lines)) * 2 <= MAX_LINE_WIDTH
    assert cue.lines[1][0] != "，"


def test_word_wider_than_a_line_is_broken() -> None:
    word = "x" * 100
    cues = make_cues([Segment(word, 0.0, 5.0)])
    assert "".join("".join(cue.lines) for cue in cues) == word
    assert [len(cue.lines) for cue in cues] == [2, 1]


def test_wide_word_after_others_keeps_its_space() -> None:
    words = (Word("see", 0.0, 0.2), Word(" ", 0.2, 0.2, "spacing"), Word("y" * 50, 0.2, 1.0))
    cues = make_cues([Segment("see …", 0.0, 1.0, words)])
    assert " ".join(line for cue in cues for line in cue.lines).startswith("see yyy")


def test_space_within_a_wide_word_makes_no_third_line() -> None:
    word = f"{'x' * 42} {'y' * 41} z"
    cues = make_cues([Segment(word, 0.0, 2.0, (Word(word, 0.0, 2.0),))])
    assert [cue.lines for cue in cues] == [("x" * 42, "y" * 41), ("z",)]


@pytest.mark.parametrize("word", ["fox", "лисица", "狐"])
def test_a_word_costs_few_calls_wherever_its_cue_may_be_broken(word: str) -> None:
    """It cost thousands, as each was tried with every way to break the cue up to there."""
    segment = spoken(" ".join([word] * 200), each=0.1, gap=0.05)
    make_cues([segment])
    assert calls_of(lambda: make_cues([segment])) < 100 * 200


def test_accents_take_no_column() -> None:
    word = "e\N{COMBINING ACUTE ACCENT}" * MAX_LINE_WIDTH
    (cue,) = make_cues([Segment(word, 0.0, 5.0)])
    assert cue.lines == (word,)


def test_cue_never_crosses_a_segment() -> None:
    assert texts(make_cues([spoken("one two"), spoken("three", start=0.8)])) == ["one two", "three"]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60),
            st.floats(0.0, 9.0),
            st.floats(0.0, 2.0),
        ),
        max_size=30,
    )
)
def test_cues_are_readable_in_order_and_lose_nothing(
    said: list[tuple[str, float, float]],
) -> None:
    words: list[Word] = []
    clock = 0.0
    for text, length, gap in said:
        words.append(Word(text, clock, clock + length))
        words.append(Word(" ", clock + length, clock + length + gap, "spacing"))
        clock += length + gap
    cues = make_cues([Segment(" ".join(w.text for w in words), 0.0, clock, tuple(words))])
    for cue, following in itertools.pairwise(cues):
        assert cue.start <= following.start
        assert cue.end <= max(following.start, cue.start + 0.001)
    for cue in cues:
        assert cue.start < cue.end <= cue.start + MAX_DURATION
        assert 1 <= len(cue.lines) <= MAX_LINES
    shown = "".join("".join("".join(cue.lines).split()) for cue in cues)
    assert shown == "".join("".join(word.text.split()) for word in words)


def test_txt_is_one_line_a_segment() -> None:
    assert render_txt([spoken("one  two"), Segment("three\nfour", 1, 2)]) == "one two\nthree four\n"


def test_srt_is_numbered_with_commas_in_its_times() -> None:
    assert render_srt([spoken("one two", start=3661.5), Segment("three", 3665, 3667)]) == (
        "1\n01:01:01,500 --> 01:01:02,500\none two\n\n2\n01:01:05,000 --> 01:01:07,000\nthree\n"
    )


def test_srt_has_no_arrow_in_its_text() -> None:
    assert "\na -> b\n" in render_srt([Segment("a --> b", 0, 2)])


def test_vtt_has_a_head_and_points_in_its_times() -> None:
    assert render_vtt([Segment("one", 0.0004, 59.9996)]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:07.000\none\n"
    )


def test_vtt_escapes_what_players_would_read() -> None:
    assert "\na --&gt; &lt;b&gt; &amp;amp;\n" in render_vtt([Segment("a --> <b> &amp;", 0, 2)])


def test_empty_transcript_is_a_valid_file_in_each_format() -> None:
    assert (render_txt([]), render_srt([]), render_vtt([])) == ("", "", "WEBVTT\n")
    assert json.loads(render_json([])) == {"text": "", "segments": []}


def test_json_holds_everything() -> None:
    words = (Word("grüß", 0.5, 1.0), Word("[laughs]", None, None, "audio_event"))
    text = render_json([Segment("grüß", 0.0, 1.5, words, "de"), Segment("dich", 1.5, 2.0)])
    assert "grüß" in text
    assert json.loads(text) == {
        "text": "grüß dich",
        "segments": [
            {
                "text": "grüß",
                "start": 0.0,
                "end": 1.5,
                "language_code": "de",
                "words": [
                    {"text": "grüß", "start": 0.5, "end": 1.0, "type": "word"},
                    {"text": "[laughs]", "start": None, "end": None, "type": "audio_event"},
                ],
            },
            {"text": "dich", "start": 1.5, "end": 2.0, "language_code": None, "words": None},
        ],
    }
