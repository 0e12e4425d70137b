"""The same contract on a real Redis and on the embedded engine."""

import asyncio
from contextlib import aclosing

import pytest

from relay.errors import StateUnavailable
from relay.registry import ControlChannel, EndSession, SessionTaken
from relay.registry.control import CHANNEL, ControlMessage
from relay.state import SharedState
from tests.support.redis import RedisServer


async def first(channel: ControlChannel) -> ControlMessage:
    async with aclosing(channel.receive()) as messages, asyncio.timeout(5):
        return await anext(messages)


async def listeners(state: SharedState, count: int) -> None:
    """Wait until so many listen."""
    async with asyncio.timeout(5), state.asking() as redis:
        while dict(await redis.pubsub_numsub(CHANNEL)).get(CHANNEL, 0) < count:  # noqa: ASYNC110  # Redis doesn't tell
            await asyncio.sleep(0.01)


async def test_all_workers_are_told(state: SharedState) -> None:
    channel = ControlChannel(state)
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(first(channel)) for _ in range(2)]
        await listeners(state, 2)
        await channel.send(EndSession("s1", "operator"))
    assert [task.result() for task in told] == [EndSession("s1", "operator")] * 2


async def test_a_former_owner_is_told_that_its_session_was_taken(state: SharedState) -> None:
    channel = ControlChannel(state)
    async with asyncio.TaskGroup() as group:
        told = group.create_task(first(channel))
        await listeners(state, 1)
        await channel.send(SessionTaken("s1", epoch=2))
    assert told.result() == SessionTaken("s1", epoch=2)


async def test_what_a_newer_worker_says_is_passed_over(state: SharedState) -> None:
    channel = ControlChannel(state)
    async with asyncio.TaskGroup() as group:
        told = group.create_task(first(channel))
        await listeners(state, 1)
        async with state.asking() as redis:
            await redis.publish(CHANNEL, '{"type":"dance"}')
        await channel.send(EndSession("s1", "operator"))
    assert told.result() == EndSession("s1", "operator")


async def test_a_broken_connection_is_said() -> None:
    with RedisServer() as server:
        state = SharedState.connect(server.url)

        async def listen() -> None:
            with pytest.raises(StateUnavailable):
                await first(ControlChannel(state))

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await listeners(state, 1)
            server.stop()
        await state.aclose()
