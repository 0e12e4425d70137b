"""The client's line breaks, on whatever side, and it comes back: to its worker or to another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relay.audio.pcm import Float32
from relay.protocol.messages import SUBPROTOCOL
from relay.registry import ControlChannel
from relay.registry.ownership import EVENTS
from relay.scribe.errors import ErrorType
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.translator import Finished
from tests.support.exactness import check_exactness
from tests.support.redis import RedisServer
from tests.support.relay import Client, Event, Relay, relay_to
from tests.support.waiting import until

RATE = 48_000


def noise(seconds: float) -> Float32:
    random = np.random.default_rng(round(seconds * 1000))
    return random.uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)


class Story:
    """What a client heard over all of its connections, each message once."""

    def __init__(self, *clients: Client) -> None:
        heard: dict[str, Event] = {}
        for event in (event for client in clients for event in client.events):
            key = f"{event['message_type']} {event.get('segment', event['seq'])}"
            assert key not in heard or heard[key] == event, "the same segment twice, and changed"
            heard.setdefault(key, event)
        self.events = list(heard.values())

    def of(self, message_type: str) -> list[Event]:
        return [event for event in self.events if event["message_type"] == message_type]


async def cut(client: Client) -> None:
    """The network goes: no farewell from either side."""
    client.connection.transport.abort()
    await client.closed()


def back(
    relay: Relay | str, before: Client, *, from_sample: int = 0, forgets: int = 0, **query: Any
) -> Client:
    """The client comes back, and has all but the last `forgets` messages of what it received."""
    events = before.events[: len(before.events) - forgets]
    finals = [event["segment"] for event in events if "segment" in event]
    if finals:
        query["last_segment"] = finals[-1]
    return Client(
        relay if isinstance(relay, str) else relay.url,
        subprotocols=(SUBPROTOCOL, f"resume.{token(before)}"),
        **{"sample_rate": RATE, **query},
        last_seq=events[-1]["seq"],
        from_sample=from_sample,
    )


def session_id(client: Client) -> str:
    return str(client.of("session_started")[0]["session_id"])


def token(client: Client) -> str:
    for event in client.events:
        if event["message_type"] == "session_started":
            return str(event["resume_token"])
    raise AssertionError("the session has not started")


async def go_on(client: Client, spoken: Float32) -> None:
    """Say the rest from where the relay wants it, and stop."""
    resumed = await client.event("session_resumed")
    await client.send(spoken[resumed["next_sample"] :])
    await client.say("stop")
    assert await client.closed(60) == 1000, client.events[-2:]


def caller(relay: Relay, **query: Any) -> Client:
    return Client(relay, sample_rate=RATE, include_timestamps="true", **query)


async def received(relay: Relay, client: Client, frames: int) -> None:
    """Wait until the relay has so much of a session."""
    session_id = (await client.event("session_started"))["session_id"]
    async with asyncio.timeout(20):
        while True:
            bridge = relay.services.sessions.find(session_id)
            if bridge is not None and bridge.consumption().received_ms >= frames * 1000 // RATE:
                return
            await asyncio.sleep(0.01)


async def test_a_cut_line_costs_nothing(simulator: Simulator, relay: Relay) -> None:
    spoken = noise(3)
    async with caller(relay) as first:
        await first.send(spoken[:RATE])
        await received(relay, first, RATE)
        await cut(first)
    async with back(relay, first) as second:
        assert (await second.event("session_resumed"))["next_sample"] == RATE
        await go_on(second, spoken)
    assert second.events[0]["message_type"] == "session_resumed"
    check_exactness(Story(first, second), simulator, spoken, RATE)


async def test_what_was_on_a_line_that_broke_comes_again(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(3)
    async with caller(relay) as first:
        for _ in range(3):
            await first.send(spoken[:RATE])
            await first.say("commit")
        await first.count("committed_transcript_with_timestamps", 3)
        await cut(first)
    lost = first.events[1:]
    async with back(relay, first, forgets=len(lost)) as second:
        await second.event("session_resumed")
        await second.count("committed_transcript_with_timestamps", 3)
        await second.stop()
    again = [event for event in second.events if "segment" in event]
    assert again[:6] == [event for event in lost if "segment" in event]
    seqs = [event["seq"] for event in second.events[1:]]
    assert seqs == sorted(seqs)


async def test_finals_that_come_while_the_client_is_away_wait_for_it(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(2)
    simulator.faults.add(Fault(FaultKind.DELAY_FINALS, delay_ms=400))
    async with caller(relay) as first:
        await first.send(spoken[:RATE])
        await first.say("commit")
        await received(relay, first, RATE)
        await cut(first)
    await simulator.wait_for(lambda: len(simulator.connections[0].commits) == 1)
    await asyncio.sleep(0.6)
    async with back(relay, first) as second:
        await go_on(second, spoken)
    assert not first.finals
    check_exactness(Story(first, second), simulator, spoken, RATE)


async def test_a_stop_that_the_line_did_not_outlive_is_answered(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(1)
    async with caller(relay) as first:
        await first.send(spoken)
        await first.say("stop")
        await simulator.wait_for(lambda: any(c.commits for c in simulator.connections))
        await cut(first)
    async with back(relay, first) as second:
        await second.say("stop")
        assert await second.closed() == 1000
    assert second.of("session_ended")[0]["segments"] == 1
    check_exactness(Story(first, second), simulator, spoken, RATE)


async def test_a_stop_that_had_to_wait_when_the_line_broke_is_heard_later(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(4)
    async with caller(relay) as first:
        await first.send(spoken[:RATE])
        await received(relay, first, RATE)
        await cut(first)
    async with back(relay, first) as second:
        await second.send(spoken[RATE : RATE + 2400])
        await received(relay, first, RATE + 2400)
        await asyncio.sleep(0.1)  # the relay waits for the next message, and takes it at once
        # Faster than it was said, as who comes back may: what follows is read later than it could.
        await second.send(spoken[RATE + 2400 : 2 * RATE], frames_per_message=RATE)
        await second.say("stop")
        await received(relay, first, 2 * RATE)
        await cut(second)
    async with back(relay, first) as third:
        assert (await third.event("session_resumed"))["next_sample"] == 2 * RATE
        await go_on(third, spoken)
    check_exactness(Story(first, second, third), simulator, spoken, RATE)


async def test_a_client_that_is_thought_to_be_there_takes_its_session_over(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(2)
    async with caller(relay) as first:
        await first.send(spoken[:RATE])
        await received(relay, first, RATE)
        async with back(relay, first) as second:
            await go_on(second, spoken)
        assert await first.closed() == 4409
    check_exactness(Story(first, second), simulator, spoken, RATE)


async def test_what_the_client_has_not_kept_is_told_as_a_gap(
    simulator: Simulator, relay: Relay
) -> None:
    spoken = noise(3)
    async with caller(relay) as first:
        await first.send(spoken[:RATE])
        await received(relay, first, RATE)
        await cut(first)
    async with back(relay, first, from_sample=2 * RATE) as second:
        await go_on(second, spoken)
    (gap,) = second.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"]) == (RATE, 2 * RATE)
    assert gap["reason"] == "client_buffer"
    assert [final["end_sample"] for final in second.of("committed_transcript")] == [
        2 * RATE,
        3 * RATE,
    ]


async def test_who_does_not_come_back_gets_finals_all_the_same(simulator: Simulator) -> None:
    async with relay_to(simulator.url, park_seconds=0.5) as relay:
        async with caller(relay) as client:
            await client.send(noise(1))
            await received(relay, client, RATE)
            await cut(client)
        await simulator.wait_for(lambda: not simulator.connections[0].is_open)
        assert len(simulator.connections[0].commits) == 1
        async with back(relay, client) as late:
            assert await late.closed() == 4401


async def test_a_client_that_closes_in_order_has_said_all(
    simulator: Simulator, relay: Relay
) -> None:
    async with caller(relay) as client:
        await client.send(noise(1))
        await received(relay, client, RATE)
    await simulator.wait_for(lambda: not simulator.connections[0].is_open)
    assert len(simulator.connections[0].commits) == 1
    async with back(relay, client) as late:
        assert await late.closed() == 4401


async def test_at_the_limit_the_session_that_is_parked_gives_its_place(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, limit_key_sessions=1) as relay:
        async with caller(relay) as first:
            await first.send(noise(1))
            await received(relay, first, RATE)
            async with caller(relay) as refused:
                assert await refused.closed() == 4429  # it isn't parked
            await cut(first)
        async with caller(relay) as second:
            await second.event("session_started")
            await second.stop()
    assert len(simulator.connections[0].commits) == 1


class TestToken:
    """Who may resume a session."""

    async def test_of_another_account_is_refused(self, relay: Relay) -> None:
        async with caller(relay) as victim:
            await victim.event("session_started")
            _, key = await relay.services.api_keys.create("mallory", {})
            thief = Client(
                relay,
                headers={"xi-api-key": key},
                subprotocols=(SUBPROTOCOL, f"resume.{token(victim)}"),
                last_seq=0,
                from_sample=0,
            )
            async with thief:
                assert await thief.closed() == 4401
            await victim.stop()  # unharmed

    async def test_of_another_page_is_refused(self, relay: Relay) -> None:
        async with caller(relay) as victim:
            await victim.event("session_started")
            thief = Client(
                relay,
                headers={"origin": "https://evil.example"},
                subprotocols=(SUBPROTOCOL, f"resume.{token(victim)}"),
                last_seq=0,
                from_sample=0,
            )
            async with thief:
                assert await thief.closed() == 4401
            await victim.stop()

    async def test_that_was_guessed_is_refused(self, relay: Relay) -> None:
        async with caller(relay) as victim:
            await victim.event("session_started")
            guess = token(victim)[:-1] + ("A" if token(victim)[-1] != "A" else "B")
            thief = Client(
                relay.url,
                subprotocols=(SUBPROTOCOL, f"resume.{guess}"),
                last_seq=0,
                from_sample=0,
            )
            async with thief:
                assert await thief.closed() == 4401
            await victim.stop()

    async def test_of_somebody_who_may_not_be_here_any_more_is_refused(self, relay: Relay) -> None:
        key_id, key = await relay.services.api_keys.create("leaver", {})
        async with Client(relay, headers={"xi-api-key": key}) as client:
            await client.event("session_started")
            await relay.services.api_keys.revoke(key_id.id)
            await cut(client)
        async with back(relay, client) as late:
            assert await late.closed() == 4401


@asynccontextmanager
async def two_workers(
    simulator: Simulator, folder: Path, redis: RedisServer | None = None, **settings: Any
) -> AsyncIterator[tuple[Relay, Relay]]:
    """Two relays with Redis and a database in common."""
    with nullcontext(redis) if redis else RedisServer() as redis:
        common = {
            **settings,
            "redis_url": redis.url,
            "database_url": f"sqlite+aiosqlite:///{folder / 'relay.db'}",
        }
        async with (
            relay_to(simulator.url, **common) as one,
            relay_to(simulator.url, **common) as other,
        ):
            yield one, other


class TestAnotherWorker:
    """The client comes back to a worker that isn't the session's."""

    @pytest.mark.parametrize("rate", [48_000, 44_100])
    async def test_goes_on_without_a_seam(
        self, simulator: Simulator, tmp_path: Path, rate: int
    ) -> None:
        spoken = noise(4)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with Client(one, sample_rate=rate, include_timestamps="true") as first:
                await first.send(spoken[:RATE])
                await first.say("commit")
                await first.count("committed_transcript_with_timestamps", 1)
                await first.send(spoken[RATE : 2 * RATE])
                await received(one, first, RATE)
                await cut(first)
            kept = first.of("committed_transcript")[0]["end_sample"] - rate // 4
            second = back(other, first, from_sample=kept, sample_rate=rate)
            async with second:
                resumed = await second.event("session_resumed")
                assert kept <= resumed["next_sample"] < kept + rate // 4
                await go_on(second, spoken)
            await simulator.wait_for(lambda: not any(c.is_open for c in simulator.connections))
        check_exactness(Story(first, second), simulator, spoken, rate, tolerance=1)

    async def test_gets_the_finals_that_the_client_lacks(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        spoken = noise(2)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(spoken[:RATE])
                await first.say("commit")
                await first.count("committed_transcript_with_timestamps", 1)
                await cut(first)
            lost = len(first.events) - 1
            async with back(other, first, forgets=lost) as second:
                await go_on(second, spoken)
        assert [event["segment"] for event in second.of("committed_transcript")] == [0, 1]
        check_exactness(Story(first, second), simulator, spoken, RATE, tolerance=1)

    async def test_lets_the_owner_before_it_go(self, simulator: Simulator, tmp_path: Path) -> None:
        async with two_workers(simulator, tmp_path) as (one, other), caller(one) as first:
            await first.event("session_started")
            async with back(other, first) as second:
                assert await first.closed() == 4409
                await second.stop()

    async def test_keeps_the_owner_before_it_from_speaking(
        self, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def lose(self: ControlChannel, message: object) -> None:
            pass

        monkeypatch.setattr(ControlChannel, "send", lose)
        spoken = noise(2)
        async with two_workers(simulator, tmp_path) as (one, other), caller(one) as first:
            await first.send(spoken[:RATE])
            await received(one, first, RATE)
            async with back(other, first) as second:
                await second.event("session_resumed")
                await first.say("commit")  # which is answered, and written down by nobody
                assert await first.closed() == 4409
                await go_on(second, spoken)
            assert not first.finals
        check_exactness(Story(first, second), simulator, spoken, RATE, tolerance=1)

    async def test_is_where_clients_go_when_theirs_leaves(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        spoken = noise(3)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(spoken[: 2 * RATE])
                await received(one, first, 2 * RATE)
                async with asyncio.TaskGroup() as group:
                    group.create_task(one.__aexit__(None, None, None))
                    assert (await first.event("moving"))["after_ms"] <= 2000
                    assert await first.closed() == 1012
            assert first.finals  # what it had is committed first
            kept = first.of("committed_transcript")[-1]["end_sample"] - RATE // 4
            async with back(other, first, from_sample=kept) as second:
                await go_on(second, spoken)
        check_exactness(Story(first, second), simulator, spoken, RATE, tolerance=1)

    async def test_leaves_no_place_at_the_provider_behind(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        async with (
            two_workers(simulator, tmp_path, upstream_max_sessions=2) as (one, other),
            caller(one) as stays,
            caller(one) as first,
        ):
            await stays.event("session_started")
            await first.event("session_started")
            await simulator.wait_for(lambda: len(simulator.connections) == 2)
            async with back(other, first) as second:
                await second.event("session_resumed")
                await second.stop()
            await one.services.sessions.renew()  # which renews what it holds
            async with caller(other) as third:
                await third.send(noise(0.5))
                await third.stop()
                assert third.of("queued") == []
            await stays.stop()

    async def test_tells_of_a_gap_that_came_while_the_client_was_away(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        poison = Fault(
            FaultKind.ERROR, error_type=ErrorType.TRANSCRIBER_ERROR, after_commits=1, count=3
        )
        simulator.faults.add(poison)
        spoken = noise(3)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(spoken[:RATE])
                await first.say("commit")
                await received(one, first, RATE)
                await cut(first)
            await until(lambda: has_events(one, first), "the gap to be written down", seconds=20)
            async with back(other, first) as second:
                gap = await second.event("audio_gap")
                resumed = await second.event("session_resumed")
                assert resumed["next_sample"] > gap["to_sample"] - RATE / 4
                await go_on(second, spoken)
        assert (gap["from_sample"], gap["reason"]) == (0, "transcriber_error")
        check_exactness(
            Story(first, second), simulator, spoken, RATE, tolerance=1, gaps=[(0, gap["to_sample"])]
        )

    async def test_says_that_events_are_lost_which_nobody_keeps(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(noise(1))
                await first.say("commit")
                await first.count("committed_transcript_with_timestamps", 1)
                await cut(first)
            async with one.services.state.asking() as redis:
                await redis.delete(EVENTS + session_id(first))
            async with back(other, first, forgets=len(first.events) - 1) as second:
                assert (await second.event("warning"))["code"] == "events_lost"
                await second.stop()

    async def test_does_not_get_a_session_that_had_ended_when_its_worker_went(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        with RedisServer() as redis:
            async with two_workers(simulator, tmp_path, redis=redis) as (one, other):
                async with caller(one) as first:
                    await first.send(noise(1))
                    await received(one, first, RATE)
                    bridge = one.services.sessions.find(session_id(first))
                    assert bridge is not None
                    redis.pause()  # so that the last words wait for it
                    await first.say("stop")
                    await until_true(lambda: isinstance(bridge.ending, Finished))
                    task_of(first).cancel()  # as when the worker ends
                    redis.resume()
                    await first.closed()
                await until(lambda: is_empty(one), "the session to be given back")
                async with back(other, first) as second:
                    assert await second.closed() == 4401

    @pytest.mark.parametrize("days", [0, 1])
    async def test_counts_each_second_for_one_day(
        self, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
    ) -> None:
        spoken = noise(3)
        first_day = datetime.now(UTC).date()
        last_day = first_day + timedelta(days=days)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(spoken[: 2 * RATE])
                await first.say("commit")
                await first.count("committed_transcript_with_timestamps", 1)
                await one.services.sessions.write_usage()
                await cut(first)
            monkeypatch.setattr(other.services.sessions, "_today", lambda: last_day)
            kept = first.of("committed_transcript")[-1]["end_sample"] - RATE // 4
            async with back(other, first, from_sample=kept) as second:
                await go_on(second, spoken)

            async def used() -> list[int]:
                rows = await one.services.usage.per_day(first_day, last_day)
                return [row.received_ms for row in rows]

            async def is_counted() -> bool:
                return sum(await used()) >= 3000

            await until(is_counted, "the usage of all days")
            assert await used() == ([2000, 1000] if days else [3000])

    async def test_ends_a_session_that_only_waits_to_say_its_last_words(
        self, simulator: Simulator, tmp_path: Path
    ) -> None:
        async with two_workers(simulator, tmp_path, limit_key_sessions=1) as (one, other):
            async with caller(one) as first:
                await first.send(noise(0.5))
                await first.say("stop")
                await simulator.wait_for(lambda: any(c.commits for c in simulator.connections))
                await cut(first)
            bridge = one.services.sessions.find(session_id(first))
            assert bridge is not None
            await until_true(lambda: bridge.state == "parked")
            await one.services.sessions.renew()  # so that others know of it
            async with Client(other.url, headers={"xi-api-key": one.key}) as second:
                await second.event("session_started")
                await second.stop()

    async def test_can_be_asked_twice_at_once(self, simulator: Simulator, tmp_path: Path) -> None:
        spoken = noise(2)
        async with two_workers(simulator, tmp_path) as (one, other):
            async with caller(one) as first:
                await first.send(spoken[:RATE])
                await received(one, first, RATE)
                await cut(first)
            async with back(other, first) as hasty, back(other, first) as again:
                await hasty.wait_for(lambda: bool(hasty.events) or hasty.close_code is not None)
                assert await hasty.closed() == 4409
                await go_on(again, spoken)
            await until(lambda: is_empty(one, other), "all to be given back")
        check_exactness(Story(first, again), simulator, spoken, RATE, tolerance=1)


async def has_events(relay: Relay, client: Client) -> bool:
    """Whether anything of a session is written down that its next owner has to say."""
    async with relay.services.state.asking() as redis:
        return bool(await redis.exists(EVENTS + session_id(client)))


async def until_true(condition: Callable[[], bool]) -> None:
    """Wait for something that is a matter of moments, and that nobody tells of."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


def task_of(client: Client) -> asyncio.Task[Any]:
    """The task in which a client's session lives."""
    name = f"session {session_id(client)}"
    return next(task for task in asyncio.all_tasks() if task.get_name() == name)


async def is_empty(*relays: Relay) -> bool:
    """Whether nothing of any session is left."""
    known = [record for relay in relays for record in await relay.services.registry.list()]
    return not known and not any(len(relay.services.sessions) for relay in relays)
