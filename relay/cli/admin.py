"""What the commands share that administer users, kiosks and keys."""

import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias, TypeVar

import click
from rich.console import Console
from rich.table import Table

from relay.cli.exits import CommandFailed
from relay.cli.local import run
from relay.settings import Settings
from relay.store import Database, check_name

T = TypeVar("T")

Row: TypeAlias = dict[str, Any]
"""What a list prints of one thing, by column."""

PASSWORD_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105  # their alphabet
"""Nothing that looks like something else, since people read passwords to each other."""

NAME = click.argument("name")

QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Print the new secret alone, as scripts need it."
)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


def administer(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Do something in the relay's database, whether or not a relay runs.

    Raises:
        StoreUnavailable: If the database can't be used.
    """

    async def work_there() -> T:
        async with _opened(settings) as database:
            return await work(database)

    return run(work_there())


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.store_url)
    is_new = database.file is not None and not database.file.exists()
    try:
        await database.start()
        if is_new and database.file is not None:
            # In another folder than the relay's, this is how one notices.
            say(f"A new database was made: {database.file.resolve()}")
        yield database
    finally:
        await database.aclose()


def say(text: str) -> None:
    """Tell people what was done; standard output is for what they asked for."""
    click.echo(text, err=True)


def print_secret(secret: str, text: str, *, is_quiet: bool) -> None:
    """Print what is shown this once, with a sentence that a script doesn't see."""
    if not is_quiet:
        say(text)
    click.echo(secret)


def sentence(error: Exception) -> str:
    """Make a sentence of the text of a `ValueError`."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def require_name(name: str) -> None:
    """Check the name of somebody new.

    Raises:
        click.UsageError: If nobody can be called that.
    """
    try:
        check_name(name)
    except ValueError as error:
        raise click.UsageError(sentence(error)) from error


def unknown(kind: str, name: str) -> CommandFailed:
    """Say that there is nobody of that name."""
    return CommandFailed(
        f"There is no {kind} '{name}'. See who there is with: scribe-relay {kind} list"
    )


def confirm(question: str, *, is_sure: bool) -> None:
    """Ask on a terminal before something that can't be undone; a script has to know.

    Raises:
        click.Abort: If the answer is no.
    """
    if not is_sure and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def new_password() -> str:
    """Make a password of 99 bits."""
    letters = "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def print_rows(rows: Sequence[Row], *, as_json: bool, if_none: str) -> None:
    """Print a list: a table on a terminal, lines with tabs for other programs, or JSON.

    Args:
        rows: All with the same columns.
        as_json: One object a line, with times in ISO 8601.
        if_none: What to tell people if there are none.
    """
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=in_json))
    elif not rows:
        say(if_none)
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        click.echo("\t".join(rows[0]))
        for row in rows:
            click.echo("\t".join(_in_words(value) for value in row.values()))


def _print_table(rows: Sequence[Row]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    # Ids are for programs: they take half a line, and every command takes the name.
    columns = [column for column in rows[0] if column != "id"]
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_in_words(row[column]) for column in columns))
    # Names are no markup, whatever they hold.
    Console(markup=False, highlight=False, emoji=False).print(table)


def in_json(value: object) -> str:
    """Write a time as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _in_words(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        case dict():
            return " ".join(f"{name}={number:g}" for name, number in value.items())
        case list():
            return "&".join(f"{name}={text}" for name, text in value)
        case _:
            return str(value)
