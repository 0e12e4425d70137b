"""`scribe-relay check-config`."""

from pathlib import Path

import click

from relay.cli.exits import warn
from relay.cli.options import ENV_FILE, upstream_options
from relay.settings import Environment, Settings, known_variables
from relay.settings.reference import write_value


@click.command(
    "check-config",
    epilog="""\b
Examples:
  scribe-relay check-config
  scribe-relay check-config --env-file deploy/production.env
""",
)
@upstream_options
@ENV_FILE
def check_config(env_file: Path, **flags: str | None) -> None:
    """Check every setting.

    Shows what is in force and where it comes from. Secrets are not shown. With faults, all of them
    are named and the exit code is 3.
    """
    environment = Environment.read(env_file=env_file, **flags)
    for warning in environment.unknown(known_variables()):
        warn(warning)
    settings = Settings.from_environment(environment)
    found, _ = Settings.collect(environment)
    for name in Settings.model_fields:
        value = write_value(getattr(settings, name))
        origin = found[name].origin if name in found else "default"
        line = f"{Settings.variable_of(name)}={value}"
        click.echo(f"{line:<50} {click.style(f'# {origin}', dim=True)}")
    click.echo(f"{'upstream':<50} {click.style(f'# {settings.upstream_base_url}', dim=True)}")
