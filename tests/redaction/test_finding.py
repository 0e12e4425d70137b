"""What is found in a text, and what isn't; each text has what is to be found in «marks»."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.redaction.finding import KINDS, find


def found(text: str, *kinds: str) -> str:
    """The text with «marks» around what was found."""
    for mark in reversed(find(text, kinds or KINDS)):
        text = f"{text[: mark.start]}«{text[mark.start : mark.end]}»{text[mark.end :]}"
    return text


CASES = {
    "email": [
        "write to «anna@example.com».",
        "«анна@пример.рф», «a.b+c@mail.example.co.uk»",
        "@example.com and anna@ and anna@localhost and a@b.c1",
        "«anna dot smith at example dot com» please",
        "«anna at example.com» and «bob at mail dot example dot org»",
        "пишите на «анна точка смит собака пример точка ру» завтра",
        "visit us at example dot com",
        "at example dot com",
        "we met at noon dot",
        "anna, at example dot com",
        "anna at example and at the end",
        "anna at example dot 5",
        "at",
    ],
    "iban": [
        "«DE89 3704 0044 0532 0130 00» is mine",
        "«de89370400440532013000», «GB82-WEST-1234-5698-7654-32»",
        "DE89 3704 0044 0532 0130 01 has a wrong digit",
        "XX89 3704 0044 0532 0130 00 is of nowhere",
        "DE89 3704",
    ],
    "ip": [
        "from «192.168.1.10», «::1» or «2001:db8::1».",
        "at 12:30:45, version 1.2.3, 999.1.1.1, 1.2.3.4.5",
        "in «fe80::»",
    ],
    "card": [
        "my card is «4111 1111 1111 1111», 123",
        "it is «4111, 1111, 1111, 1111», and no other",
        "«four one one one, one one one one, one one one one, one one one one»",
        "«4111-1111-1111-1111»",
        "4111 1111 1111 1112",
        "12 «5500 0055 5555 5559» 12",
        f"{'4111 ' * 30}",
    ],
    "id": [
        "ИНН «500100732259», СНИЛС «112-233-445 95»",
        "«11010519491231002X», «12345678Z», «x-1234567-l»",
        "12345678A, 500100732250",
    ],
    "phone": [
        "call «+7 (916) 123-45-67» now",
        "«+(44) 20 7946 0958», «(212) 555-0123», «020 7946 0958», «00 49 30 123456»",
        "«восемь девятьсот шестнадцать сто двадцать три сорок пять шестьдесят семь» спасибо",
        "«плюс семь девятьсот шестнадцать сто двадцать три сорок пять шестьдесят семь»",
        "«nine one six, double five five, twelve, thirty four»",
        "«138 0013 8000»",
        "in 2024 we sold 1,234,567 of them for 12 000 000",
        "order 12345678, nineteen eighty four",
        "+0123456789",
    ],
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in CASES.items() for text in texts]
)
def test_each_kind_finds_its_own(kind: str, text: str) -> None:
    assert found(re.sub("[«»]", "", text), kind) == text


def test_only_what_was_asked_for_is_found() -> None:
    text = "anna@example.com, 192.168.1.10"
    assert found(text, "ip") == "anna@example.com, «192.168.1.10»"
    assert found(text) == "«anna@example.com», «192.168.1.10»"
    assert find(text, ()) == []


def test_a_recogniser_that_repeats_one_digit_for_ever_is_read_as_well() -> None:
    assert find("twenty " + "1" * 5_000, KINDS) == []


def test_the_surer_kind_counts() -> None:
    # It would be a telephone's as well.
    (mark,) = find("4111111111111111", KINDS)
    assert mark.kind == "card"
    assert [mark.kind for mark in find("8 112 233 445 95", KINDS)] == ["id"]


@given(st.text("0123456789 .-@abcDE+one two dot at", max_size=80))
def test_marks_stand_in_order_and_never_overlap(text: str) -> None:
    end = 0
    for mark in find(text, KINDS):
        assert end <= mark.start < mark.end <= len(text)
        end = mark.end


HOSTILE = ["1 ", "a", "@", "a@", "one ", "a at b dot ", "DE89 3704", "1.2.3.", "double ", "+", "1:"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_in_proportion_to_length(piece: str) -> None:
    def cost(length: int) -> float:
        text = (piece * length)[:length]
        begin = time.process_time()
        find(text, KINDS)
        return time.process_time() - begin

    short = min(cost(500) for _ in range(3))
    assert cost(4_000) < 30 * short + 0.05  # eight times as long; quadratic would be 64
