"""The page of metrics in the documentation: `python -m relay.metrics.reference`.

Made from the collectors themselves; a test compares, so the page can't drift.
"""

import sys

from relay.metrics.families import FAMILIES, OTHER, Family, Kind, Merge

HEAD = """\
# Metrics

Made from the code by `python -m relay.metrics.reference`; change `relay/metrics/families.py`, then
make it again.

`/metrics` has them in Prometheus's text format, those of all workers of a host together: counters
and histograms are added, also of workers that have ended; gauges are of those that live, and put
together as the table says. How to read them, who may, and what to do about them:
[operations](../operations/README.md).

No label holds an id, a name or a text that somebody wrote: every value is in the list below it.
"""

MERGED = {Merge.SUM: "sum", Merge.MAX: "greatest", Merge.MIN: "least"}


def render() -> str:
    """Write the page."""
    parts = [HEAD, "\n| metric | type | workers | meaning |\n|---|---|---|---|\n"]
    for family in FAMILIES:
        merged = MERGED[family.merge] if family.kind is Kind.GAUGE else "sum"
        parts.append(f"| `{family.full_name}` | {family.kind} | {merged} | {_meaning(family)} |\n")
    parts.append("\n## Buckets\n\n| metric | upper bounds, in seconds |\n|---|---|\n")
    for family in FAMILIES:
        if family.buckets:
            bounds = ", ".join(f"{bound:g}" for bound in family.buckets)
            parts.append(f"| `{family.full_name}` | {bounds} |\n")
    return "".join(parts)


def _meaning(family: Family) -> str:
    text = family.help
    for label, values in family.labels.items():
        known = ", ".join(f"`{value}`" for value in values if value != OTHER)
        rest = f"; `{OTHER}` for all else" if OTHER in values else ""
        text += f"<br>`{label}`: {known}{rest}" if known else f"<br>`{label}`"
    return text


if __name__ == "__main__":
    sys.stdout.write(render())
