from pathlib import Path

import pytest

from relay.cli import command_line
from relay.cli.exits import Exit
from relay.cli.reference import WIDTH, render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def test_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == render(), "run `make docs`"


@pytest.mark.parametrize("name", list(command_line.commands))
def test_every_command_has_its_help_there(name: str) -> None:
    _, _, section = render().partition(f"\n## {name}\n\n```text\n")
    help_text, _, _ = section.partition("\n```\n")
    assert help_text.startswith(f"Usage: scribe-relay {name} [OPTIONS]")
    assert "Examples:" in help_text


def test_every_exit_code_is_there() -> None:
    for code in Exit:
        assert f"\n| {code:d} | " in render()


def test_no_line_is_too_long_to_read() -> None:
    assert [line for line in render().splitlines() if len(line) > WIDTH] == []
