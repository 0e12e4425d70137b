"""The next socket takes over before the provider ends the present one, and nobody hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import numpy as np
import pytest

from relay.audio.pcm import Float32
from relay.scribe.errors import ErrorType
from relay.simulator.behaviour import Behaviour
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.exactness import check_exactness
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY

RATE = 48_000


def noise(seconds: float, seed: int) -> Float32:
    random = np.random.default_rng(seed)
    return random.uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)


async def talk(client: Client, *, seconds: float, commit_every: float | None) -> Float32:
    """Speak at twice real time, and stop; all that was said."""
    spoken = []
    for number in range(round(seconds / 0.5)):
        spoken.append(noise(0.5, number))
        await client.send(spoken[-1])
        if commit_every and (number + 1) * 0.5 % commit_every == 0:
            await client.say("commit")
        await asyncio.sleep(0.25)
    await client.stop()
    return np.concatenate(spoken)


async def talk_on(client: Client, seconds: float) -> Float32:
    """Speak in real time."""
    spoken = noise(seconds, 99)
    for start in range(0, len(spoken), RATE // 2):
        await client.send(spoken[start : start + RATE // 2])
        await asyncio.sleep(0.5)
    return spoken


def caller(relay: Relay) -> Client:
    return Client(relay, sample_rate=RATE, include_timestamps="true")


def check_silence(client: Client) -> None:
    """The client hears nothing of sockets."""
    assert client.of("upstream_reconnecting") == client.of("upstream_restored") == []
    assert client.of("queued") == []


@pytest.fixture(params=[0, 1, 2], ids=["no slots", "no free slot", "a free slot"])
async def rolling(simulator: Simulator, request: pytest.FixtureRequest) -> AsyncIterator[Relay]:
    """A relay that changes sockets every 3 s or so of audio."""
    async with relay_to(
        simulator.url, upstream_session_limit=3.0, upstream_max_sessions=request.param
    ) as relay:
        yield relay


@pytest.mark.parametrize("commit_every", [1.0, None], ids=["commits", "no commits"])
async def test_sockets_change_and_nothing_is_lost_or_said_twice(
    simulator: Simulator, rolling: Relay, commit_every: float | None
) -> None:
    async with caller(rolling) as client:
        spoken = await talk(client, seconds=12.0, commit_every=commit_every)
    check_exactness(client, simulator, spoken, RATE)
    check_silence(client)
    assert len(simulator.connections) >= 4
    causes = {final["cause"] for final in client.of("committed_transcript")}
    assert causes == ({"client"} if commit_every else {"client", "relay"})
    for connection in simulator.connections:
        assert len(connection.audio) <= 5 * 16_000


@pytest.mark.parametrize("slots", [1, 2])
async def test_no_slot_is_kept(simulator: Simulator, slots: int) -> None:
    async with (
        relay_to(simulator.url, upstream_session_limit=2.0, upstream_max_sessions=slots) as relay,
        AsyncExitStack() as stack,
    ):
        async with caller(relay) as client:
            await talk(client, seconds=5.0, commit_every=1.0)
        for _ in range(slots):
            other = await stack.enter_async_context(caller(relay))
            await other.send(noise(0.5, 0))
            await other.say("commit")
            await other.event("committed_transcript")
            assert other.of("queued") == []


async def test_late_finals_of_the_old_socket_count_before_those_of_the_new_one(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(FaultKind.DELAY_FINALS, delay_ms=1500))
    async with (
        relay_to(simulator.url, upstream_session_limit=3.0) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, seconds=8.0, commit_every=0.5)
    check_exactness(client, simulator, spoken, RATE)
    check_silence(client)
    first, second, *_ = simulator.connections
    assert first.commits
    assert second.commits


async def test_the_old_socket_breaks_before_it_has_answered(simulator: Simulator) -> None:
    # The socket's last commit is never answered, since it is reset in the meantime.
    simulator.faults.add(
        Fault(FaultKind.OMIT_FINALS, after_commits=2),
        Fault(FaultKind.DROP, after_ms=3500),
    )
    async with (
        relay_to(simulator.url, upstream_session_limit=4.0) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, seconds=8.0, commit_every=1.0)
    check_exactness(client, simulator, spoken, RATE)
    (reconnecting,) = client.of("upstream_reconnecting")
    assert reconnecting["reason"] == "connection_lost"


async def test_the_next_socket_fails_and_the_present_one_goes_on(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=503, skip=1))
    async with (
        relay_to(simulator.url, upstream_session_limit=3.0) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, seconds=9.0, commit_every=1.0)
    check_exactness(client, simulator, spoken, RATE)
    check_silence(client)
    assert len(simulator.connections) >= 2


async def test_a_socket_that_was_opened_ahead_breaks_and_is_opened_again(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(FaultKind.DROP, after_ms=100, skip=1))
    async with (
        relay_to(simulator.url, upstream_session_limit=4.0) as relay,
        caller(relay) as client,
    ):
        # No segment ends before the second socket has broken.
        first = await talk_on(client, 3.0)
        await client.say("commit")
        rest = await talk(client, seconds=9.0, commit_every=1.0)
    check_exactness(client, simulator, np.concatenate([first, rest]), RATE)
    check_silence(client)
    assert len(simulator.connections) >= 3


async def test_a_provider_without_room_for_two_gets_one_after_the_other(
    simulator: Simulator,
) -> None:
    full = Fault(FaultKind.ERROR, error_type=ErrorType.RESOURCE_EXHAUSTED, skip=1)
    simulator.faults.add(full)
    async with (
        relay_to(simulator.url, upstream_session_limit=3.0) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, seconds=6.0, commit_every=1.0)
    check_exactness(client, simulator, spoken, RATE)
    check_silence(client)


async def test_the_next_socket_gets_the_last_words_in_its_first_message() -> None:
    texts = [f"text number {number}" for number in range(20)]
    async with (
        Simulator(engine=ScriptedEngine(texts), api_keys=(KEY,)) as simulator,
        relay_to(simulator.url, upstream_session_limit=3.0) as relay,
        caller(relay) as client,
    ):
        await talk(client, seconds=5.0, commit_every=0.5)
    first, second, *_ = simulator.connections
    assert first.previous_text is None
    # The final of the last segment may still be on its way.
    assert second.previous_text in client.finals[: len(first.commits)]


async def test_a_session_stays_below_the_providers_limit() -> None:
    async with (
        Simulator(
            api_keys=(KEY,), behaviour=Behaviour(session_limit=4.0), record_audio=True
        ) as simulator,
        relay_to(simulator.url, upstream_session_limit=3.0) as relay,
        caller(relay) as client,
    ):
        spoken = await talk(client, seconds=9.0, commit_every=0.5)
    check_exactness(client, simulator, spoken, RATE)
    check_silence(client)
