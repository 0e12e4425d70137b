"""Commands within the test's own process: for those that neither set up logs nor take signals."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from click.testing import CliRunner

from relay.cli import command_line
from relay.settings import known_variables
from tests.support.spawned import Ended

NOTHING: Mapping[str, str | None] = MappingProxyType(dict.fromkeys(known_variables()))
"""No settings, whatever the machine that runs the tests has."""


def invoke(*arguments: str | Path, environment: Mapping[str, str] = MappingProxyType({})) -> Ended:
    """Run a command in the current folder, with no variables but these."""
    runner = CliRunner(env={**NOTHING, **environment})
    result = runner.invoke(command_line, [*map(str, arguments)], prog_name="scribe-relay")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr, "")


async def invoke_beside(
    *arguments: str | Path, environment: Mapping[str, str] = MappingProxyType({})
) -> Ended:
    """Run a command in a thread, so that servers of the test go on meanwhile."""
    return await asyncio.to_thread(invoke, *arguments, environment=environment)
