"""Where personal data stand in a text. Each look takes time in proportion to the text's length."""

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, pairwise
from typing import Final, NamedTuple

from relay.redaction.checksums import (
    CARD_LENGTHS,
    IBAN_LENGTHS,
    is_card,
    is_iban,
    is_national_id,
)
from relay.redaction.spoken import Group, runs_of_digits

MAX_LOCAL: Final = 64
MAX_DOMAIN: Final = 255
"""Characters of an address's two sides. Source: RFC 5321, section 4.5.3.1."""

MAX_NUMBER: Final = 19
"""Digits of what is looked for at most: a card has so many."""


class Mark(NamedTuple):
    """A stretch of a text, and what it is."""

    start: int
    end: int
    kind: str


def find(text: str, kinds: Iterable[str]) -> list[Mark]:
    """Find all of these kinds; where two overlap, the kind that comes first in `KINDS` counts.

    Returns:
        In the order of the text; no two overlap.
    """
    wanted = set(kinds)
    found: list[Mark] = []
    for kind in KINDS:
        if kind in wanted:
            starts = [mark.start for mark in found]
            found += [mark for mark in _FINDERS[kind](text) if _is_free(mark, found, starts)]
            found.sort()
    return found


def _is_free(mark: Mark, found: list[Mark], starts: list[int]) -> bool:
    """Whether none of what was found before, which is in order, overlaps it."""
    following = bisect_left(starts, mark.end)
    return following == 0 or found[following - 1].end <= mark.start


# Addresses of mail.

_LOCAL: Final = re.compile(r"[\w.+%'-]")
_DOMAIN: Final = re.compile(r"[^\W_](?:[\w-]{0,62}\.)+[^\W\d_]{2,24}(?![\w-])")

_WORD: Final = re.compile(r"[\w-]+(?:\.[\w-]+){0,4}")

_AT: Final = frozenset({"at", "собака", "собачка", "эт"})
_DOT: Final = frozenset({"dot", "точка"})
_JOINS: Final = _DOT | frozenset({"underscore", "dash", "hyphen", "plus", "дефис", "тире", "минус"})
_NOT_LOCAL: Final = frozenset(
    {"us", "me", "it", "is", "are", "be", "look", "looking", "find", "visit", "online", "and"}
    | {"or", "the", "him", "her", "them", "you", "there"}
)
"""Words before `at` that make a place of what follows: visit us at example dot com."""


def _emails(text: str) -> Iterator[Mark]:
    yield from _written_emails(text)
    yield from _spoken_emails(text)


def _written_emails(text: str) -> Iterator[Mark]:
    at = text.find("@")
    while at >= 0:
        start = at
        while start > max(0, at - MAX_LOCAL) and _LOCAL.match(text, start - 1):
            start -= 1
        domain = _DOMAIN.match(text, at + 1, at + 1 + MAX_DOMAIN)
        if domain is not None and start < at:
            yield Mark(start, domain.end(), "email")
        at = text.find("@", at + 1)


def _spoken_emails(text: str) -> Iterator[Mark]:
    words = [(token[0].casefold(), token.start(), token.end()) for token in _WORD.finditer(text)]
    for index, (word, _, _) in enumerate(words):
        if word not in _AT or not 0 < index < len(words) - 1:
            continue
        first = index - 1
        if words[first][0] in _NOT_LOCAL or not _stand_together(text, words, first, index + 1):
            continue
        while first >= 2 and words[first - 1][0] in _JOINS:
            first -= 2
        last = _end_of_domain(words, index + 1)
        if last is not None:
            yield Mark(words[first][1], words[last][2], "email")


def _end_of_domain(words: list[tuple[str, int, int]], index: int) -> int | None:
    """The last word of a domain that begins here: `example dot com`, or `example.com`."""
    last = index
    while last + 2 < len(words) and words[last + 1][0] in _DOT:
        last += 2
    end = words[last][0].rpartition(".")[2]
    has_dot = last > index or "." in words[index][0]
    return last if has_dot and 2 <= len(end) <= 24 and end.isalpha() else None


def _stand_together(text: str, words: list[tuple[str, int, int]], first: int, last: int) -> bool:
    """Whether there is nothing but spaces between these words."""
    pairs = zip(words[first:last], words[first + 1 : last + 1], strict=True)
    return all(text[one[2] : other[1]].isspace() for one, other in pairs)


# Numbers.


def _numbers(
    text: str,
    kind: str,
    is_it: Callable[[str, str], bool],
    lengths: Iterable[int],
    *,
    has_checksum: bool = True,
) -> Iterator[Mark]:
    """Find numbers that consist of whole groups: the longest that begins at each.

    A checksum proves that groups belong together; without one, a comma may part two numbers.
    """
    wanted = set(lengths)
    runs: Iterable[list[Group]] = runs_of_digits(text)
    if not has_checksum:
        runs = chain.from_iterable(_parts(text, run) for run in runs)
    for run in runs:
        index = 0
        while index < len(run):
            lead = _lead(text, run[index])
            length = _longest(run, index, wanted, partial(is_it, lead))
            if length:
                start = run[index].start - len(lead)
                yield Mark(start, run[index + length - 1].end, kind)
            index += length or 1


def _parts(text: str, run: list[Group]) -> Iterator[list[Group]]:
    """Take a run apart where a comma stands between two groups of digits: these are two numbers.

    Between words it only says that somebody took a breath.
    """
    begin = 0
    for index, (one, other) in enumerate(pairwise(run), 1):
        if (
            "," in text[one.end : other.start]
            and text[one.start].isdecimal()
            and text[other.start].isdecimal()
        ):
            yield run[begin:index]
            begin = index
    yield run[begin:]


def _longest(run: list[Group], index: int, lengths: set[int], is_it: Callable[[str], bool]) -> int:
    """How many groups from this one on make the longest such number; 0 if none do."""
    digits, found = "", 0
    for count, group in enumerate(run[index : index + MAX_NUMBER], 1):
        digits += group.digits
        if len(digits) > MAX_NUMBER:
            break
        if len(digits) in lengths and is_it(digits):
            found = count
    return found


_PLUS: Final = re.compile(r"(?:плюс|plus)\s{1,3}\Z", re.IGNORECASE)


def _lead(text: str, group: Group) -> str:
    """The plus sign or bracket that stands right before a number, or the word for the former."""
    for lead in ("+(", "+", "("):
        if text.endswith(lead, 0, group.start):
            return lead
    spoken = _PLUS.search(text[max(0, group.start - 8) : group.start])
    return "" if spoken is None else spoken[0]


def _cards(text: str) -> Iterator[Mark]:
    return _numbers(text, "card", lambda _, digits: is_card(digits), CARD_LENGTHS)


def _phones(text: str) -> Iterator[Mark]:
    return _numbers(text, "phone", _is_phone, range(8, 16), has_checksum=False)


_PHONE: Final = re.compile(
    r"[78][3-9]\d{9}"  # Russia and Kazakhstan, from within or without the plus
    r"|1?[2-9]\d{2}[2-9]\d{6}"  # North America
    r"|1[3-9]\d{9}"  # China, mobile
    r"|0[1-9]\d{8,10}"  # where trunk calls begin with 0, as in most of Europe
    r"|00[1-9]\d{7,12}"  # abroad
)
"""Source: ITU-T E.164 and E.123; the national numbering plans of the countries named."""


def _is_phone(lead: str, digits: str) -> bool:
    if lead.strip("( "):
        return digits[0] != "0"  # with a plus: E.164 has 15 digits at most
    return _PHONE.fullmatch(digits) is not None


_LETTERED_ID: Final = re.compile(r"(?<!\w)(?:\d{17}[\dXx]|[XYZxyz]?-?\d{7,8}-?[A-Za-z])(?!\w)")


def _national_ids(text: str) -> Iterator[Mark]:
    yield from _numbers(text, "id", lambda _, digits: is_national_id(digits), (11, 12, 18))
    for found in _LETTERED_ID.finditer(text):
        if is_national_id(found[0].replace("-", "")):
            yield Mark(found.start(), found.end(), "id")


_IBAN: Final = re.compile(r"(?<!\w)([A-Za-z]{2}\d{2})((?:[ -]?[A-Za-z0-9]){11,30})")


def _ibans(text: str) -> Iterator[Mark]:
    position = 0
    while (found := _IBAN.search(text, position)) is not None:
        length = IBAN_LENGTHS.get(found[0][:2].upper(), 0)
        end, characters = found.start(), ""
        # What follows it may look as if it belonged to it.
        while end < found.end() and len(characters) < length:
            characters += text[end] if text[end].isalnum() else ""
            end += 1
        if is_iban(characters.upper()):
            yield Mark(found.start(), end, "iban")
        position = max(end, found.start() + 4)


_IP: Final = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]{3,45}(?![\w:])")


def _ips(text: str) -> Iterator[Mark]:
    for found in _IP.finditer(text):
        address = found[0].rstrip(".:" if not found[0].endswith("::") else ".")
        if not (address.count(".") == 3 or address.count(":") >= 2):
            continue
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        yield Mark(found.start(), found.start() + len(address), "ip")


_FINDERS: Final[Mapping[str, Callable[[str], Iterable[Mark]]]] = {
    "email": _emails,
    "iban": _ibans,
    "ip": _ips,
    "card": _cards,
    "id": _national_ids,
    "phone": _phones,
}

KINDS: Final = tuple(_FINDERS)
"""What can be found; the surer ones first."""
