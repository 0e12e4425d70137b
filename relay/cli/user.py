"""`scribe-relay user`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from relay.auth.passwords import MAX_LENGTH, Passwords, check_password
from relay.cli.admin import (
    AS_JSON,
    NAME,
    QUIET,
    administer,
    confirm,
    new_password,
    print_rows,
    print_secret,
    require_name,
    say,
    sentence,
    unknown,
)
from relay.cli.exits import CommandFailed
from relay.cli.local import run
from relay.cli.options import ENV_FILE, load_settings
from relay.cli.personal import erase_user, export_user
from relay.settings import Settings
from relay.settings.values import parse_origin
from relay.store import Database, NameTaken, User, Users

PASSWORD_STDIN: Final = click.option(
    "--password-stdin", "is_piped", is_flag=True, help="Read the password from standard input."
)


@click.group(
    epilog="""\b
Examples:
  scribe-relay user add anna --operator
  scribe-relay user link anna --base-url https://relay.example.org
  scribe-relay user remove anna
"""
)
def user() -> None:
    """Administer the people who may sign in.

    Works with the database, so it takes effect at once, whether or not a relay runs.
    """


@user.command(
    epilog="""\b
Examples:
  scribe-relay user add anna                 # asks for the password
  scribe-relay user add anna --operator
  scribe-relay user add anna --quiet         # makes one, and prints it alone
  pass show anna | scribe-relay user add anna --password-stdin
"""
)
@NAME
@click.option("--operator", "is_operator", is_flag=True, help="May administer the relay too.")
@PASSWORD_STDIN
@QUIET
@ENV_FILE
def add(name: str, is_operator: bool, is_piped: bool, quiet: bool, env_file: Path) -> None:
    """Add a user.

    On a terminal, the password is asked for. Elsewhere, and with --quiet, one is made and printed
    this once, unless it comes by --password-stdin.
    """
    settings = load_settings(env_file)
    require_name(name)
    if administer(settings, lambda database: Users(database).find(name)) is not None:
        raise NameTaken(name)
    password, is_made = _get_password(is_piped=is_piped, is_quiet=quiet)
    password_hash = run(Passwords().hash(password))

    async def add_to(database: Database) -> User:
        return await Users(database).add(name, password_hash, is_operator=is_operator)

    administer(settings, add_to)
    kind = "Operator" if is_operator else "User"
    _tell(f"{kind} '{name}' was added.", password, is_made=is_made, is_quiet=quiet)


@user.command("list", epilog="\b\nExamples:\n  scribe-relay user list --json | jq -r .name")
@AS_JSON
@ENV_FILE
def list_users(as_json: bool, env_file: Path) -> None:
    """List all users."""
    users = administer(load_settings(env_file), lambda database: Users(database).list())
    rows = [
        {
            "name": user.name,
            "operator": user.is_operator,
            "password": user.password_hash is not None,
            "created": user.created_at,
            "id": user.id,
        }
        for user in users
    ]
    print_rows(rows, as_json=as_json, if_none="No users. Add one: scribe-relay user add NAME")


@user.command(epilog="\b\nExamples:\n  scribe-relay user passwd anna")
@NAME
@PASSWORD_STDIN
@QUIET
@ENV_FILE
def passwd(name: str, is_piped: bool, quiet: bool, env_file: Path) -> None:
    """Change a user's password.

    It comes from where `user add` takes it. Whoever is signed in by the old one is signed out, and
    their live sessions end within seconds.
    """
    settings = load_settings(env_file)
    found = _find(settings, name)
    password, is_made = _get_password(is_piped=is_piped, is_quiet=quiet)
    password_hash = run(Passwords().hash(password))

    async def change(database: Database) -> bool:
        return await Users(database).set_password_hash(found.id, password_hash)

    if not administer(settings, change):
        raise unknown("user", name)
    _tell(f"The password of '{found.name}' was changed.", password, is_made=is_made, is_quiet=quiet)


@user.command(epilog="\b\nExamples:\n  scribe-relay user remove anna --yes")
@NAME
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@ENV_FILE
def remove(name: str, yes: bool, env_file: Path) -> None:
    """Remove a user.

    NAME may be an id too. Their live sessions end within seconds; what they used stays in the
    ledger.
    """
    settings = load_settings(env_file)
    found = _find(settings, name)
    confirm(f"Remove user '{found.name}'?", is_sure=yes)
    if not administer(settings, lambda database: Users(database).remove(found.id)):
        raise unknown("user", name)
    say(f"User '{found.name}' was removed.")


@user.command(
    epilog="""\b
Examples:
  scribe-relay user link anna
  scribe-relay user link anna --base-url https://relay.example.org --quiet
"""
)
@NAME
@click.option(
    "--base-url",
    metavar="URL",
    help="Where people reach the relay; without it, the path of the link is printed.",
)
@QUIET
@ENV_FILE
def link(name: str, base_url: str | None, quiet: bool, env_file: Path) -> None:
    """Make a link that signs a user in, once and within ten minutes."""
    origin = "" if base_url is None else _check_base_url(base_url)
    settings = load_settings(env_file)
    found = _find(settings, name)

    async def make(database: Database) -> str | None:
        return await Users(database).create_link(found.id, datetime.now(UTC))

    token = administer(settings, make)
    if token is None:
        raise unknown("user", name)
    print_secret(
        f"{origin}/login?link={token}",
        f"This signs '{found.name}' in, once and within ten minutes:",
        is_quiet=quiet,
    )


user.add_command(export_user)
user.add_command(erase_user)


def _find(settings: Settings, name: str) -> User:
    found = administer(settings, lambda database: Users(database).find(name))
    if found is None:
        raise unknown("user", name)
    return found


def _tell(text: str, password: str, *, is_made: bool, is_quiet: bool) -> None:
    if is_made:
        print_secret(password, f"{text} The password, shown this once:", is_quiet=is_quiet)
    elif not is_quiet:
        say(text)


def _get_password(*, is_piped: bool, is_quiet: bool) -> tuple[str, bool]:
    """Get a new password, and whether it was made here.

    Raises:
        CommandFailed: If the one from standard input can't be used.
    """
    if is_piped:
        # A line break at the end is the shell's, as of `echo`.
        text = sys.stdin.read(MAX_LENGTH + 3).removesuffix("\n")
        password = text.removesuffix("\r")
        try:
            check_password(password)
        except ValueError as error:
            raise CommandFailed(sentence(error)) from error
        return password, False
    if sys.stdin.isatty() and not is_quiet:
        return _ask_password(), False
    return new_password(), True


def _ask_password() -> str:
    """Ask until a good password was typed twice; click alone wouldn't say what a good one is."""
    while True:
        password: str = click.prompt("Password", hide_input=True, err=True)
        try:
            check_password(password)
        except ValueError as error:
            say(sentence(error))
            continue
        if click.prompt("The same once more", hide_input=True, err=True) == password:
            return password
        say("These were two different passwords.")


def _check_base_url(text: str) -> str:
    try:
        return parse_origin(text)
    except ValueError as error:
        raise click.UsageError(f"--base-url: {error}.") from error
