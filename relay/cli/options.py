"""Flags that several commands share, and the settings made from them."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from relay.cli.exits import CommandFailed, warn
from relay.logs import Format, Level, Redactor, configure
from relay.settings import ClientSettings, Environment, Settings, known_variables

Command = TypeVar("Command", bound=Callable[..., Any])

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".env"),
    show_default=True,
    help="File of settings; it need not exist.",
)

_UPSTREAM = (
    click.option(
        "--upstream-region",
        type=click.Choice(["default", "us", "eu", "in", "sg"]),
        help="Which of the provider's hosts to use.  [RELAY_UPSTREAM_REGION]",
    ),
    click.option(
        "--upstream-url",
        metavar="URL",
        help="Provider to use instead, such as a simulator.  [RELAY_UPSTREAM_URL]",
    ),
)

_LOGS = (
    click.option(
        "--log-level",
        type=click.Choice(get_args(Level)),
        help="Least severe message that is logged.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(get_args(Format)),
        help="One JSON object a line, or for reading.",
    ),
)


def upstream_options(command: Command) -> Command:
    """Add the flags that say which provider to use."""
    return _add(_UPSTREAM, command)


def log_options(command: Command) -> Command:
    """Add the flags of the logs."""
    return _add(_LOGS, command)


def _add(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def load_settings(env_file: Path, **flags: Any) -> Settings:
    """Load the settings and print a warning for each variable that does nothing.

    Raises:
        ConfigError: With every fault at once.
    """
    environment = Environment.read(env_file=env_file, **flags)
    for warning in environment.unknown(known_variables()):
        warn(warning)
    return Settings.from_environment(environment)


def load_key(env_file: Path, key: str | None) -> str | None:
    """Find the relay key that a client shows: flag, environment, `.env`, or a file.

    Raises:
        ConfigError: If it can't be a key.
    """
    secret = ClientSettings.load(env_file=env_file, key=key).key
    return None if secret is None else secret.get_secret_value()


def configure_logs(settings: Settings) -> None:
    """Set up this process's logs; the secrets of the settings never enter them."""
    configure(settings.log_level, settings.log_format, redactor=Redactor(settings.known_secrets))


@contextmanager
def listening(host: str, port: int, flag: str) -> Iterator[None]:
    """Explain why an address can't be listened on.

    Raises:
        CommandFailed: Instead of the system's errors about addresses.
    """
    try:
        yield
    except socket.gaierror as error:
        raise CommandFailed(
            f"{host} is no address of this machine. Give another --host."
        ) from error
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                text = f"Port {port} on {host} is taken. Stop what uses it, or give another {flag}."
            case errno.EACCES:
                text = f"Port {port} is reserved for root. Give one above 1023 with {flag}."
            case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
                text = f"This machine has no address {host}. Give another --host."
            case _:
                raise
        raise CommandFailed(text) from error
