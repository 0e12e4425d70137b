"""Print the fault table: `python -m tests.chaos`; the exit code says whether all was well."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from fnmatch import fnmatch

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tests.chaos.rig import running_rig
from tests.chaos.rows import TABLE, Row
from tests.chaos.session import Outcome, Plan, plan_at_random, plan_row, run
from tests.chaos.table import Line, as_markdown, as_text, line_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 if anything was lost, doubled or out of order."""
    asked = _parser().parse_args(arguments)
    rows = [row for row in TABLE if _is_asked_for(row, asked.rows)]
    if not rows:
        sys.stderr.write(f"No row is called {' or '.join(asked.rows)}; --list shows all.\n")
        return 2
    if asked.list:
        sys.stdout.writelines(f"{row.name}\n" for row in rows)
        return 0
    # The simulator's log would bury the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    plans = [plan_row(row, seed) for row in rows for seed in range(asked.seeds)]
    plans += [plan_at_random(seed, with_slow=True) for seed in range(asked.random)]
    outcomes = asyncio.run(_run_all(plans))
    lines = [
        line_of(row.name, [each for each in outcomes if each.plan.name == row.name]) for row in rows
    ]
    lines += _lines_of_random(outcomes)
    sys.stdout.write(as_markdown(lines) if asked.markdown else as_text(lines))
    return int(any(outcome.defects for outcome in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--rows", nargs="+", default=[], metavar="NAME", help="whole names, or parts with *"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="sessions of each row (default 1)"
    )
    parser.add_argument(
        "--random", type=int, default=0, metavar="N", help="sessions drawn at random as well"
    )
    parser.add_argument("--markdown", action="store_true", help="as the docs show it")
    parser.add_argument("--list", action="store_true", help="show the names of the rows only")
    return parser


def _is_asked_for(row: Row, names: Sequence[str]) -> bool:
    return not names or any(fnmatch(row.name.lower(), name.lower()) for name in names)


def _lines_of_random(outcomes: Sequence[Outcome]) -> list[Line]:
    """One line for all that were drawn; those with defects are named below the table."""
    drawn = [each for each in outcomes if each.plan.is_random]
    return [line_of(f"{len(drawn)} at random", drawn)] if drawn else []


def _say(outcome: Outcome) -> str:
    """What is wrong, on one line."""
    plan = outcome.plan
    defects = ", ".join(outcome.defects)
    return f"{plan.name}, seed {plan.seed}: {defects}; closes {outcome.log.closes}"


async def _run_all(plans: Sequence[Plan]) -> list[Outcome]:
    console = Console(stderr=True)
    outcomes = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=len(plans))
        async with running_rig() as rig:
            for plan in plans:
                progress.update(task, description=plan.name)
                outcome = await run(rig, plan)
                outcomes.append(outcome)
                progress.advance(task)
                if outcome.defects:
                    progress.print(_say(outcome), markup=False, soft_wrap=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
