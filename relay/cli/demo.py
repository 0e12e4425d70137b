"""`scribe-relay demo`."""

import re
import secrets
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from relay.cli.local import LocalRelay, interruption, local_relay, run
from relay.cli.options import (
    ENV_FILE,
    configure_logs,
    load_settings,
    log_options,
    upstream_options,
)
from relay.services import Services
from relay.settings import Settings

VISITOR = re.compile("demo-[0-9a-f]{4}")
"""What the key and the operator that it makes are called."""

SAMPLE = Path("/usr/share/sounds/alsa/Front_Center.wav")
"""A human voice that many Linux machines have; something to try at once."""


@click.command(
    epilog="""\b
Examples:
  scribe-relay demo
  scribe-relay demo --port 9000 --simulator-port 9001
  ELEVENLABS_API_KEY=… scribe-relay demo        # the real service
"""
)
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the relay.")
@click.option(
    "--simulator-port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port of the simulator.",
)
@click.option(
    "--engine",
    type=click.Choice(["pocketsphinx", "scripted"]),
    help="What the simulator answers with; by default it recognises speech where it can.",
)
@click.option(
    "--simulator", "force_simulator", is_flag=True, help="Use the simulator although a key is set."
)
@upstream_options
@log_options
@ENV_FILE
def demo(env_file: Path, **options: Any) -> None:
    """Run a relay to try things on.

    No key, no account and no network are needed. Without ELEVENLABS_API_KEY a simulator of the
    provider runs beside it; with the key set, the real service answers.
    """
    local = {name: options.pop(name) for name in ("simulator_port", "engine", "force_simulator")}
    settings = load_settings(env_file, **options)
    configure_logs(settings)
    sample = SAMPLE if SAMPLE.exists() else Path("speech.wav")
    run(_demo(settings, local, sample))
    click.echo("Stopped.")


async def _demo(settings: Settings, local: dict[str, Any], sample: Path) -> None:
    async with local_relay(settings, **local) as relay, _visiting(relay.services) as visit:
        with interruption() as came:
            _announce(relay, visit, sample)
            await came.wait()


@dataclass(frozen=True)
class Visit:
    """What lets somebody in for as long as the demo runs."""

    key: str
    link_token: str


def _announce(relay: LocalRelay, visit: Visit, sample: Path) -> None:
    click.echo(f"Relay      {relay.url}")
    click.echo(f"Stream     {relay.url.replace('http', 'ws', 1)}/v1/stream")
    if relay.engine is not None:
        click.echo(f"Simulator  {relay.upstream_url}")
    click.echo(relay.answers)
    click.echo("\nIn a browser, this signs you in, once and within ten minutes:\n")
    click.echo(f"  {relay.url}/login?link={visit.link_token}\n")
    click.echo("In another terminal:\n")
    click.echo(f"  RELAY_KEY={visit.key} \\")
    command = (*_program(), "transcribe", str(sample), "--url", relay.url)
    click.echo(f"  {shlex.join(command)}\n")
    click.echo("Ctrl-C ends.")


@asynccontextmanager
async def _visiting(services: Services) -> AsyncIterator[Visit]:
    """Let programs in by a key and a browser by a link, until the demo ends."""
    await _clear_away(services)
    name = f"demo-{secrets.token_hex(2)}"
    user = await services.users.add(name, None, is_operator=True)
    link_token = await services.users.create_link(user.id, datetime.now(UTC))
    assert link_token is not None
    key, secret = await services.api_keys.create(name)
    try:
        yield Visit(secret, link_token)
    finally:
        await services.api_keys.revoke(key.id)
        await services.users.remove(user.id)


async def _clear_away(services: Services) -> None:
    """End what a demo that was killed has left."""
    for user in await services.users.list():
        if VISITOR.fullmatch(user.name) and user.password_hash is None:
            await services.users.remove(user.id)
    for key in await services.api_keys.list():
        if VISITOR.fullmatch(key.name):
            await services.api_keys.revoke(key.id)


def _program() -> tuple[str, ...]:
    """Say how this program can be called from the same folder."""
    path = Path(sys.argv[0]).absolute()
    if path.name == "__main__.py":
        return _from_here(Path(sys.executable)), "-m", "relay"
    return ("scribe-relay" if shutil.which("scribe-relay") else _from_here(path),)


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
