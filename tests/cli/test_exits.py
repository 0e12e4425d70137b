import click
import pytest
from click.testing import CliRunner, Result

from relay.cli.exits import MEANINGS, CommandFailed, CommandLine, Exit, leaves
from relay.client import RelayUnreachable, SessionFailed
from relay.errors import ConfigError, InvalidRequest, StoreUnavailable


def invoke(error: BaseException) -> Result:
    """Run a command that raises `error`."""

    @click.group(cls=CommandLine)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (CommandFailed("It broke. Mend it."), Exit.FAILURE, ["error: It broke. Mend it."]),
        (
            CommandFailed("No provider.", Exit.UNREACHABLE),
            Exit.UNREACHABLE,
            ["error: No provider."],
        ),
        (
            ConfigError(("A is wrong.", "B too.")),
            Exit.CONFIG,
            ["error: A is wrong.", "error: B too."],
        ),
        (
            RelayUnreachable("ws://x", "refused."),
            Exit.UNREACHABLE,
            ["error: No relay can be reached at ws://x: refused."],
        ),
        (
            SessionFailed("auth_error", "No key.", 4502, retryable=False),
            Exit.UNREACHABLE,
            ["error: No key. (auth_error, close code 4502)"],
        ),
        (
            SessionFailed("input_error", "Odd.", 4400, retryable=False),
            Exit.FAILURE,
            ["error: Odd. (input_error, close code 4400)"],
        ),
        (
            StoreUnavailable("no answer within 10 s"),
            Exit.UNREACHABLE,
            ["error: The database can't be used: no answer within 10 s."],
        ),
        (InvalidRequest("No."), Exit.FAILURE, ["error: No."]),
        (KeyboardInterrupt(), Exit.INTERRUPTED, []),
        (
            ExceptionGroup("", [InvalidRequest("A."), ExceptionGroup("", [ConfigError(("B.",))])]),
            Exit.CONFIG,
            ["error: A.", "error: B."],
        ),
    ],
)
def test_expected_error_is_one_line_and_a_code(
    error: BaseException, code: Exit, lines: list[str]
) -> None:
    result = invoke(error)
    assert result.exit_code == code
    assert result.stderr.splitlines() == lines
    assert result.stdout == ""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), ExceptionGroup("", [InvalidRequest("A."), KeyError("x")])]
)
def test_fault_of_ours_is_not_hidden(error: Exception) -> None:
    assert invoke(error).exception is error


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_groups_are_unpacked_to_the_last() -> None:
    first, second = ValueError(), KeyError()
    group = BaseExceptionGroup("", [first, BaseExceptionGroup("", [second])])
    assert list(leaves(group)) == [first, second]
