"""The provider's socket breaks, in every way there is, and no sample is lost or said twice."""

import asyncio
import contextlib
import json
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from relay.audio.pcm import Float32
from relay.scribe.errors import ErrorType
from relay.simulator.behaviour import Behaviour
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.upstream import connection
from relay.upstream.recovery import REMEDIES
from tests.support.exactness import check_exactness
from tests.support.proxy import Proxy
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY

RATE = 48_000

REOPENING = [kind for kind in ErrorType if not REMEDIES[kind].ends and not REMEDIES[kind].goes_on]
ENDING = [kind for kind in ErrorType if REMEDIES[kind].ends]


def noise(seconds: float, rate: int = RATE) -> Float32:
    random = np.random.default_rng(round(seconds * 1000))
    return random.uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


async def talk(client: Client, *lengths: float, waits: bool = True) -> Float32:
    """Say segments of such lengths, each with a commit, then stop; all that was said."""
    segments = [noise(seconds) for seconds in lengths]
    for number, segment in enumerate(segments, 1):
        await client.send(segment)
        await client.say("commit")
        if waits:
            await client.count("committed_transcript", number, seconds=40)
    last = noise(0.7)
    await client.send(last)
    await client.say("stop")
    assert await client.closed(60) == 1000, client.events[-2:]
    return np.concatenate([*segments, last])


def caller(relay: Relay) -> Client:
    return Client(relay, sample_rate=RATE, include_timestamps="true")


BREAKS = {
    "at the handshake": Fault(FaultKind.RESET_HANDSHAKE),
    "refused for now": Fault(FaultKind.REFUSE_HANDSHAKE, status=503),
    "at open": Fault(FaultKind.DROP),
    "in an utterance": Fault(FaultKind.DROP, after_samples=8000),
    "after a commit": Fault(FaultKind.DROP, after_commits=1),
    "between plain and timed": Fault(FaultKind.DROP, after_finals=1),
    "in the second segment": Fault(FaultKind.DROP, after_samples=24_000, after_finals=1),
    "clean close": Fault(FaultKind.CLOSE, code=1000, after_samples=8000),
}


@pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS)
async def test_a_break_loses_nothing(simulator: Simulator, relay: Relay, fault: Fault) -> None:
    simulator.faults.add(fault)
    async with caller(relay) as client:
        spoken = await talk(client, 1.0, 1.3)
    check_exactness(client, simulator, spoken, RATE)
    assert len(client.finals) == 3
    assert client.of("upstream_reconnecting")[0]["attempt"] == 1
    assert len(client.of("upstream_restored")) == 1


@pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS)
async def test_a_break_loses_nothing_of_a_client_that_waits_for_no_answer(
    simulator: Simulator, relay: Relay, fault: Fault
) -> None:
    simulator.faults.add(fault)
    async with caller(relay) as client:
        spoken = await talk(client, 0.1, 1.0, 0.5, 1.3, waits=False)
    check_exactness(client, simulator, spoken, RATE)
    assert len(client.finals) == 5


async def test_a_break_during_the_replay_loses_nothing(simulator: Simulator, relay: Relay) -> None:
    simulator.faults.add(Fault(FaultKind.DROP, after_samples=40_000))
    simulator.faults.add(Fault(FaultKind.DROP, after_samples=20_000, skip=1))
    async with caller(relay) as client:
        spoken = await talk(client, 4.0, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    assert len(simulator.connections) == 3


async def test_a_provider_that_stalls_is_given_up(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.STALL, after_commits=1))
    async with relay_to(simulator.url, commit_timeout=1.0) as relay, caller(relay) as client:
        spoken = await talk(client, 1.0, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    assert client.of("upstream_reconnecting")[0]["reason"] == "commit_unanswered"


async def test_finals_that_come_after_the_socket_was_given_up_are_not_taken(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(FaultKind.DELAY_FINALS, delay_ms=2500))
    async with relay_to(simulator.url, commit_timeout=1.0) as relay, caller(relay) as client:
        spoken = await talk(client, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    assert len(client.finals) == 2


async def test_what_a_final_covered_before_the_break_is_not_said_again(
    simulator: Simulator, relay: Relay
) -> None:
    simulator.faults.add(Fault(FaultKind.OMIT_TIMED), Fault(FaultKind.DROP, after_finals=1))
    async with caller(relay) as client:
        spoken = await talk(client, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    first, *_ = client.of("committed_transcript_with_timestamps")
    assert first["words"] is None


async def test_the_new_socket_gets_the_last_words_in_its_first_message() -> None:
    texts = ["the quick brown fox jumps over the lazy dog and runs away"]
    async with (
        Simulator(engine=ScriptedEngine(texts), api_keys=(KEY,)) as simulator,
        relay_to(simulator.url) as relay,
        caller(relay) as client,
    ):
        simulator.faults.add(Fault(FaultKind.DROP, after_finals=1))
        await talk(client, 1.0, 1.0)
    assert [c.previous_text for c in simulator.connections] == [
        None,
        "brown fox jumps over the lazy dog and runs away",
    ]


@pytest.mark.parametrize("moment", [{}, {"after_samples": 8000}], ids=["at open", "speaking"])
@pytest.mark.parametrize("error_type", REOPENING)
async def test_an_error_that_a_new_socket_mends_loses_nothing(
    simulator: Simulator, relay: Relay, error_type: ErrorType, moment: dict[str, Any]
) -> None:
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=error_type, **moment))
    async with caller(relay) as client:
        spoken = await talk(client, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    assert client.of("upstream_reconnecting")[0]["reason"] == error_type


async def test_what_one_message_is_accused_of_ends_nothing(
    simulator: Simulator, relay: Relay
) -> None:
    error = ErrorType.INPUT_ERROR
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=error, after_samples=8000))
    async with caller(relay) as client:
        spoken = await talk(client, 1.0)
    check_exactness(client, simulator, spoken, RATE)
    assert client.of("upstream_reconnecting") == []
    assert client.of("input_error") == []


async def serve(behaviour: Behaviour, *lengths: float) -> tuple[Client, Simulator]:
    async with (
        Simulator(api_keys=(KEY,), behaviour=behaviour, record_audio=True) as simulator,
        relay_to(simulator.url, commit_timeout=10) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, *lengths, waits=False)
        check_exactness(client, simulator, spoken, RATE)
    return client, simulator


async def test_a_provider_that_takes_shorter_chunks_gets_shorter_chunks() -> None:
    client, _ = await serve(Behaviour(max_chunk_bytes=1000), 0.1, 1.0)
    reasons = [event["reason"] for event in client.of("upstream_reconnecting")]
    assert reasons == ["chunk_size_exceeded"] * 2


async def test_a_provider_that_wants_longer_segments_gets_more_padding() -> None:
    client, _ = await serve(Behaviour(min_commit=0.5), 0.1, 1.0)
    reasons = [event["reason"] for event in client.of("upstream_reconnecting")]
    assert reasons == ["commit_throttled"]


async def test_a_provider_that_overflows_gets_its_audio_at_half_the_pace() -> None:
    client, _ = await serve(Behaviour(max_lead=7.0), 10.0)
    reasons = [event["reason"] for event in client.of("upstream_reconnecting")]
    assert reasons == ["queue_overflow"]


async def test_a_session_outlives_the_providers_limit() -> None:
    begin = time.monotonic()
    async with (
        Simulator(
            api_keys=(KEY,), behaviour=Behaviour(session_limit=1.0), record_audio=True
        ) as simulator,
        relay_to(simulator.url) as relay,
        caller(relay) as client,
    ):
        spoken = []
        while time.monotonic() - begin < 4:
            spoken.append(noise(0.5))
            await client.send(spoken[-1])
            await client.say("commit")
            await asyncio.sleep(0.4)
        await client.stop()
    check_exactness(client, simulator, np.concatenate(spoken), RATE)
    assert len(simulator.connections) >= 3


async def test_a_segment_that_fails_three_times_is_a_gap_and_the_next_ones_are_not(
    simulator: Simulator, relay: Relay
) -> None:
    poison = Fault(
        FaultKind.ERROR, error_type=ErrorType.TRANSCRIBER_ERROR, after_commits=1, count=3
    )
    simulator.faults.add(poison)
    async with caller(relay) as client:
        bad = noise(1.5)
        await client.send(bad)
        await client.say("commit")
        gap = await client.event("audio_gap", seconds=30)
        assert (gap["from_sample"], gap["reason"]) == (0, "transcriber_error")
        rest = await talk(client, 1.1)
    spoken = np.concatenate([bad, rest])
    check_exactness(client, simulator, spoken, RATE, gaps=[(0, gap["to_sample"])])
    # What the resampler still held at the commit belongs to the next segment.
    assert len(bad) - RATE / 10 < gap["to_sample"] <= len(bad)


@pytest.mark.parametrize("error_type", ENDING)
@pytest.mark.parametrize("moment", [{}, {"after_samples": 8000}], ids=["at open", "speaking"])
async def test_an_error_that_no_socket_mends_ends_the_session_with_its_name(
    simulator: Simulator, relay: Relay, error_type: ErrorType, moment: dict[str, Any]
) -> None:
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=error_type, **moment))
    async with Client(relay) as client:
        await client.send(noise(1.0))
        assert await client.closed() == 4502
    assert client.events[-1]["message_type"] == error_type
    assert client.of("audio_gap")[0]["reason"] == error_type
    assert client.of("upstream_reconnecting") == []


async def test_an_outage_that_lasts_ends_the_session_with_its_gap(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=503, count=None))
    async with relay_to(simulator.url, upstream_outage_limit=2.0) as relay, Client(relay) as client:
        await client.send(noise(1.0))
        assert await client.closed() == 4503
    assert client.events[-1]["message_type"] == "upstream_unavailable"
    (gap,) = client.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"]) == (0, RATE)
    assert len(client.of("upstream_reconnecting")) >= 3


async def test_stop_in_an_outage_waits_for_its_end(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=503, count=4))
    async with relay_to(simulator.url, stop_timeout=0.5) as relay, caller(relay) as client:
        spoken = await talk(client)
    check_exactness(client, simulator, spoken, RATE)


async def test_the_key_is_in_no_message(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.CLOSE, code=1008, reason=f"key {KEY} is bad", count=None))
    async with relay_to(simulator.url, upstream_outage_limit=0.5) as relay, Client(relay) as client:
        assert await client.closed() == 4503
    assert "is bad" in client.events[-1]["error"]
    assert KEY not in json.dumps(client.events)


async def test_a_line_without_pongs_is_given_up(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PING_INTERVAL", 0.3)
    monkeypatch.setattr(connection, "PONG_TIMEOUT", 0.3)
    async with (
        Proxy(urlsplit(simulator.url).port or 0) as proxy,
        relay_to(f"ws://127.0.0.1:{proxy.port}", commit_timeout=60) as relay,
        caller(relay) as client,
    ):
        first = noise(1.0)
        await client.send(first)
        await client.say("commit")
        await client.event("committed_transcript")
        proxy.swallow()
        reconnecting = await client.event("upstream_reconnecting")
        proxy.restore()
        spoken = await talk(client, 0.9)
    check_exactness(client, simulator, np.concatenate([first, spoken]), RATE)
    assert reconnecting["reason"] == "connection_lost"


async def test_a_segment_that_the_provider_ends_by_itself_is_obtained_again(
    simulator: Simulator, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator, "_behaviour", Behaviour(auto_commit=2.0))
    async with caller(relay) as client:
        first = noise(3.0)
        await client.send(first)
        reconnecting = await client.event("upstream_reconnecting")
        assert reconnecting["reason"] == "final_unmatched"
        monkeypatch.setattr(simulator, "_behaviour", Behaviour())
        spoken = await talk(client, 0.5)
    check_exactness(client, simulator, np.concatenate([first, spoken]), RATE)


async def test_a_slot_is_kept_over_a_break(simulator: Simulator) -> None:
    async with relay_to(simulator.url, upstream_max_sessions=1) as relay:
        simulator.faults.add(Fault(FaultKind.DROP, after_finals=1))
        simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=503, skip=1, count=2))
        async with caller(relay) as client:
            await simulator.wait_for(lambda: bool(simulator.connections))
            async with caller(relay) as other:
                await other.event("queued")
                spoken = await talk(client, 1.0)
                assert client.of("queued") == []
                assert len(client.of("upstream_reconnecting")) == 3
                await other.send(noise(0.5))
                await other.stop()
    check_exactness(client, simulator, spoken, RATE)


@pytest.mark.slow
async def test_a_full_ledger_pauses_the_client_and_loses_nothing(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=503, count=None))
    async with (
        relay_to(simulator.url, ledger_seconds=40) as relay,
        caller(relay) as client,
        asyncio.TaskGroup() as group,
    ):
        first = noise(60.0)
        sending = group.create_task(client.send(first))

        def heard() -> int:
            return max((e["samples_received"] for e in client.of("audio_acknowledged")), default=0)

        await client.wait_for(lambda: heard() >= 40 * RATE, seconds=40)
        attempts = len(client.of("upstream_reconnecting"))
        await client.count("upstream_reconnecting", attempts + 1, seconds=40)
        assert heard() < 42 * RATE
        simulator.faults.clear()
        await sending
        spoken = await talk(client)
    check_exactness(client, simulator, np.concatenate([first, spoken]), RATE)


async def test_an_outage_is_no_stampede(simulator: Simulator) -> None:
    refused = Fault(FaultKind.REFUSE_HANDSHAKE, status=503, count=None)
    simulator.faults.add(refused)
    async with relay_to(simulator.url) as relay, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(relay)) for _ in range(20)]
        await asyncio.sleep(2.0)
        assert relay.services.breaker.is_open
        told = sum(len(client.of("upstream_reconnecting")) for client in clients)
        await asyncio.sleep(2.0)
        later = sum(len(client.of("upstream_reconnecting")) for client in clients)
        assert later - told <= 2
        simulator.faults.clear()
        for client in clients:
            await client.send(noise(0.5))
            await client.say("stop")
        for client in clients:
            assert await client.closed(40) == 1000
            assert len(client.finals) == 1
