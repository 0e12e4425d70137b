import asyncio
from typing import Any

import pytest

from relay.simulator.actions import Close, Drop, Outgoing, Send, Stall
from relay.simulator.outbox import Outbox

PAST = 0.0
"""So long ago that everything put then is due: when the machine was started."""


def message(text: str, **due: Any) -> Send:
    return Send({"text": text}, **due)


def named(action: Outgoing) -> str:
    return action.fields["text"] if isinstance(action, Send) else type(action).__name__


async def order(*actions: Outgoing) -> list[str]:
    """Put all at once, take all that are due."""
    outbox = Outbox()
    for action in actions:
        outbox.put(action, PAST)
    return [named(await outbox.take()) for _ in actions]


async def test_messages_leave_in_order() -> None:
    assert await order(message("a"), message("b"), message("c")) == ["a", "b", "c"]


async def test_a_late_message_makes_the_next_ones_wait() -> None:
    assert await order(message("a", delay=5), message("b")) == ["a", "b"]


async def test_what_follows_counts_from_the_last_message_in_order() -> None:
    final, timed = message("final", delay=5), message("timed", delay=0.1, follows=True)
    assert await order(final, timed, message("next")) == ["final", "next", "timed"]


async def test_what_follows_makes_nothing_wait() -> None:
    late = message("late", delay=9, follows=True)
    assert await order(late, message("a"), message("b", delay=1)) == ["a", "b", "late"]


async def test_an_end_waits_for_nothing_unless_it_follows() -> None:
    assert await order(message("a", delay=5), Drop()) == ["Drop", "a"]
    assert await order(message("a", delay=5), Close(1000, follows=True)) == ["a", "Close"]


async def test_an_end_or_a_stall_makes_nothing_wait() -> None:
    assert await order(Stall(1.0, delay=5), message("a")) == ["a", "Stall"]


async def test_nothing_leaves_before_it_is_due() -> None:
    outbox, clock = Outbox(), asyncio.get_running_loop().time
    put_at = clock()
    outbox.put(message("a", delay=0.05), put_at)
    await outbox.take()
    assert clock() - put_at >= 0.05


async def test_what_is_due_earlier_overtakes_while_somebody_waits() -> None:
    outbox, clock = Outbox(), asyncio.get_running_loop().time
    outbox.put(message("late", delay=60), clock())
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(outbox.take())
        tasks.create_task(put_later(outbox, Drop()))
    assert taking.result() == Drop()


async def put_later(outbox: Outbox, action: Outgoing) -> None:
    """Put an action once everything else has had its turn."""
    await asyncio.sleep(0)
    outbox.put(action, asyncio.get_running_loop().time())


async def test_an_empty_box_lets_one_wait() -> None:
    outbox = Outbox()
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(outbox.take())
        tasks.create_task(put_later(outbox, message("a")))
    assert named(taking.result()) == "a"


async def test_who_stops_waiting_loses_nothing() -> None:
    outbox = Outbox()
    outbox.put(message("a", delay=0.05), asyncio.get_running_loop().time())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await outbox.take()
    assert named(await outbox.take()) == "a"


async def test_what_was_taken_is_left_until_it_is_dealt_with() -> None:
    outbox = Outbox()
    await outbox.join()
    for text in "ab":
        outbox.put(message(text), PAST)
    assert len(outbox) == 2
    await outbox.take()
    assert len(outbox) == 2
    outbox.task_done()
    await outbox.take()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await outbox.join()
    outbox.task_done()
    await outbox.join()
    assert len(outbox) == 0
