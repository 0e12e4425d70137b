"""The same contract on a real Redis and on the embedded engine."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from relay.errors import LimitExceeded
from relay.limits.limiter import EVERYBODY, PIECE, Claim, Limiter
from relay.limits.policy import Limits
from relay.state import SharedState

LIMITS = Limits(sessions=2, connects_per_minute=100, minutes_per_day=None, session_minutes=60)

PIECE_MS = round(PIECE * 1000)


async def nothing(account: str, day: int) -> int:
    return 0


def limiter(state: SharedState, **options: object) -> Limiter:
    values: dict[str, object] = {"budget_minutes_per_day": None, "spent_before": nothing}
    return Limiter(state, **{**values, **options})  # type: ignore[arg-type]  # checked by mypy where it counts


def claim(session_id: str = "s1", account: str = "user:1", **limits: float | None) -> Claim:
    return Claim(session_id, account, replace(LIMITS, **limits))  # type: ignore[arg-type]  # names are checked by replace


async def refusal(limiter: Limiter, claim: Claim, *, resumes: bool = False) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as caught:
        await limiter.admit(claim, resumes=resumes)
    return caught.value


async def test_an_account_has_so_many_sessions_at_once(state: SharedState) -> None:
    limits = limiter(state)
    await limits.admit(claim("a"))
    await limits.admit(claim("b"))
    error = await refusal(limits, claim("c"))
    assert error.limit == "too_many_sessions"
    assert 1 <= error.retry_after <= 12
    await limits.admit(claim("d", account="user:2"))


async def test_a_session_that_ended_makes_room_at_once(state: SharedState) -> None:
    limits = limiter(state)
    for name in ("a", "b"):
        grant = await limits.admit(claim(name))
    await limits.release(claim("a"), unspent_ms=0, day=grant.day)
    await limits.admit(claim("c"))


async def test_a_lease_that_nobody_renews_ends_by_itself(state: SharedState) -> None:
    limits = limiter(state, lease=0.2)
    await limits.admit(claim("a"))
    await limits.admit(claim("b"))
    await asyncio.sleep(0.3)
    await limits.admit(claim("c"))


async def test_a_renewed_lease_lasts(state: SharedState) -> None:
    limits = limiter(state, lease=0.4)
    await limits.admit(claim("a", sessions=1))
    for _ in range(3):
        await asyncio.sleep(0.2)
        await limits.renew([(claim("a"), 0)])
    await refusal(limits, claim("b", sessions=1))


async def test_live_sessions_take_their_leases_again_after_redis_lost_them(
    state: SharedState,
) -> None:
    limits = limiter(state)
    await limits.admit(claim("a", sessions=1))
    async with state.asking() as redis:
        await redis.flushdb()
    await limits.renew([(claim("a"), 0)])
    await refusal(limits, claim("b", sessions=1))


async def test_connects_are_limited_and_resumes_are_not_counted(state: SharedState) -> None:
    limits = limiter(state)
    many: dict[str, Any] = {"sessions": 100, "connects_per_minute": 5}
    for number in range(5):
        await limits.admit(claim(f"s{number}", **many))
    error = await refusal(limits, claim("one too many", **many))
    assert error.limit == "rate_limited"
    assert 0 < error.retry_after <= 12.1
    await limits.admit(claim("s1", **many), resumes=True)


async def test_audio_is_reserved_piece_by_piece_and_never_over_the_days_limit(
    state: SharedState,
) -> None:
    limits = limiter(state)
    one_minute = claim("a", minutes_per_day=1.0)
    grant = await limits.admit(one_minute)
    assert (grant.granted_ms, grant.left_ms) == (PIECE_MS, 60_000 - PIECE_MS)
    granted = grant.granted_ms
    for _ in range(5):
        (grant,) = await limits.renew([(one_minute, 15_000)])
        granted += grant.granted_ms
    assert granted == 60_000
    assert (grant.granted_ms, grant.left_ms) == (0, 0)
    error = await refusal(limits, claim("b", minutes_per_day=1.0))
    assert error.limit == "quota_exceeded"
    assert 0 < error.retry_after <= 86_400


async def test_what_was_not_taken_is_given_back(state: SharedState) -> None:
    limits = limiter(state)
    one_minute = claim("a", minutes_per_day=1.0)
    grant = await limits.admit(one_minute)
    await limits.release(one_minute, unspent_ms=PIECE_MS - 500, day=grant.day)
    assert (await limits.admit(claim("b", minutes_per_day=1.0))).left_ms == (
        60_000 - 500 - PIECE_MS
    )


async def test_everybody_together_has_a_budget(state: SharedState) -> None:
    limits = limiter(state, budget_minutes_per_day=0.75)
    first = await limits.admit(claim("a"))
    second = await limits.admit(claim("b", account="user:2"))
    assert (first.granted_ms, second.granted_ms) == (PIECE_MS, 45_000 - PIECE_MS)
    assert second.budget_left_ms == 0
    assert second.left_ms is None
    error = await refusal(limits, claim("c", account="user:3"))
    assert error.limit == "quota_exceeded"
    assert "this relay" in error.text


async def test_what_redis_does_not_know_is_looked_up(state: SharedState) -> None:
    asked: list[str] = []

    async def spent_before(account: str, day: int) -> int:
        asked.append(account)
        return 50_000

    limits = limiter(state, spent_before=spent_before, budget_minutes_per_day=100)
    one_minute = claim("a", minutes_per_day=1.0)
    assert (await limits.admit(one_minute)).granted_ms == 10_000
    assert sorted(asked) == [EVERYBODY, "user:1"]
    async with state.asking() as redis:
        await redis.flushdb()
    (grant,) = await limits.renew([(one_minute, 5_000)])
    assert (grant.granted_ms, grant.left_ms) == (5_000, 5_000)


async def test_a_crowd_gets_no_more_than_there_is(state: SharedState) -> None:
    limits = limiter(state)

    async def try_admit(number: int) -> int:
        try:
            grant = await limits.admit(claim(f"s{number}", sessions=7, minutes_per_day=2.0))
        except LimitExceeded:
            return 0
        return grant.granted_ms

    granted = await asyncio.gather(*(try_admit(number) for number in range(30)))
    assert sum(ms > 0 for ms in granted) == 4
    assert sum(granted) == 120_000


async def test_renewing_nothing_asks_nobody(state: SharedState) -> None:
    assert await limiter(state).renew([]) == []


async def test_the_budget_says_what_everybody_has_used_or_reserved(state: SharedState) -> None:
    limits = limiter(state, budget_minutes_per_day=10)
    assert await limits.budget() == (600, 0)
    await limits.admit(claim("a"))
    await limits.admit(claim("b", account="user:2"))
    assert await limits.budget() == (600, 2 * PIECE)
    assert await limiter(state).budget() is None
