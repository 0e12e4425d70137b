"""`scribe-relay` in tests: in this process, or in one of its own on a terminal of its own."""

import asyncio
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from relay.cli import command_line
from relay.store import Database

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds of silence that a command may need."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, in which commands keep their data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RELAY_DATABASE_URL", raising=False)
    monkeypatch.setenv("RELAY_DATA_DIR", "state")
    return tmp_path


def invoke(*arguments: str, stdin: str = "") -> Result:
    """Run a command in this process, with pipes."""
    return CliRunner().invoke(command_line, arguments, input=stdin, catch_exceptions=False)


def succeed(*arguments: str, stdin: str = "") -> str:
    """Run a command that has to succeed; give what it printed on standard output."""
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def in_store(work: Callable[[Database], Coroutine[Any, Any, T]], path: str = "state/relay.db") -> T:
    """Look into the database that the commands use."""

    async def look() -> T:
        database = Database(f"sqlite:///{path}")
        try:
            return await work(database)
        finally:
            await database.aclose()

    return asyncio.run(look())


def on_terminal(*arguments: str, answers: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
    """Run a command on a terminal and type the answers to its questions, one after the other.

    Returns:
        The exit code and all that the terminal showed.
    """
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "relay", *arguments],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
    )
    os.close(its_end)
    shown, answered = b"", 0
    to_ask = [(question.encode(), f"{answer}\n".encode()) for question, answer in answers]
    while piece := _read(terminal, process):
        shown += piece
        if to_ask and (found := shown.find(to_ask[0][0], answered)) >= 0:
            question, answer = to_ask.pop(0)
            answered = found + len(question)
            os.write(terminal, answer)
    os.close(terminal)
    return process.wait(DEADLINE), shown.decode().replace("\r\n", "\n")


def _read(terminal: int, process: subprocess.Popen[bytes]) -> bytes:
    if not select.select([terminal], [], [], DEADLINE)[0]:
        process.kill()
        process.wait()
        pytest.fail(f"the command showed nothing for {DEADLINE:g} s: does it ask something?")
    try:
        return os.read(terminal, 4096)
    except OSError:
        # Linux says so when the other end is closed.
        return b""
