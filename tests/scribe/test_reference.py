"""The written table of parameters can't drift: it is compared with what the code prints."""

import runpy
from pathlib import Path

import pytest

from relay.scribe import reference
from relay.scribe.parameters import PARAMETERS
from relay.scribe.reference import HANDLING, render

PAGE = Path(__file__).parents[2] / "docs/reference/scribe-parameters.md"


def test_the_page_of_parameters_is_what_the_code_prints() -> None:
    assert PAGE.read_text() == render(), "make it again: make docs"


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_has_a_row_with_its_meaning(name: str) -> None:
    (row,) = (
        line
        for line in render().splitlines()
        if line.startswith(f"| `{name}` | ") and PARAMETERS[name].help in line
    )
    assert row.count(" | ") == 5


def test_only_parameters_are_handled() -> None:
    assert set(HANDLING) <= set(PARAMETERS)


def test_the_module_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(reference.__file__, run_name="__main__")
    assert capsys.readouterr().out == render()
