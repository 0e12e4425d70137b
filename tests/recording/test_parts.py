"""Names of files, and what lies on top of what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.recording.parts import Name, Part, Stretch, lay_over, owner_of

SESSION = "3f" * 16


def test_a_name_survives_being_written() -> None:
    name = Name(SESSION, owner_of("user:1"))
    assert Name.parse(name.file) == name
    part = Part(name, 3, 48_000)
    assert Part.parse(part.file) == part


def test_whose_it_is_can_not_be_read_in_a_name() -> None:
    assert "anna" not in Name(SESSION, owner_of("key:1:anna@example.com")).file
    assert owner_of("user:1") != owner_of("user:2")


@pytest.mark.parametrize("file", ["x.flac", "../../etc/passwd", f"{SESSION}.flac", ".joining"])
def test_other_files_are_none_of_ours(file: str) -> None:
    assert Name.parse(file) is None
    assert Part.parse(file) is None


def test_parts_stand_in_the_order_in_which_they_were_written() -> None:
    name = Name(SESSION, owner_of("user:1"))
    parts = [Part(name, 2, 5), Part(name, 10, 0), Part(name, 1, 7), Part(name, 2, 3)]
    assert [(part.epoch, part.start) for part in sorted(parts)] == [(1, 7), (2, 3), (2, 5), (10, 0)]


def test_the_later_owner_covers_what_the_earlier_one_heard() -> None:
    assert lay_over([(0, 100), (80, 150)]) == [Stretch(0, 0, 80), Stretch(1, 0, 70)]


def test_what_only_the_earlier_one_heard_stays() -> None:
    assert lay_over([(0, 100), (20, 50)]) == [
        Stretch(0, 0, 20),
        Stretch(1, 0, 30),
        Stretch(0, 50, 50),
    ]


def test_what_nobody_heard_is_silence() -> None:
    assert lay_over([(10, 20), (0, 0), (25, 30)]) == [
        Stretch(None, 0, 10),
        Stretch(0, 0, 10),
        Stretch(None, 0, 5),
        Stretch(2, 0, 5),
    ]


def test_nothing_is_made_of_nothing() -> None:
    assert lay_over([]) == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=8))
def test_each_sample_is_that_of_the_topmost_layer(given_spans: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in given_spans]
    expected = np.full(max((end for start, end in spans if start < end), default=0), -1)
    for layer, (start, end) in enumerate(spans):
        expected[start:end] = layer * 100 + np.arange(end - start)
    found = [
        -1 if stretch.layer is None else stretch.layer * 100 + stretch.offset + index
        for stretch in lay_over(spans)
        for index in range(stretch.length)
    ]
    assert found == expected.tolist()
