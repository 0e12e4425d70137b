"""Every collector of a worker, in a registry of its own."""

from collections import Counter as Tally
from collections.abc import Mapping
from itertools import product
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

import relay
from relay.meter import Meter, Used
from relay.metrics.families import BY_NAME, FAMILIES, OTHER, STATES, Family, Kind
from relay.metrics.values import Key, read_registry

Collector: TypeAlias = Counter | Gauge | Histogram

ENDINGS: Final[Mapping[str, str]] = {
    "Finished": "finished",
    "Refused": "refused",
    "Moved": "moved",
    "Taken": "taken",
    "Fault": "fault",
    "UpstreamRejected": "upstream",
    "UpstreamUnavailable": "upstream",
}

DIRECTIONS: Final = {
    "received": "received_ms",
    "sent": "sent_ms",
    "replayed": "replayed_ms",
    "inserted": "silence_ms",
}


class Metrics(Meter):
    """Counts what happens in a worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._collectors = {family.name: _build(family, self._registry) for family in FAMILIES}
        self._absent = {family.full_name for family in FAMILIES if not family.is_shown_at_once}
        self._used: dict[object, tuple[int, ...]] = {}
        self.set("workers", 1)
        self.set("build_info", 1, relay.__version__)

    def values(self) -> dict[Key, float]:
        """What was counted by now."""
        values = read_registry(self._registry)
        return {key: value for key, value in values.items() if key.family not in self._absent}

    # How values get in.

    def set(self, name: str, value: float, *labels: str) -> None:
        """Say what a gauge is now."""
        gauge = self._collectors[name]
        assert isinstance(gauge, Gauge)
        (gauge.labels(*labels) if labels else gauge).set(value)
        self._absent.discard(f"relay_{name}")

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter; a label's value that isn't known counts as `other`."""
        counter = self._collectors[name]
        assert isinstance(counter, Counter)
        bounded = _bounded(BY_NAME[f"relay_{name}"], labels)
        (counter.labels(*bounded) if labels else counter).inc(by)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Add to a histogram."""
        histogram = self._collectors[name]
        assert isinstance(histogram, Histogram)
        (histogram.labels(*labels) if labels else histogram).observe(max(0.0, seconds))

    def set_states(self, states: Tally[str]) -> None:
        """Say how many sessions are in each state."""
        for state in STATES:
            self.set("sessions", states[state], state)

    # What is said: relay.meter.

    def session_began(self, who: object, kind: str, used: Used) -> None:
        self._used[who] = _amounts(used)
        self.count("sessions_started_total", kind)

    def session_resumed(self) -> None:
        self.count("sessions_started_total", "resumed")

    def session_used(self, who: object, used: Used) -> None:
        before, now = self._used.get(who), _amounts(used)
        if before is None:
            return  # it has ended
        self._used[who] = now
        for direction, old, new in zip(DIRECTIONS, before, now, strict=True):
            if new > old:
                self.count("audio_seconds_total", direction, by=(new - old) / 1000)

    def session_ended(self, who: object, ending: str, used: Used) -> None:
        self.session_used(who, used)
        del self._used[who]
        self.count("sessions_ended_total", ENDINGS.get(ending, "fault"))

    def added_latency(self, seconds: float) -> None:
        self.observe("added_latency_seconds", seconds)

    def speech_to_final(self, seconds: float) -> None:
        self.observe("speech_to_final_seconds", seconds)

    def gap(self, reason: str, seconds: float) -> None:
        self.count("audio_gap_seconds_total", reason, by=max(0.0, seconds))

    def recorded(self, seconds: float) -> None:
        self.count("recorded_audio_seconds_total", by=seconds)

    def recording_lost(self, reason: str, seconds: float) -> None:
        self.count("recording_lost_seconds_total", reason, by=seconds)

    def audio_warned(self, code: str) -> None:
        self.count("audio_warnings_total", code)

    def upstream_opened(self, seconds: float) -> None:
        self.count("upstream_connects_total", "opened")
        self.observe("upstream_connect_seconds", seconds)

    def upstream_not_opened(self) -> None:
        self.count("upstream_connects_total", "failed")

    def upstream_failed(self, reason: str) -> None:
        self.count("upstream_errors_total", reason)

    def upstream_reopens(self, reason: str) -> None:
        self.count("upstream_reconnects_total", reason)

    def upstream_replays(self, reason: str) -> None:
        self.count("upstream_replays_total", reason)

    def upstream_rolls_over(self, *, closes_first: bool) -> None:
        self.count("upstream_rollovers_total", "closed_first" if closes_first else "ahead")

    def limit_hit(self, limit: str, at: str) -> None:
        self.count("limits_hit_total", limit, at)

    def credential_refused(self, reason: str) -> None:
        self.count("auth_failures_total", reason)

    def answered(self, status: int) -> None:
        self.count("http_responses_total", str(status))

    def segment_judged(self, analyser: str, seconds: float) -> None:
        self.count("analysis_segments_total", analyser, "judged")
        self.observe("analysis_seconds", seconds, analyser)

    def judging_failed(self, analyser: str, *, is_final: bool) -> None:
        self.count("analysis_segments_total", analyser, "given_up" if is_final else "failed")

    def flag_raised(self, analyser: str, kind: str) -> None:
        self.count("analysis_flags_total", analyser, kind)

    def segments_wait(self, analyser: str, count: int, age: float) -> None:
        self.set("analysis_waiting_segments", count, analyser)
        self.set("analysis_oldest_seconds", age, analyser)

    def message_sent(self, outcome: str) -> None:
        self.count("webhook_messages_total", outcome)

    def messages_wait(self, count: int) -> None:
        self.set("webhook_waiting_messages", count)


def _build(family: Family, registry: CollectorRegistry) -> Collector:
    kinds = {Kind.COUNTER: Counter, Kind.GAUGE: Gauge}
    names = list(family.labels)
    collector: Collector
    if family.kind is Kind.HISTOGRAM:
        collector = Histogram(
            family.full_name, family.help, names, buckets=family.buckets, registry=registry
        )
    else:
        collector = kinds[family.kind](family.full_name, family.help, names, registry=registry)
    if family.is_shown_at_once and names:
        # That nothing was counted yet is something to say: a rate needs a first value.
        for labels in _combinations(family):
            collector.labels(*labels)
    return collector


def _combinations(family: Family) -> list[tuple[str, ...]]:
    if family.name == "limits_hit_total":
        return [
            ("rate_limited", "handshake"),
            *((limit, "admission") for limit in ("rate_limited", "too_many_sessions")),
            *(
                (limit, place)
                for limit in ("quota_exceeded",)
                for place in ("admission", "session")
            ),
            ("session_time_limit_exceeded", "session"),
            ("rate_limited", "http"),
        ]
    return list(product(*family.labels.values()))


def _bounded(family: Family, labels: tuple[str, ...]) -> list[str]:
    return [
        value if value in known else OTHER
        for value, known in zip(labels, family.labels.values(), strict=True)
    ]


def _amounts(used: Used) -> tuple[int, ...]:
    return tuple(getattr(used, name) for name in DIRECTIONS.values())
