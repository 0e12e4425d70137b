"""The same contract on a real Redis and on the embedded engine."""

import asyncio

import pytest

from relay.errors import StateUnavailable
from relay.limits.slots import HAS_SLOT, Slots
from relay.state import SharedState
from tests.support.redis import RedisServer


async def positions(slots: Slots, *sessions: tuple[str, str]) -> list[int]:
    return [(await slots.ask(*session)).position for session in sessions]


async def test_as_many_slots_as_there_are_and_then_a_queue(state: SharedState) -> None:
    slots = Slots(state, limit=2)
    asked = await positions(slots, ("a", "u1"), ("b", "u2"), ("c", "u3"), ("d", "u4"))
    assert asked == [0, 0, 1, 2]
    assert await positions(slots, ("c", "u3"), ("d", "u4"), ("a", "u1")) == [1, 2, 0]


async def test_a_slot_that_is_given_back_goes_to_the_first_in_the_queue(
    state: SharedState,
) -> None:
    slots = Slots(state, limit=1)
    await positions(slots, ("a", "u1"), ("b", "u2"), ("c", "u3"))
    await slots.give_back("a", held=1.0)
    assert await positions(slots, ("c", "u3"), ("b", "u2"), ("c", "u3")) == [2, 0, 1]


async def test_accounts_take_turns(state: SharedState) -> None:
    slots = Slots(state, limit=1)
    greedy = [(f"g{number}", "greedy") for number in range(4)]
    await positions(slots, ("holder", "x"), *greedy)
    assert await positions(slots, ("modest", "modest")) == [2]
    assert await positions(slots, *greedy) == [1, 3, 4, 5]


async def test_turns_go_on_from_the_one_that_was_served_last(state: SharedState) -> None:
    slots = Slots(state, limit=1)
    await positions(slots, ("a", "u1"), ("b", "u1"), ("c", "u1"), ("d", "u1"))
    for ended, begins in (("a", "b"), ("b", "c")):
        await slots.give_back(ended, held=1.0)
        assert await positions(slots, (begins, "u1")) == [0]
    # A newcomer has not earned the turns that passed before it came.
    assert await positions(slots, ("e", "u2"), ("d", "u1")) == [2, 1]


async def test_one_that_had_a_slot_goes_first(state: SharedState) -> None:
    slots = Slots(state, limit=1)
    await positions(slots, ("a", "u1"), ("b", "u2"))
    assert (await slots.ask("c", "u3", goes_first=True)).position == 1
    assert await positions(slots, ("b", "u2")) == [2]


async def test_a_slot_that_nobody_renews_is_free_again(state: SharedState) -> None:
    slots = Slots(state, limit=1, lease=0.2)
    await slots.ask("a", "u1")
    await asyncio.sleep(0.3)
    assert await slots.ask("b", "u2") == HAS_SLOT


async def test_a_slot_that_is_held_stays(state: SharedState) -> None:
    slots = Slots(state, limit=1, lease=0.4)
    await slots.ask("a", "u1")
    for _ in range(3):
        await asyncio.sleep(0.2)
        await slots.hold()
    assert (await slots.ask("b", "u2")).position == 1


async def test_who_stops_asking_is_forgotten(state: SharedState) -> None:
    slots = Slots(state, limit=1, patience=0.2)
    await positions(slots, ("a", "u1"), ("gone", "u2"), ("c", "u3"))
    await asyncio.sleep(0.3)
    assert await positions(slots, ("c", "u3")) == [1]
    await slots.give_back("a", held=1.0)
    assert await positions(slots, ("c", "u3")) == [0]


async def test_the_wait_is_estimated_from_how_long_slots_were_held(state: SharedState) -> None:
    slots = Slots(state, limit=2)
    await positions(slots, ("a", "u1"), ("b", "u2"))
    assert (await slots.ask("c", "u3")).estimated_wait is None
    await slots.give_back("a", held=60.0)
    await positions(slots, ("c", "u3"))
    assert (await slots.ask("d", "u4")).estimated_wait == 30.0


async def test_without_a_limit_everybody_has_a_slot(state: SharedState) -> None:
    slots = Slots(state, limit=None)
    assert await positions(slots, *((f"s{number}", "u") for number in range(20))) == [0] * 20
    await slots.hold()
    await slots.give_back("s0", held=1.0)
    async with state.asking() as redis:
        assert await redis.dbsize() == 0


async def test_a_crowd_gets_no_more_slots_than_there_are(state: SharedState) -> None:
    slots = Slots(state, limit=5)
    places = await asyncio.gather(*(slots.ask(f"s{n}", f"u{n % 7}") for n in range(60)))
    assert sum(place.has_slot for place in places) == 5
    waiting = sorted(place.position for place in places if not place.has_slot)
    assert waiting[0] == 1


async def test_an_emptied_redis_hands_out_none_until_all_have_said_what_they_hold(
    state: SharedState,
) -> None:
    slots, others = (Slots(state, limit=2, settling=0.3) for _ in range(2))
    await others.begin()
    assert await positions(slots, ("a", "u1"), ("b", "u2")) == [0, 0]
    async with state.asking() as redis:
        await redis.flushdb()
    assert await positions(others, ("c", "u3")) == [1]
    await slots.hold()
    await asyncio.sleep(0.4)
    assert await positions(others, ("c", "u3")) == [1]
    await slots.give_back("a", held=1.0)
    assert await positions(others, ("c", "u3")) == [0]


class Watch:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_who_waits_goes_on_waiting_while_redis_is_away() -> None:
    with RedisServer() as server:
        state, clock = SharedState.connect(server.url), Watch()
        slots = Slots(state, limit=2, clock=clock, settling=0.3)
        others = Slots(state, limit=2, settling=0.3)
        assert await positions(others, ("b", "u1")) == [0]
        assert await positions(slots, ("a", "u1"), ("c", "u1")) == [0, 1]
        server.stop()
        # Who has a slot keeps it, and who has none is told the same as before.
        assert await positions(slots, ("a", "u1"), ("c", "u1"), ("d", "u1")) == [0, 1, 2]
        server.start()
        # It has lost everything: until all have said what they hold, nothing is given away.
        clock.now = 0.2
        assert await positions(slots, ("c", "u1")) == [1]
        await slots.hold()
        await others.hold()
        clock.now = 0.3
        assert await positions(slots, ("c", "u1")) == [1]
        await others.give_back("b", held=1.0)
        await asyncio.sleep(0.3)
        assert await positions(slots, ("c", "u1")) == [0]
        await state.aclose()


async def test_a_worker_that_counts_alone_hands_out_as_many_slots_as_there_are() -> None:
    with RedisServer() as server:
        state, clock = SharedState.connect(server.url), Watch()
        slots = Slots(state, limit=2, counts_alone=True, clock=clock, settling=0.3)
        assert await positions(slots, ("a", "u1")) == [0]
        server.stop()
        assert await positions(slots, ("b", "u1"), ("c", "u1")) == [0, 1]
        with pytest.raises(StateUnavailable):
            await slots.give_back("a", held=1.0)
        assert await positions(slots, ("c", "u1")) == [0]
        server.start()
        clock.now = 0.3
        await slots.hold()
        assert await positions(slots, ("d", "u1")) == [1]
        await state.aclose()
