"""Numbers as people say them, in English and Russian: `nine one six`, `девятьсот шестнадцать`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TO_NINETEEN: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen",
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать "
    "тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
)
_TENS: Final = (
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
)
_HUNDREDS: Final = ("сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот",)
_OTHERS: Final = {"oh": 0, "нуль": 0, "одна": 1, "две": 2}

_VALUES: Final = {
    **_OTHERS,
    **{word: value for words in _TO_NINETEEN for value, word in enumerate(words.split())},
    **{word: 10 * tens for words in _TENS for tens, word in enumerate(words.split(), 2)},
    **{
        word: 100 * hundreds
        for words in _HUNDREDS
        for hundreds, word in enumerate(words.split(), 1)
    },
}
_TIMES: Final = {"double": 2, "triple": 3, "дважды": 2, "трижды": 3}
_HUNDRED: Final = "hundred"

_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+")

GAP: Final = re.compile(r"[\s,.\-–()/+]{0,3}")
"""What may stand between two groups of one number."""


@dataclass(slots=True)
class Group:
    """Digits that belong together, and where in the text they stand."""

    digits: str
    start: int
    end: int
    room: int = 0
    """Below which a further word still belongs to it: 100 after hundreds, 10 after tens."""


def runs_of_digits(text: str) -> Iterator[list[Group]]:
    """Find numbers, written or said, as runs of groups with next to nothing between them.

    `call 8 (916) one two three` gives one run: 8, 916, 1, 2, 3.
    """
    run: list[Group] = []
    repeat: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        word, start = token[0], token.start()
        if run and not GAP.fullmatch(text, run[-1].end, start) and repeat is None:
            yield run
            run = []
        if (times := _TIMES.get(word.casefold())) is not None:
            repeat = times, start
            continue
        times, begin = repeat or (1, start)
        repeat = None
        group = _group(word, begin, token.end())
        if group is None:
            if not _is_hundred(word, run):
                if run:
                    yield run
                run = []
                continue
            run[-1] = Group(f"{run[-1].digits}00", run[-1].start, token.end(), room=100)
            continue
        group.digits *= times
        if times == 1 and run and _belongs(group, run[-1]):
            group = _joined(run.pop(), group)
        run.append(group)
    if run:
        yield run


def _is_hundred(word: str, run: list[Group]) -> bool:
    return word.casefold() == _HUNDRED and bool(run) and len(run[-1].digits) == 1


def _group(word: str, start: int, end: int) -> Group | None:
    if word.isdecimal():
        return Group("".join(str(int(digit)) for digit in word), start, end)
    value = _VALUES.get(word.casefold())
    if value is None:
        return None
    room = 100 if value >= 100 else 10 if value >= 20 else 0
    return Group(str(value), start, end, room=room)


def _belongs(group: Group, before: Group) -> bool:
    """Whether it goes on with the number before: `twenty` + `one`, `nine hundred` + `sixteen`."""
    # Of any length, and Python refuses to read thousands of digits.
    return len(group.digits) <= 2 and 0 < int(group.digits) < before.room


def _joined(before: Group, group: Group) -> Group:
    value = int(before.digits) + int(group.digits)
    room = min(group.room, before.room)
    return Group(str(value), before.start, group.end, room=room)
