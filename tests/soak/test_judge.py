"""The soak's judge finds what grows, and nothing else."""

import random
from collections.abc import Callable

import pytest

from tests.soak.judge import Look, judge

MIB = 1024 * 1024


def looks(at: Callable[[int], tuple[float, float, float]], number: int = 100) -> list[Look]:
    noise = random.Random(7)
    return [
        Look(*(round(value * noise.uniform(0.98, 1.02)) for value in at(index)))
        for index in range(number)
    ]


def leaks(found: list[Look]) -> list[str]:
    return [rise.name for rise in judge(found, warm_up=0.25) if rise.is_leak]


def test_what_is_flat_is_no_leak() -> None:
    assert leaks(looks(lambda _: (200 * MIB, 450, 900))) == []


def test_what_grows_while_it_warms_up_is_none() -> None:
    assert leaks(looks(lambda n: (min(n, 20) * 10 * MIB, min(n, 20) * 22, 900))) == []


def test_a_rise_that_comes_and_goes_is_none() -> None:
    spike = range(60, 70)
    assert leaks(looks(lambda n: (900 * MIB if n in spike else 200 * MIB, 450, 900))) == []


@pytest.mark.parametrize(
    ("name", "rise"),
    [
        ("memory_bytes", (0.4 * MIB, 0, 0)),
        ("files", (0, 2, 0)),
        ("tasks", (0, 0, 3)),
    ],
)
def test_what_grows_steadily_is_one(name: str, rise: tuple[float, float, float]) -> None:
    assert leaks(
        looks(lambda n: (200 * MIB + n * rise[0], 450 + n * rise[1], 900 + n * rise[2]))
    ) == [name]


def test_what_shrinks_is_none() -> None:
    assert leaks(looks(lambda n: ((300 - n) * MIB, 450 - n, 900 - n))) == []


def test_too_little_is_not_judged() -> None:
    with pytest.raises(ValueError, match="too few"):
        judge(looks(lambda _: (1, 1, 1), 12), warm_up=0.25)


def test_a_rise_is_told_in_figures() -> None:
    (memory, _, _) = judge([Look(2_000_000, 1, 1)] * 20, warm_up=0)
    assert str(memory) == "memory_bytes: 2,000,000, then 2,000,000"
