"""`scribe-relay doctor`."""

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import click

from relay.cli.exits import Exit
from relay.cli.local import run
from relay.cli.options import ENV_FILE, load_key, load_settings, upstream_options
from relay.doctor import Finding, Status, examine, examine_relay

COLOURS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


@click.command(
    epilog="""\b
Examples:
  scribe-relay doctor
  scribe-relay doctor --url https://relay.example.org --idle 90
  scribe-relay doctor --json
"""
)
@click.option("--url", help="A running relay to check too, through all that stands in front of it.")
@click.option("--key", help="Key for that relay; better set as RELAY_KEY or RELAY_KEY_FILE.")
@click.option(
    "--idle",
    type=click.FloatRange(0, 3600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="With --url: silence that a connection must survive.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@upstream_options
@ENV_FILE
def doctor(
    env_file: Path, url: str | None, key: str | None, idle: float, as_json: bool, **flags: str
) -> None:
    """Find what keeps the relay from working.

    Says what to do about it. Checks this machine, the settings, database, Redis, and the way to the
    provider: name, certificate, clock, and a real session, which costs nothing since no audio is
    sent. Exit code 1 if something fails.
    """
    settings = load_settings(env_file, **flags)
    relay_key = load_key(env_file, key)

    async def print_findings() -> bool:
        is_well = await _print(examine(settings), as_json=as_json)
        if url is not None:
            findings = examine_relay(url, key=relay_key, idle=idle)
            is_well = await _print(findings, as_json=as_json) and is_well
        return is_well

    click.get_current_context().exit(Exit.OK if run(print_findings()) else Exit.FAILURE)


async def _print(findings: AsyncIterator[Finding], *, as_json: bool) -> bool:
    is_well = True
    async for finding in findings:
        is_well = is_well and finding.status is not Status.FAIL
        if as_json:
            click.echo(json.dumps(dataclasses.asdict(finding), ensure_ascii=False))
            continue
        status = click.style(f"{finding.status:<4}", fg=COLOURS[finding.status], bold=True)
        click.echo(f"{status}  {finding.check:<8} {finding.text}")
        if finding.advice:
            click.echo(f"{'':15}{finding.advice}")
    return is_well
