"""`scribe-relay kiosk`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import click

from relay.cli.admin import (
    AS_JSON,
    administer,
    confirm,
    print_rows,
    require_name,
    say,
    unknown,
)
from relay.cli.exits import CommandFailed
from relay.cli.options import ENV_FILE, load_settings
from relay.scribe.parameters import Parameters
from relay.settings import Settings
from relay.settings.options import parse_pinned_options
from relay.store import Database, Kiosk, Kiosks

APPROVER: Final = "command line"
"""Who approved, as the list shows it: whoever may read the database needs no name."""


@click.group(
    epilog="""\b
Examples:
  scribe-relay kiosk list --pending
  scribe-relay kiosk approve TFRS-PSVR --name lobby
  scribe-relay kiosk revoke lobby
"""
)
def kiosk() -> None:
    """Administer devices that people share.

    A device asks the relay for a code at /api/kiosk/enrolment and shows it; once the code is
    approved, the device needs no sign-in. Works with the database, so it takes effect at once.
    """


@kiosk.command(
    "list",
    epilog="""\b
Examples:
  scribe-relay kiosk list
  scribe-relay kiosk list --pending
""",
)
@click.option("--pending", is_flag=True, help="List the devices that wait for approval instead.")
@click.option("--all", "with_revoked", is_flag=True, help="List those that were revoked too.")
@AS_JSON
@ENV_FILE
def list_kiosks(pending: bool, with_revoked: bool, as_json: bool, env_file: Path) -> None:
    """List all kiosks, or the devices that would like to be one."""
    settings = load_settings(env_file)
    if pending:
        now = datetime.now(UTC)
        waiting = administer(settings, lambda database: Kiosks(database).pending(now))
        rows = [
            {
                "code": device.code,
                "address": device.address,
                "since": device.created_at,
                "until": device.expires_at,
            }
            for device in waiting
        ]
        print_rows(rows, as_json=as_json, if_none="No device waits for approval.")
        return
    kiosks = administer(settings, lambda database: Kiosks(database).list(with_revoked=with_revoked))
    print_rows(
        [_row(kiosk, with_revoked=with_revoked) for kiosk in kiosks],
        as_json=as_json,
        if_none="No kiosks. Let a device ask for a code to make it one.",
    )


@kiosk.command(
    epilog="""\b
Examples:
  scribe-relay kiosk approve BCDF-GHJK --name lobby
  scribe-relay kiosk approve bcdfghjk --name hall --option language_code=en
"""
)
@click.argument("code")
@click.option("--name", required=True, help="What to call the kiosk.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Option that its sessions get, whatever they ask for; may be repeated.",
)
@ENV_FILE
def approve(code: str, name: str, options: Sequence[str], env_file: Path) -> None:
    """Make the device that shows CODE a kiosk."""
    settings = load_settings(env_file)
    require_name(name)
    pairs = _parse_options(options, settings)

    async def approve_in(database: Database) -> Kiosk | None:
        return await Kiosks(database).approve(code, name, pairs, APPROVER, datetime.now(UTC))

    if administer(settings, approve_in) is None:
        raise CommandFailed(
            f"No device waits with the code '{code}'. Codes last ten minutes; see those that wait "
            "with: scribe-relay kiosk list --pending"
        )
    say(f"Kiosk '{name}' was approved; its device will know within seconds.")


@kiosk.command(epilog="\b\nExamples:\n  scribe-relay kiosk revoke lobby")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@ENV_FILE
def revoke(name: str, yes: bool, env_file: Path) -> None:
    """Revoke a kiosk.

    NAME may be an id too. Its live sessions end within seconds, and the name is free again.
    """
    settings = load_settings(env_file)
    confirm(f"Revoke kiosk '{name}'?", is_sure=yes)
    if not administer(settings, lambda database: Kiosks(database).revoke(name)):
        raise unknown("kiosk", name)
    say(f"Kiosk '{name}' was revoked.")


def _parse_options(options: Sequence[str], settings: Settings) -> tuple[tuple[str, str], ...]:
    """Read `NAME=VALUE`, several times.

    Raises:
        click.UsageError: If no session could run with these options.
    """
    pairs = []
    for text in options:
        name, mark, value = text.partition("=")
        if not mark:
            raise click.UsageError(f"--option {text}: give NAME=VALUE, such as language_code=en.")
        pairs.append((name, value))
    if not pairs:
        return ()
    try:
        parse_pinned_options(urlencode(pairs))
    except ValueError as error:
        raise click.UsageError(f"--option: {error}.") from error
    if refused := sorted(Parameters.parse(pairs).surcharges() - settings.allowed_surcharges):
        raise click.UsageError(
            f"--option: {', '.join(refused)} costs extra, so every session of this kiosk would be "
            "refused; name it in RELAY_ALLOWED_SURCHARGES as well."
        )
    return tuple(pairs)


def _row(kiosk: Kiosk, *, with_revoked: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "name": kiosk.name,
        "options": [list(pair) for pair in kiosk.options],
        "in_use": kiosk.is_collected,
        "approved_by": kiosk.approved_by,
        "created": kiosk.created_at,
        "id": kiosk.id,
    }
    return {**row, "revoked": kiosk.revoked_at} if with_revoked else row
