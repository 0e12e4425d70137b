"""Every metric: its name, what it says, its labels and all of their values, how workers add up.

The page docs/reference/metrics.md is made from this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Final

from relay.analysis.scores import KINDS
from relay.audio.health import Ailment
from relay.scribe.errors import ErrorType
from relay.upstream.recovery import Break


class Kind(StrEnum):
    """Prometheus's types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """What several workers' gauges are together; counters and histograms are always added."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


OTHER: Final = "other"
"""Stands for every value of a label that isn't one of those that are known."""


@dataclass(frozen=True)
class Family:
    """One metric."""

    name: str
    """Without `relay_`, and with `_total` where it is a counter."""
    kind: Kind
    help: str
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each label with every value it can have; the last one may be `OTHER`."""
    merge: Merge = Merge.SUM
    buckets: Sequence[float] = ()
    is_shown_at_once: bool = True
    """Whether it is there with 0 before anything was counted; else absent until it is known."""

    @property
    def full_name(self) -> str:
        return f"relay_{self.name}"


FAILURES: Final = ("upstream_unavailable", *map(str, chain(Break, ErrorType)), OTHER)
"""How a socket at the provider can fail; the first is what can't be connected to at all."""

STATES: Final = ("queued", "opening", "open", "parked", "ending")

LATENCY_BUCKETS: Final = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0),
)
"""Seconds: closest where a healthy relay is, a few milliseconds; to the ledger's minute."""

FINAL_BUCKETS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: closest at 0.25 to 0.45, which is what the provider takes when all is well."""

CONNECT_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 20.0)

LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

PROBE_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)

LIMITS: Final = (
    "rate_limited",
    "too_many_sessions",
    "quota_exceeded",
    "session_time_limit_exceeded",
    OTHER,
)

PLACES: Final = ("handshake", "admission", "session", "http")

REFUSALS: Final = (
    *("ticket", "resume_token", "key", "password", "link", "cookie", "nothing", "origin"),
    *("not_allowed", OTHER),
)

STATUSES: Final = (
    *(
        "101",
        "200",
        "201",
        "204",
        "206",
        "303",
        "304",
        "400",
        "401",
        "403",
        "404",
        "405",
        "416",
        "421",
        "422",
    ),
    *("429", "500", "502", "503", OTHER),
)

ANALYSERS: Final = ("local", "http")

ANALYSIS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

FAMILIES: Final = (
    Family("workers", Kind.GAUGE, "Worker processes that are alive."),
    Family(
        "build_info",
        Kind.GAUGE,
        "The release that runs, as a label; always 1.",
        {"version": ()},
        Merge.MAX,
    ),
    # Sessions.
    Family(
        "sessions",
        Kind.GAUGE,
        "Sessions on the workers: waiting for a place at the provider, opening a socket there, "
        "open, parked until the client comes back, or ending.",
        {"state": STATES},
    ),
    Family("sessions_limit", Kind.GAUGE, "Sessions that the workers may have together."),
    Family(
        "sessions_started_total",
        Kind.COUNTER,
        "Sessions that clients began, came back to on the same worker, or came back to on another.",
        {"kind": ("new", "resumed", "taken_over")},
    ),
    Family(
        "sessions_ended_total",
        Kind.COUNTER,
        "Sessions that ended on a worker: in order; refused, as over a limit or revoked; by the "
        "provider; handed on to another worker (moved, taken); by a fault of the relay's.",
        {"ending": ("finished", "refused", "upstream", "moved", "taken", "fault")},
    ),
    # Audio.
    Family(
        "audio_seconds_total",
        Kind.COUNTER,
        "Audio: received from clients, sent to the provider (which is what it bills), and of that "
        "sent again after a break, or silence that the relay put in.",
        {"direction": ("received", "sent", "replayed", "inserted")},
    ),
    Family(
        "audio_gap_seconds_total",
        Kind.COUNTER,
        "Audio that no final will cover, of which clients were told by audio_gap.",
        {"reason": ("client_buffer", *FAILURES)},
    ),
    Family(
        "audio_warnings_total",
        Kind.COUNTER,
        "Warnings to clients that something is wrong with their sound.",
        {"code": tuple(map(str, Ailment))},
    ),
    Family(
        "recorded_audio_seconds_total",
        Kind.COUNTER,
        "Audio that was written into recordings.",
    ),
    Family(
        "recording_lost_seconds_total",
        Kind.COUNTER,
        "Audio that is missing in recordings, as the disk was too slow for it or didn't take it.",
        {"reason": ("slow", "disk")},
    ),
    # Latency.
    Family(
        "added_latency_seconds",
        Kind.HISTOGRAM,
        "From a chunk's last sample coming in until the chunk was handed to the provider's socket; "
        "one chunk a second of each session is measured.",
        buckets=LATENCY_BUCKETS,
    ),
    Family(
        "speech_to_final_seconds",
        Kind.HISTOGRAM,
        "From the moment a segment was ended until its final was handed on: what the relay and "
        "the provider take, without the silence that voice activity waits for.",
        buckets=FINAL_BUCKETS,
    ),
    # The provider.
    Family(
        "upstream_connects_total",
        Kind.COUNTER,
        "Attempts to open a session at the provider that have ended.",
        {"outcome": ("opened", "failed")},
    ),
    Family(
        "upstream_connect_seconds",
        Kind.HISTOGRAM,
        "From an attempt's begin until the provider had begun the session.",
        buckets=CONNECT_BUCKETS,
    ),
    Family(
        "upstream_errors_total",
        Kind.COUNTER,
        "Sockets at the provider that failed, by its type of error or by what was missing.",
        {"type": FAILURES},
    ),
    Family(
        "upstream_reconnects_total",
        Kind.COUNTER,
        "Sockets that are opened again after a failure.",
        {"type": FAILURES},
    ),
    Family(
        "upstream_replays_total",
        Kind.COUNTER,
        "Sockets that were sent audio again, since it had no final when the one before failed.",
        {"type": FAILURES},
    ),
    Family(
        "upstream_rollovers_total",
        Kind.COUNTER,
        "Sockets that took over from one that had grown old: opened ahead, or after closing it.",
        {"kind": ("ahead", "closed_first")},
    ),
    Family(
        "upstream_breakers_open",
        Kind.GAUGE,
        "Workers that let one session at a time try the provider, since many attempts failed.",
    ),
    # Limits and access.
    Family(
        "limits_hit_total",
        Kind.COUNTER,
        "Limits that were hit, by what the client was told and where.",
        {"limit": LIMITS, "at": PLACES},
    ),
    Family(
        "budget_seconds",
        Kind.GAUGE,
        "Audio that everybody together may use today (UTC); absent without such a budget.",
        merge=Merge.MAX,
        is_shown_at_once=False,
    ),
    Family(
        "budget_used_seconds",
        Kind.GAUGE,
        "Audio of it that is used or reserved, all workers and hosts together.",
        merge=Merge.MAX,
        is_shown_at_once=False,
    ),
    Family(
        "auth_failures_total",
        Kind.COUNTER,
        "Sessions, sign-ins and requests that were refused, by what was shown: a credential that "
        "isn't good, nothing, a page of an origin that may not, an account that may not.",
        {"reason": REFUSALS},
    ),
    Family(
        "http_responses_total",
        Kind.COUNTER,
        "Answers to requests; 101 is a WebSocket.",
        {"code": STATUSES},
    ),
    # Queues.
    Family(
        "outbox_bytes",
        Kind.GAUGE,
        "Messages that wait for clients to take them.",
    ),
    Family(
        "ledger_bytes",
        Kind.GAUGE,
        "Audio that waits for its final.",
    ),
    Family(
        "usage_unwritten_rows",
        Kind.GAUGE,
        "Rows of usage that wait for the database.",
    ),
    # What is said, judged.
    Family(
        "analysis_segments_total",
        Kind.COUNTER,
        "Segments that analysers were given: judged, failed (and tried again), or given up.",
        {"analyser": ANALYSERS, "outcome": ("judged", "failed", "given_up")},
    ),
    Family(
        "analysis_flags_total",
        Kind.COUNTER,
        "Scores that reached their threshold.",
        {"analyser": ANALYSERS, "kind": KINDS},
    ),
    Family(
        "analysis_seconds",
        Kind.HISTOGRAM,
        "How long an analyser took for a segment.",
        {"analyser": ANALYSERS},
        buckets=ANALYSIS_BUCKETS,
    ),
    Family(
        "analysis_waiting_segments",
        Kind.GAUGE,
        "Segments in the database that wait for an analyser, all workers and hosts together; "
        "absent without that analyser.",
        {"analyser": ANALYSERS},
        Merge.MAX,
        is_shown_at_once=False,
    ),
    Family(
        "analysis_oldest_seconds",
        Kind.GAUGE,
        "For how long the first of them has waited.",
        {"analyser": ANALYSERS},
        Merge.MAX,
        is_shown_at_once=False,
    ),
    Family(
        "webhook_messages_total",
        Kind.COUNTER,
        "Messages to the operator's webhook: delivered, failed (and sent again), or given up.",
        {"outcome": ("delivered", "failed", "given_up")},
    ),
    Family(
        "webhook_waiting_messages",
        Kind.GAUGE,
        "Messages in the database that wait for the webhook, all workers and hosts together; "
        "absent without one.",
        merge=Merge.MAX,
        is_shown_at_once=False,
    ),
    # What it stands on.
    Family(
        "dependency_up",
        Kind.GAUGE,
        "Whether what sessions need can be reached: 1, or 0 if a worker can't. Redis and the "
        "database are asked every 5 s, the provider every minute; absent before the first time.",
        {"dependency": ("redis", "database", "upstream")},
        Merge.MIN,
        is_shown_at_once=False,
    ),
    Family(
        "dependency_probe_seconds",
        Kind.HISTOGRAM,
        "How long that took.",
        {"dependency": ("redis", "database", "upstream")},
        buckets=PROBE_BUCKETS,
    ),
    Family(
        "certificate_end_timestamp_seconds",
        Kind.GAUGE,
        "When the provider's certificate ends, in seconds since 1970; absent without TLS.",
        {"of": ("upstream",)},
        Merge.MIN,
        is_shown_at_once=False,
    ),
    # The processes.
    Family(
        "event_loop_lag_seconds",
        Kind.HISTOGRAM,
        "By how much a timer is late in a worker's event loop, four times a second: while it is, "
        "all sessions of the worker wait.",
        buckets=LAG_BUCKETS,
    ),
    Family(
        "event_loop_stalled_seconds",
        Kind.GAUGE,
        "For how long the worker that has been still the longest hasn't come round.",
        merge=Merge.MAX,
    ),
    Family(
        "event_loop_tasks",
        Kind.GAUGE,
        "Tasks in the workers' event loops: some for each session, and never ever more.",
    ),
    Family("cpu_seconds_total", Kind.COUNTER, "Processor time of the workers."),
    Family("resident_memory_bytes", Kind.GAUGE, "Memory of the workers (Linux)."),
)

BY_NAME: Final[Mapping[str, Family]] = MappingProxyType(
    {family.full_name: family for family in FAMILIES}
)
