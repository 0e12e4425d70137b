"""The page of metrics."""

import runpy

import pytest

from relay.metrics import reference
from relay.metrics.families import FAMILIES
from relay.metrics.reference import render


def test_every_metric_is_there_with_the_values_of_its_labels() -> None:
    page = render()
    for family in FAMILIES:
        assert f"| `{family.full_name}` | {family.kind} |" in page
    assert "<br>`state`: `queued`, `opening`, `open`, `parked`, `ending` |" in page
    assert "`not_allowed`; `other` for all else |" in page
    assert "<br>`version` |" in page


def test_buckets_are_listed() -> None:
    assert "| `relay_speech_to_final_seconds` | 0.1, 0.2, 0.3," in render()


def test_the_page_is_written_by_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(reference.__file__, run_name="__main__")
    assert capsys.readouterr().out == render()
