"""The written reference can't drift from the code: it is compared with what the code prints."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from relay.settings import Environment, Settings, known_variables
from relay.settings.environment import Layer
from relay.settings.reference import render_env, render_markdown, rows, write_value

ROOT = Path(__file__).parents[2]


def test_the_page_of_settings_is_what_the_code_prints() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert page == render_markdown(), "make it again: python -m relay.settings --markdown"


def test_env_example_is_what_the_code_prints() -> None:
    example = (ROOT / ".env.example").read_text()
    assert example == render_env(), "make it again: python -m relay.settings --env"


@pytest.mark.parametrize("variable", sorted(known_variables()))
def test_every_variable_is_in_both(variable: str) -> None:
    assert f"`{variable}`" in render_markdown()
    assert f"\n#{variable}=" in render_env()


def test_every_setting_has_a_meaning_that_is_a_sentence() -> None:
    for row in rows():
        assert row.meaning[0].isupper() or row.meaning.startswith("`"), row.variable
        assert row.meaning.endswith("."), row.variable


def test_env_example_uncommented_gives_the_defaults() -> None:
    lines = render_env().splitlines()
    settings_only = "\n".join(line.lstrip("#") for line in lines if not line.startswith("# "))
    layer = Layer(".env", dotenv_values(stream=io.StringIO(settings_only)))
    loaded = Settings.from_environment(Environment(layers=(layer,)))
    assert loaded == Settings()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (2.0, "2"),
        (0.5, "0.5"),
        (262144, "262144"),
        ((), ""),
        (("a", "b"), "a,b"),
        (frozenset({"b", "a"}), "a,b"),
        ((("language_code", "en"), ("keyterms", "x")), "language_code=en&keyterms=x"),
        ({"keyterms": 10.0, "vad_threshold": 0.5}, "keyterms=10&vad_threshold=0.5"),
        (SecretStr("x"), "**********"),
        (Path("/a/b"), "/a/b"),
    ],
)
def test_values_are_written_as_one_would_in_a_file(value: Any, text: str) -> None:
    assert write_value(value) == text


@pytest.mark.parametrize(
    ("flag", "head"), [("--markdown", "# Settings\n"), ("--env", "# Settings of scribe-relay")]
)
def test_the_module_prints_it(flag: str, head: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "relay.settings", flag],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert printed.stdout.startswith(head)


def test_the_module_says_how_it_is_used() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "relay.settings"], capture_output=True, text=True, cwd=ROOT
    )
    assert printed.returncode == 1
    assert printed.stderr == "usage: python -m relay.settings --markdown | --env\n"
