"""What all commands have in common."""

import re

import click
import pytest

from relay import __version__
from relay.cli import command_line
from relay.cli.exits import Exit
from tests.support.invoked import invoke
from tests.support.spawned import run

COMMANDS = sorted(command_line.commands)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_has_examples_that_could_be_typed(name: str, flag: str) -> None:
    ended = invoke(name, flag)
    assert ended.code == Exit.OK
    _, _, examples = ended.stdout.partition("Examples:\n")
    assert examples.strip()
    for line in examples.strip().splitlines():
        assert f"scribe-relay {name}" in line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    command = command_line.commands[name]
    assert [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ] == []


def test_help_lists_every_command_and_says_how_to_start() -> None:
    ended = invoke("--help")
    assert ended.code == Exit.OK
    listed = re.findall(r"^  ([a-z][a-z-]*)  +\w", ended.stdout, re.MULTILINE)
    assert sorted(listed) == COMMANDS
    assert "scribe-relay transcribe speech.wav" in ended.stdout


def test_no_command_shows_help() -> None:
    ended = invoke()
    assert ended.code == Exit.USAGE
    assert "Usage: scribe-relay [OPTIONS] COMMAND" in ended.stdout + ended.stderr


def test_unknown_command_is_an_error_of_usage() -> None:
    ended = invoke("fly")
    assert ended.code == Exit.USAGE
    assert "No such command 'fly'" in ended.stderr


async def test_version_is_told() -> None:
    ended = await run("--version")
    assert (ended.code, ended.stdout) == (Exit.OK, f"scribe-relay, version {__version__}\n")
