"""What the provider does to a session is counted, by its type."""

import asyncio

import pytest

from relay.scribe.errors import ErrorType
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay, relay_to
from tests.support.talk import FORMAT, speak


def counted(relay: Relay, name: str) -> dict[tuple[str, ...], float]:
    """The values of a counter that isn't zero, by those of its labels."""
    return {
        tuple(value for _, value in key.labels): value
        for key, value in relay.services.metrics.values().items()
        if key.sample == f"relay_{name}" and value
    }


async def say(client: Client) -> None:
    """Say a segment, and stop."""
    await speak(client, 1.0, speed=None)
    await client.say("commit")
    await client.event("committed_transcript")
    await client.stop()


async def test_a_socket_that_breaks_is_an_error_a_reconnect_and_a_replay(
    simulator: Simulator, relay: Relay
) -> None:
    simulator.faults.add(Fault(FaultKind.DROP, after_samples=8000))
    async with Client(relay, **FORMAT) as client:
        await say(client)
    for name in ("errors", "reconnects", "replays"):
        assert counted(relay, f"upstream_{name}_total") == {("connection_lost",): 1}, name
    assert counted(relay, "upstream_connects_total") == {("opened",): 2}
    assert counted(relay, "sessions_ended_total") == {("finished",): 1}
    assert counted(relay, "audio_gap_seconds_total") == {}


async def test_an_attempt_that_fails_has_nothing_to_replay(
    simulator: Simulator, relay: Relay
) -> None:
    simulator.faults.add(Fault(FaultKind.RESET_HANDSHAKE))
    async with Client(relay, **FORMAT) as client:
        await say(client)
    assert counted(relay, "upstream_connects_total") == {("failed",): 1, ("opened",): 1}
    assert counted(relay, "upstream_errors_total") == {("upstream_unavailable",): 1}
    assert counted(relay, "upstream_replays_total") == {}


async def test_what_ends_a_session_is_counted_by_its_type_with_the_audio_that_it_cost(
    simulator: Simulator, relay: Relay
) -> None:
    simulator.faults.add(
        Fault(FaultKind.ERROR, error_type=ErrorType.QUOTA_EXCEEDED, after_samples=8000)
    )
    async with Client(relay, **FORMAT) as client:
        await client.event("session_started")
        await speak(client, 1.0, speed=None)
        await client.closed()
    assert counted(relay, "upstream_errors_total") == {("quota_exceeded",): 1}
    assert counted(relay, "upstream_reconnects_total") == {}
    assert counted(relay, "sessions_ended_total") == {("upstream",): 1}
    assert counted(relay, "audio_gap_seconds_total") == {
        ("quota_exceeded",): pytest.approx(1.0, abs=0.5)
    }


async def test_a_socket_that_grows_old_is_a_rollover_and_no_error(simulator: Simulator) -> None:
    async with (
        relay_to(simulator.url, upstream_session_limit=2) as relay,
        Client(relay, **FORMAT) as client,
    ):
        for _ in range(6):
            await speak(client, 0.5)
            await client.say("commit")
        await client.stop()
        await asyncio.sleep(0)
        assert sum(counted(relay, "upstream_rollovers_total").values()) >= 1
        assert counted(relay, "upstream_errors_total") == {}
