"""What `make bench` writes of its results into a page of the docs: tables. Pure."""

import re
from typing import Any

from bench.model import Model

Results = dict[str, dict[str, Any]]
"""Answers by section and name."""


def ratio(results: Results, section: str, name: str, to: str) -> float | None:
    """How many times as much processor time `name` takes as `to`."""
    measured = results.get(section, {})
    prices = [measured.get(each, {}).get("cpu_us") for each in (name, to)]
    return None if None in prices else float(prices[0] / prices[1])


def table(head: list[str], rows: list[list[object]]) -> str:
    """Rows as Markdown, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def _named(name: str, answer: dict[str, Any]) -> str:
    """What a row is called; one that doesn't count says so."""
    return f"{name} (void)" if answer.get("void") else name


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def compared(results: Results) -> str:
    """All systems, by the length of messages."""
    parts = []
    for section in (name for name in results if name.startswith("messages of")):
        rows: list[list[object]] = []
        for name, answer in results[section].items():
            if "cpu_us" not in answer:
                continue  # it broke, which is said below
            latency = answer["latency_ms"]
            rows.append(
                [
                    _named(name, answer),
                    _times(ratio(results, section, name, "floor")),
                    f"{answer['cpu_us']:.0f}",
                    answer["sessions_per_core"],
                    f"{answer['sessions']} ({answer['busy']:.0%})",
                    f"{latency['p50']:.1f}",
                    f"{latency['p99']:.1f}",
                    f"{latency['filtering']:.0f} + {latency['collecting']:.0f}",
                    f"{answer['memory_kb']:.0f}",
                ]
            )
        head = ["", "× floor", "µs per session-second", "sessions per core", "measured with (core)"]
        head += ["added p50, ms", "p99, ms", "filter + collecting, ms", "kB per session"]
        parts.append(f"### {section.capitalize()}\n\n{table(head, rows)}")
        parts += [
            f"Void, {name}: {'; '.join(answer['void'])}."
            for name, answer in results[section].items()
            if answer["void"]
        ]
    return "\n\n".join(parts)


def opened(results: Results) -> str:
    """How sessions begin."""
    first, many = results.get("first audio", {}), results.get("openings", {})
    rows: list[list[object]] = [
        [
            name,
            f"{first[name]['p50_ms']:.1f}",
            f"{first[name]['p99_ms']:.1f}",
            f"{many[name]['per_second']:.0f}",
            f"{many[name]['cpu_ms']:.1f}",
        ]
        for name in first
        if "p50_ms" in first[name] and "cpu_ms" in many.get(name, {})
    ]
    head = ["", "connect → first audio p50, ms", "p99, ms", "opened per second", "CPU ms each"]
    return table(head, rows)


def grown(results: Results) -> str:
    """What a session costs as there are more of them."""
    rows: list[list[object]] = []
    growth = results.get("growth", {})
    floor = {each["sessions"]: each["cpu_us"] for each in growth.get("floor", {}).get("points", [])}
    for name, answer in growth.items():
        for point in answer.get("points", []):
            latency, alike = point["latency_ms"], floor.get(point["sessions"])
            rows.append(
                [
                    _named(name, {"void": answer["void"] or point["void"]}),
                    point["sessions"],
                    f"{point['busy']:.0%}",
                    f"{point['cpu_us']:.0f}",
                    _times(None if alike is None else point["cpu_us"] / alike),
                    f"{latency['p50']:.1f}",
                    f"{latency['p99']:.1f}",
                ]
            )
    head = ["", "sessions", "core", "µs per session-second", "× floor", "added p50, ms", "p99, ms"]
    return table(head, rows)


def sized(results: Results, model: Model | None) -> str:
    """What the length of messages costs."""
    sizes = results.get("sizes", {})
    rows: list[list[object]] = []
    for message_ms in sorted({int(name.split()[-1]) for name in sizes}):
        relay, floor = (sizes.get(f"{name} {message_ms}") for name in ("relay", "floor"))
        if not relay or not floor or "cpu_us" not in relay or "cpu_us" not in floor:
            continue
        rows.append(
            [
                _named(f"{message_ms} ms", {"void": relay["void"] or floor["void"]}),
                f"{relay['cpu_us']:.0f}",
                f"{floor['cpu_us']:.0f}",
                f"{relay['cpu_us'] / floor['cpu_us']:.2f}",
                "" if model is None else f"{model.price(message_ms):.0f}",
            ]
        )
    head = ["messages of", "relay, µs", "floor, µs", "ratio", "relay by the model, µs"]
    return table(head, rows)


def _whole(results: Results, section: str) -> list[tuple[str, dict[str, Any]]]:
    """The answers of a section, without those that broke."""
    return [item for item in results.get(section, {}).items() if "cpu_us" in item[1]]


def others(results: Results) -> str:
    """Workers, Redis, and the soak."""
    rows: list[list[object]] = []
    for number, answer in _whole(results, "workers"):
        shares = " and ".join(f"{each:.0%}" for each in answer["shares"])
        price = f"{answer['cpu_us']:.0f} µs per session-second, {answer['memory_mb']} MB"
        label = f"{number} worker(s) on one core, {answer['sessions']} sessions"
        rows.append([_named(label, answer), price])
        rows.append([f"… of the work each process does with {number}", shares])
    for _, answer in _whole(results, "redis"):
        rows += [
            [
                _named("calls of Redis, per session-minute", answer),
                answer["calls_per_session_minute"],
            ],
            ["commands in Redis, those within scripts too", answer["commands_per_session_minute"]],
            ["… and per minute of a worker, whatever it has", answer["commands_per_worker_minute"]],
            ["commands in Redis, to open a session", answer["commands_per_opening"]],
            ["Redis, µs per session-second", answer["redis_cpu_us_per_session_second"]],
        ]
    for _, answer in _whole(results, "soak"):
        rows += [
            [
                _named("memory, kB per session and minute", answer),
                answer["memory_kb_per_session_minute"],
            ],
            ["processor time, % per minute", answer["cpu_percent_per_minute"]],
        ]
    return table(["", "measured"], rows)


def write_into(page: str, name: str, text: str) -> str:
    """Put text between the marks of that name.

    Raises:
        ValueError: If the page has no such marks.
    """
    begin, end = f"<!-- bench: {name} -->\n", "<!-- /bench -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no place for {name}")
    return pattern.sub(lambda _: f"{begin}\n{text}\n\n{end}", page)
