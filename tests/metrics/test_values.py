"""What several workers have counted becomes one."""

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families

from relay.metrics.values import (
    Key,
    decode,
    encode,
    lasting,
    merge,
    read_registry,
    write_exposition,
)


def line(name: str, sample: str = "", **labels: str) -> Key:
    return Key(name, sample or name, tuple(labels.items()))


STARTED = line("relay_sessions_started_total", kind="new")
OPEN = line("relay_sessions", state="open")
STILL = line("relay_event_loop_stalled_seconds")
REDIS = line("relay_dependency_up", dependency="redis")
SECONDS = line("relay_added_latency_seconds", "relay_added_latency_seconds_sum")


def test_counters_and_histograms_are_added() -> None:
    one, other = {STARTED: 3.0, SECONDS: 0.5}, {STARTED: 4.0, SECONDS: 0.25}
    assert merge([one, other]) == {STARTED: 7.0, SECONDS: 0.75}


def test_gauges_are_put_together_as_each_means() -> None:
    one, other = {OPEN: 3.0, STILL: 2.0, REDIS: 1.0}, {OPEN: 4.0, STILL: 9.0, REDIS: 0.0}
    assert merge([one, other]) == {OPEN: 7.0, STILL: 9.0, REDIS: 0.0}


def test_what_one_alone_has_is_there() -> None:
    assert merge([{OPEN: 3.0}, {REDIS: 1.0}]) == {OPEN: 3.0, REDIS: 1.0}
    assert merge([]) == {}


def test_what_a_worker_counted_outlives_it_and_its_gauges_do_not() -> None:
    assert lasting({STARTED: 3.0, OPEN: 2.0, SECONDS: 0.5}) == {STARTED: 3.0, SECONDS: 0.5}


def test_collectors_are_read_without_when_they_were_made() -> None:
    registry = CollectorRegistry()
    Counter("relay_sessions_started_total", "", ["kind"], registry=registry).labels("new").inc(2)
    Gauge("relay_workers", "", registry=registry).set(1)
    assert read_registry(registry) == {STARTED: 2.0, line("relay_workers"): 1.0}


def test_values_come_through_a_file_as_they_were() -> None:
    values = {STARTED: 3.0, SECONDS: 0.125, line("relay_workers"): 1.0}
    assert decode(encode(values, 12.5)) == (values, 12.5)


def test_another_file_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(b"something else")


def test_an_exposition_has_every_line_under_its_metric() -> None:
    text = write_exposition({OPEN: 2.0, STARTED: 3.0, SECONDS: 0.5}).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: family.type for name, family in families.items()} == {
        "relay_sessions": "gauge",
        "relay_sessions_started": "counter",
        "relay_added_latency_seconds": "histogram",
    }
    assert all(family.documentation for family in families.values())
    (sample,) = families["relay_sessions_started"].samples
    assert (sample.name, sample.labels, sample.value) == (
        "relay_sessions_started_total",
        {"kind": "new"},
        3.0,
    )
