"""`scribe-relay key`."""

from pathlib import Path

import click

from relay.cli.admin import (
    AS_JSON,
    NAME,
    QUIET,
    administer,
    confirm,
    print_rows,
    print_secret,
    require_name,
    say,
    unknown,
)
from relay.cli.options import ENV_FILE, load_settings
from relay.limits.policy import Limits
from relay.store import ApiKey, ApiKeys, Database


@click.group(
    epilog="""\b
Examples:
  scribe-relay key create billing
  scribe-relay key list
  scribe-relay key revoke billing
"""
)
def key() -> None:
    """Administer the keys of servers that use the relay.

    A server shows its key as `xi-api-key`, for itself or to get tickets for its own users. Works
    with the database, so it takes effect at once.
    """


@key.command(
    epilog="""\b
Examples:
  scribe-relay key create billing
  scribe-relay key create mobile --sessions 200 --minutes-per-day 10000
  RELAY_KEY=$(scribe-relay key create ci --quiet) scribe-relay transcribe --url … speech.wav
"""
)
@NAME
@click.option("--sessions", type=int, metavar="N", help="Sessions at once.")
@click.option("--connects-per-minute", type=int, metavar="N", help="Sessions begun in a minute.")
@click.option("--minutes-per-day", type=float, metavar="N", help="Audio in a day (UTC).")
@click.option("--session-minutes", type=float, metavar="N", help="Longest session.")
@QUIET
@ENV_FILE
def create(name: str, quiet: bool, env_file: Path, **given: float | None) -> None:
    """Create a key, and print it this once.

    Limits that are not given are those of RELAY_LIMIT_KEY_…; they hold for the key itself and for
    each subject that it speaks for.
    """
    settings = load_settings(env_file)
    require_name(name)
    limits = {limit: value for limit, value in given.items() if value is not None}
    try:
        Limits(0, 0, None, None).replaced(limits)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error

    async def create_in(database: Database) -> tuple[ApiKey, str]:
        return await ApiKeys(database).create(name, limits)

    _, text = administer(settings, create_in)
    print_secret(text, f"Key '{name}' was created. Shown this once:", is_quiet=quiet)


@key.command("list", epilog="\b\nExamples:\n  scribe-relay key list --json | jq -r .name")
@click.option("--all", "with_revoked", is_flag=True, help="List those that were revoked too.")
@AS_JSON
@ENV_FILE
def list_keys(with_revoked: bool, as_json: bool, env_file: Path) -> None:
    """List all keys, without their secrets."""
    keys = administer(
        load_settings(env_file),
        lambda database: ApiKeys(database).list(with_revoked=with_revoked),
    )
    rows = [_row(key, with_revoked=with_revoked) for key in keys]
    print_rows(rows, as_json=as_json, if_none="No keys. Make one: scribe-relay key create NAME")


@key.command(epilog="\b\nExamples:\n  scribe-relay key revoke billing")
@NAME
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@ENV_FILE
def revoke(name: str, yes: bool, env_file: Path) -> None:
    """Revoke a key.

    NAME may be an id too. Its live sessions end within seconds, and the name is free again.
    """
    settings = load_settings(env_file)
    confirm(f"Revoke key '{name}'?", is_sure=yes)
    if not administer(settings, lambda database: ApiKeys(database).revoke(name)):
        raise unknown("key", name)
    say(f"Key '{name}' was revoked.")


def _row(key: ApiKey, *, with_revoked: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "name": key.name,
        "limits": dict(key.limits),
        "created": key.created_at,
        "id": key.id,
    }
    return {**row, "revoked": key.revoked_at} if with_revoked else row
