"""Compare the relay with the floor and with what people would use instead.

Writes docs/topics/performance.md (its tables), performance.json beside it, and two pictures.

    python -m bench.performance
    python -m bench.performance --only "messages of 100 ms" --only redis
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import pictures, report, systems
from bench.experiments import Answer, Step, steps
from bench.model import Model, cluster
from bench.provider import Certificate, Provider, serving_provider

PAGE: Final = systems.ROOT / "docs/topics/performance.md"
RESULTS: Final = PAGE.with_suffix(".json")
IMAGES: Final = systems.ROOT / "docs/images"


async def measure(chosen: list[Step], results: report.Results) -> None:
    """Take all steps; answers go into `results`."""
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, TimeElapsedColumn(), disable=not sys.stderr.isatty()) as progress,
    ):
        task = progress.add_task("", total=len(chosen))
        async with serving_provider(Certificate.make(Path(folder))) as provider:
            for section, name, step in chosen:
                progress.update(task, description=f"{section}: {name}")
                begin = time.perf_counter()
                answer = await attempt(step, provider)
                results.setdefault(section, {})[name] = answer
                progress.advance(task)
                _tell(section, name, answer, time.perf_counter() - begin)


async def attempt(step: Callable[[Provider], Awaitable[Answer]], provider: Provider) -> Answer:
    """Take a step; one that breaks voids itself alone."""
    try:
        return await step(provider)
    except Exception as error:
        return {"void": [f"it broke: {root_of(error)!r}"]}


def root_of(error: BaseException) -> BaseException:
    """What is behind groups of one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _tell(section: str, name: str, answer: dict[str, Any], seconds: float) -> None:
    brief = {key: value for key, value in answer.items() if key != "points"}
    print(f"{section}: {name} ({seconds:.0f} s) {json.dumps(brief)}", flush=True)


def write(results: report.Results) -> None:
    """Write what the docs show, of what was measured now or before."""
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    model = Model.fitted(results.get("sizes", {}))
    tables = {
        "systems": report.compared(results),
        "openings": report.opened(results),
        "growth": report.grown(results),
        "sizes": report.sized(results, model),
        "others": report.others(results),
    }
    needed = {"messages of 100 ms": "cpu_us", "redis": "cpu_us", "openings": "cpu_ms"}
    if all(key in results.get(name, {}).get("relay", {}) for name, key in needed.items()):
        tables["cluster"] = report.table(["", "100,000 sessions"], cluster(results))
    page = PAGE.read_text()
    for name, text in tables.items():
        page = report.write_into(page, name, text)
    PAGE.write_text(page)
    (IMAGES / "performance-systems.svg").write_bytes(pictures.of_prices(results))
    (IMAGES / "performance-growth.svg").write_bytes(pictures.of_growth(results))


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", metavar="SECTION", help="take these alone")
    parser.add_argument("--system", action="append", metavar="NAME", help="and of these alone")
    only = parser.parse_args()
    chosen = [
        step
        for step in steps()
        if (not only.only or step[0] in only.only) and (not only.system or step[1] in only.system)
    ]
    systems.install()
    systems.prepare()
    results: report.Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    uvloop.run(measure(chosen, results))
    write(results)


if __name__ == "__main__":
    main()
