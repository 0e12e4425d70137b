"""What an account may still do: sessions at once, connects per minute, audio per day.

Every decision is one script on Redis, for all workers and hosts at once. A session holds a lease,
which ends by itself when nobody renews it, so that a crash frees it within seconds. Audio is
reserved before it is taken, in pieces of some seconds: thus a day's limit is never exceeded, no
matter how many sessions of an account are live.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from relay.errors import LimitExceeded, StateUnavailable
from relay.limits.policy import Limits
from relay.state import SharedState
from relay.state.scripts import read_script

LEASE: Final = 12.0
"""Seconds after which a lease that nobody renews is free; a worker renews every third of it."""

PIECE: Final = 30.0
"""Seconds of audio that a session has reserved at most; what it doesn't take is given back."""

SESSIONS: Final = "relay:sessions:"
CONNECTS: Final = "relay:connects:"
SPENT: Final = "relay:spent:"
BUDGET: Final = "relay:budget:"

EVERYBODY: Final = ""
"""Stands for all accounts together, where what was spent is looked up."""

SpentBefore: TypeAlias = Callable[[str, int], Awaitable[int]]
"""Looks up milliseconds of audio received by an account on a day (days since 1970, UTC).

Redis may have lost what was spent today, or never have known it: then this says it.
"""

TEXTS: Final = {
    "too_many_sessions": "As many sessions as this account may have are open; end one first.",
    "rate_limited": "This account connects too often; wait a moment.",
    "quota_exceeded": "The minutes of this account are used up for today (UTC).",
    "budget_exceeded": "The minutes of this relay are used up for today (UTC).",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A session and what its account may do."""

    session_id: str
    account: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Grant:
    """Audio that was reserved for a session."""

    granted_ms: int
    left_ms: int | None
    """What the account has left today beyond that; None where it has no limit."""
    budget_left_ms: int | None
    """The same for everybody together."""
    day: int
    """Days since 1970, UTC, by Redis's clock."""


class Limiter:
    """Decides what accounts may do."""

    def __init__(
        self,
        state: SharedState,
        *,
        budget_minutes_per_day: float | None,
        spent_before: SpentBefore,
        lease: float = LEASE,
    ) -> None:
        """Decide on what `state` holds.

        Args:
            state: Shared by all workers that decide together.
            budget_minutes_per_day: Of all accounts together; None for no limit.
            spent_before: Asked when Redis doesn't know.
            lease: Seconds that a lease lasts unless it is renewed.
        """
        self._state = state
        self._budget_ms = _as_ms(budget_minutes_per_day)
        self._spent_before = spent_before
        self._lease_ms = round(lease * 1000)
        scripts = {name: read_script(__package__, name) for name in _SCRIPTS}
        self._admit, self._renew, self._release, self._seed = (
            state.script(scripts[name]) for name in _SCRIPTS
        )

    async def admit(self, claim: Claim, *, resumes: bool = False) -> Grant:
        """Begin a session's lease and reserve its first piece of audio.

        Args:
            claim: Who wants to begin.
            resumes: It goes on with a session that was admitted before: no connect is counted.

        Raises:
            LimitExceeded: If a limit forbids it.
            StateUnavailable: If nobody can tell.
        """
        limits = claim.limits
        account = claim.account
        keys = [SESSIONS + account, CONNECTS + account, f"{SPENT}{account}:", BUDGET]
        arguments: list[str | int] = [
            claim.session_id,
            self._lease_ms,
            limits.sessions,
            limits.connects_per_minute,
            _as_ms(limits.minutes_per_day),
            self._budget_ms,
            round(PIECE * 1000),
            int(resumes),
        ]
        answer = await self._state.run(self._admit, keys, arguments)
        if answer[0] == "unknown":
            await self._look_up([account], int(answer[1]))
            answer = await self._state.run(self._admit, keys, arguments)
        if answer[0] == "unknown":
            raise StateUnavailable("what was spent today was forgotten again")
        if answer[0] != "ok":
            raise LimitExceeded(*_refusal(answer[0], int(answer[1])))
        return _grant(answer[1:])

    async def renew(self, wanted: Sequence[tuple[Claim, int]]) -> list[Grant]:
        """Renew leases and reserve more audio, for all sessions of a worker in one round trip.

        Args:
            wanted: Each session's claim, and milliseconds to reserve in addition.

        Returns:
            A grant for each, which may be of 0 ms.

        Raises:
            StateUnavailable: If Redis can't be asked; the sessions go on with what they have.
        """
        if not wanted:
            return []
        arguments: list[str | int] = [self._lease_ms, self._budget_ms, SESSIONS, SPENT, BUDGET]
        for claim, wanted_ms in wanted:
            per_day = _as_ms(claim.limits.minutes_per_day)
            arguments += [claim.session_id, claim.account, per_day, wanted_ms]
        answers = await self._state.run(self._renew, [], arguments)
        unknown = [i for i, answer in enumerate(answers) if _UNKNOWN in map(int, answer[1:3])]
        if unknown:
            accounts = sorted({wanted[i][0].account for i in unknown})
            await self._look_up(accounts, int(answers[0][3]))
            again = await self.renew([wanted[i] for i in unknown])
            found = dict(zip(unknown, again, strict=True))
            return [found.get(i) or _grant(answer) for i, answer in enumerate(answers)]
        return [_grant(answer) for answer in answers]

    async def release(self, claim: Claim, *, unspent_ms: int, day: int) -> None:
        """End a session's lease and give back what it reserved on `day` and did not take.

        Raises:
            StateUnavailable: If Redis can't be asked; the lease then ends by itself.
        """
        keys = [SESSIONS + claim.account, f"{SPENT}{claim.account}:{day}", f"{BUDGET}{day}"]
        await self._state.run(self._release, keys, [claim.session_id, unspent_ms])

    async def refund(self, account: str, *, unspent_ms: int, day: int) -> None:
        """Give back what was reserved for a session that goes on elsewhere, with its lease.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        keys = [SESSIONS + account, f"{SPENT}{account}:{day}", f"{BUDGET}{day}"]
        await self._state.run(self._release, keys, ["", unspent_ms])

    async def budget(self) -> tuple[float, float] | None:
        """Seconds of audio that everybody together may use today, and has used or reserved.

        None where there is no such limit; what Redis doesn't know yet counts as nothing.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        if self._budget_ms < 0:
            return None
        async with self._state.asking() as redis:
            seconds, _ = await redis.time()
            used_ms = await redis.get(f"{BUDGET}{seconds // 86_400}")
        return self._budget_ms / 1000, int(used_ms or 0) / 1000

    async def _look_up(self, accounts: Sequence[str], day: int) -> None:
        everybody, *each = await asyncio.gather(
            *(self._spent_before(account, day) for account in (EVERYBODY, *accounts))
        )
        await self._state.run(self._seed, [f"{BUDGET}{day}"], [everybody, day])
        for account, spent_ms in zip(accounts, each, strict=True):
            await self._state.run(self._seed, [f"{SPENT}{account}:{day}"], [spent_ms, day])


_SCRIPTS: Final = ("admit", "renew", "release", "seed")

_UNKNOWN: Final = -2
"""What the script says instead of what is left where it doesn't know what was spent."""


def _as_ms(minutes: float | None) -> int:
    return -1 if minutes is None else round(minutes * 60_000)


def _grant(answer: Sequence[str | int]) -> Grant:
    granted, left, budget_left, day = map(int, answer)
    return Grant(
        granted, left if left >= 0 else None, budget_left if budget_left >= 0 else None, day
    )


def _refusal(limit: str, wait_ms: int) -> tuple[str, str, float]:
    # Clients know one name for both, since they do the same about it.
    name = "quota_exceeded" if limit == "budget_exceeded" else limit
    return name, TEXTS[limit], wait_ms / 1000
