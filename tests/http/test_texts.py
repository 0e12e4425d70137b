"""The catalogue: both languages say the same things, and pages say nothing else."""

import re
from pathlib import Path
from string import Formatter

import pytest

from relay.http import rendering
from relay.http.texts import CATALOGUE, Texts, choose_language

HTTP = Path(rendering.__file__).parent
SOURCES = "".join(
    path.read_text()
    for path in (*HTTP.glob("*pages.py"), HTTP / "ops.py", *rendering.TEMPLATES.glob("*.html"))
)


def values_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_texts() -> None:
    assert CATALOGUE["en"].keys() == CATALOGUE["ru"].keys()


@pytest.mark.parametrize("key", CATALOGUE["en"])
def test_a_text_takes_the_same_values_in_both(key: str) -> None:
    english, russian = CATALOGUE["en"][key], CATALOGUE["ru"][key]
    assert values_in(english) == values_in(russian)
    assert english.strip() == english != ""
    assert russian.strip() == russian != ""


def test_russian_is_written_in_russian() -> None:
    same = {key for key, text in CATALOGUE["ru"].items() if text == CATALOGUE["en"][key]}
    assert same == {"ops.health.redis"}
    assert all(
        re.search("[а-яё]", text, re.IGNORECASE)
        for key, text in CATALOGUE["ru"].items()
        if key not in same
    )


@pytest.mark.parametrize("key", CATALOGUE["en"])
def test_every_text_is_shown_somewhere(key: str) -> None:
    beginning, _, _ = key.rpartition(".")
    made_of = [
        f'"{key}"',
        f"'{key}'",
        f'"{key.removesuffix(".title")}"',
        f'"{beginning}." ~',
        f'"{key.partition(".")[0]}." ~',
    ]
    assert any(part in SOURCES for part in made_of)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de,ru;q=0.5", "ru"),
        ("de,fr", "en"),
        ("en;q=0.2, RU ; q=0.3", "ru"),
        ("ru;q=0", "en"),
        ("ru;q=nonsense", "en"),
        ("*", "en"),
        (";;,=,q", "en"),
    ],
)
def test_a_browsers_preference_decides(header: str, language: str) -> None:
    assert choose_language(header) == language


def test_values_are_put_in_as_they_are() -> None:
    assert Texts("en")("ops.link.for", name="{x} <b>") == "for {x} <b>"


def test_numbers_are_written_as_the_language_does() -> None:
    assert Texts("en").decimal(1.5, 2) == "1.50"
    assert Texts("ru").decimal(1.5, 2) == "1,50"
