"""Exit codes, and how expected errors become one line on standard error.

A fault of ours still shows its traceback: that is what a bug report needs.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import click

from relay.client import RelayUnreachable, SessionFailed
from relay.errors import ConfigError, RelayError, StoreUnavailable


class Exit(IntEnum):
    """What the process tells its caller."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "Done; also when a server was stopped by Ctrl-C.",
    Exit.FAILURE: "Something failed: a file, a check, a port that is taken.",
    Exit.USAGE: "The command line is wrong.",
    Exit.CONFIG: "A setting is wrong; every fault is named.",
    Exit.UNREACHABLE: "The relay, the provider or the database can't be reached, or refuses.",
    Exit.INTERRUPTED: "Interrupted by Ctrl-C.",
}
"""For the reference of commands."""


@dataclass(eq=False)
class CommandFailed(RelayError):
    """Raised when a command can't do its work for a reason that the user can mend."""

    text: str
    """What happened, and what to do about it."""
    exit: Exit = Exit.FAILURE

    def __str__(self) -> str:
        return self.text


class CommandLine(click.Group):
    """A group whose commands report expected errors in one line each."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; end the process with the code of what went wrong."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)
        except RelayError as error:
            ctx.exit(report(error))
        except BaseExceptionGroup as group:
            errors = list(leaves(group))
            if not all(isinstance(error, RelayError) for error in errors):
                raise
            ctx.exit(max(report(error) for error in errors))


def report(error: BaseException) -> Exit:
    """Print an error, a line for each fault, and say which exit code it means."""
    for line in str(error).splitlines():
        click.echo(click.style("error: ", fg="red", bold=True) + line, err=True)
    match error:
        case CommandFailed():
            return error.exit
        case ConfigError():
            return Exit.CONFIG
        case RelayUnreachable() | StoreUnavailable():
            return Exit.UNREACHABLE
        case SessionFailed() if error.is_upstreams:
            return Exit.UNREACHABLE
        case _:
            return Exit.FAILURE


def print_result(text: str) -> None:
    """Print what the command was called for, to standard output.

    Raises:
        CommandFailed: If it can't be written; not where its reader has left, as `head` does.
    """
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        # Else Python would try to write what is left once more at its end, and say so at length.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandFailed(f"Standard output can't be written: {error.strerror}.") from error


def warn(text: str) -> None:
    """Print a warning in one line."""
    click.echo(click.style("warning: ", fg="yellow", bold=True) + text, err=True)


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Unpack a group, groups within it included."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
