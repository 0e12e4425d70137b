"""What a worker has counted, as plain values; and what several workers' values are together. Pure.

A gauge is of now, so that of a worker which has ended says nothing; what it counted stays.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest

from relay.metrics.families import BY_NAME, FAMILIES, Kind, Merge


class Key(NamedTuple):
    """One line of an exposition."""

    family: str
    sample: str
    """The line's own name: a histogram has several."""
    labels: tuple[tuple[str, str], ...]


Values: TypeAlias = Mapping[Key, float]

_REDUCE: Final[Mapping[Merge, Callable[[float, float], float]]] = {
    Merge.SUM: lambda one, other: one + other,
    Merge.MAX: max,
    Merge.MIN: min,
}


def merge(parts: Iterable[Values]) -> dict[Key, float]:
    """Make one of what several workers have; lines stay in the order of the first that has them."""
    merged: dict[Key, float] = {}
    for part in parts:
        for key, value in part.items():
            reduce = _REDUCE[BY_NAME[key.family].merge]
            merged[key] = reduce(merged[key], value) if key in merged else value
    return merged


def lasting(values: Values) -> dict[Key, float]:
    """What stays true after the worker that counted it has ended."""
    return {
        key: value for key, value in values.items() if BY_NAME[key.family].kind is not Kind.GAUGE
    }


def read_registry(registry: CollectorRegistry) -> dict[Key, float]:
    """Read what collectors hold."""
    full_names = {family.full_name.removesuffix("_total"): family.full_name for family in FAMILIES}
    return {
        Key(full_names[metric.name], sample.name, tuple(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        # When a counter was made is of no use where workers' counters are added.
        if not sample.name.endswith("_created")
    }


class _Exposition:
    """Values in the form that prometheus_client writes."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def collect(self) -> Iterable[Metric]:
        found: dict[str, list[tuple[Key, float]]] = {}
        for key, value in self._values.items():
            found.setdefault(key.family, []).append((key, value))
        for family in FAMILIES:
            if family.full_name in found:
                name = family.full_name.removesuffix("_total")
                metric = Metric(name, family.help, family.kind)
                for key, value in found[family.full_name]:
                    metric.add_sample(key.sample, dict(key.labels), value)
                yield metric


def write_exposition(values: Values) -> bytes:
    """Write values in Prometheus's text format."""
    return generate_latest(_Exposition(values))


def encode(values: Values, written_at: float) -> bytes:
    """Write values for other workers; `written_at` by the machine's monotonic clock."""
    return msgspec.msgpack.encode((written_at, [(*key, value) for key, value in values.items()]))


def decode(data: bytes) -> tuple[dict[Key, float], float]:
    """Read what `encode` wrote.

    Raises:
        msgspec.MsgspecError: If it isn't that.
    """
    written_at, rows = msgspec.msgpack.decode(data, type=_FILE)
    return {
        Key(family, sample, labels): value for family, sample, labels, value in rows
    }, written_at


_FILE: Final = tuple[float, list[tuple[str, str, tuple[tuple[str, str], ...], float]]]
