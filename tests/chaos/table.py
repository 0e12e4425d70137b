"""The fault table as it is shown. Pure."""

import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from statistics import median
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tests.chaos.session import Outcome

HEAD: Final = (
    "what happens",
    "sessions",
    "samples lost",
    "samples twice",
    "events lost",
    "doubled",
    "dropped as known",
    "out of order",
    "other",
    "gap, median ms",
    "gap, worst ms",
)

WIDTH: Final = 140
"""Columns of a table that goes to no terminal."""


@dataclass(frozen=True)
class Line:
    """One row as text, a field for each column."""

    name: str
    sessions: str
    samples_lost: str
    samples_twice: str
    events_lost: str
    events_doubled: str
    events_repeated: str
    """Sent again, and dropped by the client: no defect."""
    events_disordered: str
    other: str
    """Sessions with any other defect."""
    gap_median: str
    gap_worst: str


def line_of(name: str, outcomes: Sequence[Outcome]) -> Line:
    """Sum up the sessions of one row."""
    verdicts = [outcome.verdict for outcome in outcomes]
    gaps = [verdict.gap_ms for verdict in verdicts]
    return Line(
        name,
        str(len(outcomes)),
        str(sum(verdict.samples_lost for verdict in verdicts)),
        str(sum(verdict.samples_twice for verdict in verdicts)),
        str(sum(verdict.events_lost for verdict in verdicts)),
        str(sum(verdict.events_doubled for verdict in verdicts)),
        str(sum(verdict.events_repeated for verdict in verdicts)),
        str(sum(verdict.events_disordered for verdict in verdicts)),
        str(sum(_has_another_defect(outcome) for outcome in outcomes)),
        f"{median(gaps):.0f}",
        f"{max(gaps):.0f}",
    )


def as_markdown(lines: Sequence[Line]) -> str:
    """A table for the docs."""
    rules = ["---", *("--:" for _ in HEAD[1:])]
    rows = [HEAD, rules, *(astuple(line) for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def as_text(lines: Sequence[Line]) -> str:
    """A table for a terminal or a log."""
    table = Table(*HEAD, box=SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    for line in lines:
        table.add_row(*astuple(line))
    out = io.StringIO()
    Console(file=out, width=WIDTH).print(table)
    return out.getvalue()


def _has_another_defect(outcome: Outcome) -> bool:
    shown = {"samples lost", "samples twice", "events lost", "events doubled", "events disordered"}
    others = outcome.verdict.defects.keys() - shown
    return bool(others) or len(outcome.defects) > len(outcome.verdict.defects)
