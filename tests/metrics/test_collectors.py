"""What is counted, and what can never become a label."""

from collections import Counter
from dataclasses import dataclass

import pytest

from relay.metrics import Metrics
from relay.metrics.families import BY_NAME, FAMILIES, OTHER
from relay.metrics.values import Key


@dataclass(frozen=True)
class Used:
    """A session's audio so far."""

    received_ms: int = 0
    sent_ms: int = 0
    replayed_ms: int = 0
    silence_ms: int = 0


def value(metrics: Metrics, name: str, **labels: str) -> float:
    family = next(
        name.removesuffix(end)
        for end in ("", "_sum", "_count", "_bucket")
        if name.removesuffix(end) in BY_NAME
    )
    return metrics.values()[Key(family, name, tuple(labels.items()))]


def audio(metrics: Metrics, direction: str) -> float:
    return value(metrics, "relay_audio_seconds_total", direction=direction)


def test_everything_is_there_before_anything_happened() -> None:
    shown = {key.family for key in Metrics().values()}
    assert shown == {family.full_name for family in FAMILIES if family.is_shown_at_once}


def test_a_value_that_is_not_known_yet_is_absent_until_it_is() -> None:
    metrics = Metrics()
    metrics.set("budget_seconds", 0)
    assert value(metrics, "relay_budget_seconds") == 0
    metrics.set("dependency_up", 1, "redis")
    assert [key.labels for key in metrics.values() if key.family == "relay_dependency_up"] == [
        (("dependency", "redis"),)
    ]


def test_audio_is_counted_as_it_grows() -> None:
    metrics, session = Metrics(), object()
    metrics.session_began(session, "new", Used())
    metrics.session_used(session, Used(1000, 800, 0, 50))
    metrics.session_used(session, Used(1500, 1300, 200, 50))
    metrics.session_ended(session, "Finished", Used(2000, 1800, 200, 50))
    directions = ("received", "sent", "replayed", "inserted")
    assert [audio(metrics, each) for each in directions] == [2.0, 1.8, 0.2, 0.05]


def test_what_another_worker_counted_of_a_session_is_counted_no_second_time() -> None:
    metrics, session = Metrics(), object()
    metrics.session_began(session, "taken_over", Used(60_000, 60_000))
    metrics.session_used(session, Used(61_000, 60_500))
    assert (audio(metrics, "received"), audio(metrics, "sent")) == (1.0, 0.5)
    assert value(metrics, "relay_sessions_started_total", kind="taken_over") == 1


def test_a_session_that_has_ended_is_not_kept() -> None:
    metrics, session = Metrics(), object()
    metrics.session_began(session, "new", Used())
    metrics.session_ended(session, "Moved", Used(1000))
    metrics.session_used(session, Used(9000))
    assert audio(metrics, "received") == 1.0
    assert not metrics._used


def test_what_shrinks_is_not_taken_off_a_counter() -> None:
    metrics, session = Metrics(), object()
    metrics.session_began(session, "new", Used(1000))
    metrics.session_used(session, Used(900))
    assert audio(metrics, "received") == 0.0


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("Finished", "finished"),
        ("UpstreamRejected", "upstream"),
        ("UpstreamUnavailable", "upstream"),
        ("NoneType", "fault"),
    ],
)
def test_every_ending_is_one_of_a_few(said: str, counted: str) -> None:
    metrics, session = Metrics(), object()
    metrics.session_began(session, "new", Used())
    metrics.session_ended(session, said, Used())
    assert value(metrics, "relay_sessions_ended_total", ending=counted) == 1


def test_states_that_no_session_is_in_are_zero() -> None:
    metrics = Metrics()
    metrics.set_states(Counter(open=2, parked=1))
    metrics.set_states(Counter(open=1))
    assert value(metrics, "relay_sessions", state="open") == 1
    assert value(metrics, "relay_sessions", state="parked") == 0


def test_a_type_that_the_provider_has_added_since_is_counted_as_another_one() -> None:
    metrics = Metrics()
    metrics.upstream_failed("brand_new_error")
    metrics.upstream_reopens("brand_new_error")
    metrics.upstream_replays("connection_lost")
    metrics.gap("a text\nof somebody's", 2.5)
    assert value(metrics, "relay_upstream_errors_total", type=OTHER) == 1
    assert value(metrics, "relay_upstream_reconnects_total", type=OTHER) == 1
    assert value(metrics, "relay_upstream_replays_total", type="connection_lost") == 1
    assert value(metrics, "relay_audio_gap_seconds_total", reason=OTHER) == 2.5


def test_attempts_at_the_provider_are_counted_and_timed() -> None:
    metrics = Metrics()
    metrics.upstream_opened(0.25)
    metrics.upstream_not_opened()
    metrics.upstream_rolls_over(closes_first=False)
    metrics.upstream_rolls_over(closes_first=True)
    assert value(metrics, "relay_upstream_connects_total", outcome="opened") == 1
    assert value(metrics, "relay_upstream_connects_total", outcome="failed") == 1
    assert value(metrics, "relay_upstream_connect_seconds_sum") == 0.25
    assert value(metrics, "relay_upstream_rollovers_total", kind="ahead") == 1
    assert value(metrics, "relay_upstream_rollovers_total", kind="closed_first") == 1


def test_latencies_are_never_below_zero() -> None:
    metrics = Metrics()
    metrics.added_latency(-0.001)
    metrics.speech_to_final(0.3)
    assert value(metrics, "relay_added_latency_seconds_sum") == 0.0
    assert value(metrics, "relay_speech_to_final_seconds_sum") == 0.3


def test_refusals_are_counted_by_kind() -> None:
    metrics = Metrics()
    metrics.limit_hit("too_many_sessions", "admission")
    metrics.credential_refused("ticket")
    metrics.answered(404)
    metrics.answered(418)
    limit = value(metrics, "relay_limits_hit_total", limit="too_many_sessions", at="admission")
    assert limit == 1
    assert value(metrics, "relay_auth_failures_total", reason="ticket") == 1
    assert value(metrics, "relay_http_responses_total", code="404") == 1
    assert value(metrics, "relay_http_responses_total", code=OTHER) == 1
