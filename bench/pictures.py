"""Pictures of results, as SVG. Pure."""

from typing import Any, Final

import pygal
from pygal.style import CleanStyle

from bench.report import Results

_STYLE: Final = CleanStyle(
    background="#ffffff",
    plot_background="#ffffff",
    colors=("#0f766e", "#94a3b8", "#6d28d9", "#b45309", "#be123c"),
    font_family="system-ui, sans-serif",
)


def _chart(chart: Any) -> bytes:
    return bytes(chart.render(is_unicode=False))


def of_prices(results: Results) -> bytes:
    """Bars: what a session costs, for each system and length of message; SVG."""
    sections = [name for name in results if name.startswith("messages of")]
    chart = pygal.Bar(
        style=_STYLE,
        js=(),
        no_prefix=True,
        logarithmic=True,
        title="Processor time per session-second, in µs (logarithmic)",
        legend_at_bottom=True,
        width=900,
        height=420,
        print_values=False,
        value_formatter=lambda value: f"{value:,.0f}",
    )
    chart.x_labels = sections
    for name in ("relay", "floor", "node", "pipecat"):
        chart.add(name, [results[each].get(name, {}).get("cpu_us") for each in sections])
    return _chart(chart)


def of_growth(results: Results) -> bytes:
    """Lines: what a session costs as there are more of them; SVG."""
    chart = pygal.XY(
        style=_STYLE,
        js=(),
        no_prefix=True,
        title="Processor time per session-second, in µs, by sessions on one core",
        x_title="sessions",
        legend_at_bottom=True,
        width=900,
        height=420,
        show_x_guides=False,
        value_formatter=lambda value: f"{value:,.0f}",
        x_value_formatter=lambda value: f"{value:,.0f}",
    )
    for name in ("relay", "floor"):
        points = results.get("growth", {}).get(name, {}).get("points", [])
        chart.add(name, [(each["sessions"], each["cpu_us"]) for each in points])
    chart.range = (0, None)
    return _chart(chart)
