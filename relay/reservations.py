"""A session's place within its account's limits; at the limit, one that is parked makes room."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from relay.errors import LimitExceeded, StateUnavailable
from relay.limits.allowance import Allowance
from relay.limits.limiter import TEXTS, Claim, Grant, Limiter
from relay.registry import ControlChannel, EndSession, Registry
from relay.seat import Seat

RETRY_WHEN_FULL: Final = 5.0
"""Seconds after which a client may ask again for a place."""

REPLACED: Final = "replaced"
"""Why a parked session ends at its account's limit."""

PLACE_TIMEOUT: Final = 3.0
"""Seconds in which a parked session gives its place to a new one of its account."""


class Reservations:
    """Reserves what new sessions need of their accounts' limits."""

    def __init__(
        self,
        limiter: Limiter,
        registry: Registry,
        control: ControlChannel,
        seats: Mapping[str, Seat],
        *,
        admits_without_redis: bool,
    ) -> None:
        """Know of this worker's live `seats`, by their sessions' ids."""
        self._limiter = limiter
        self._registry = registry
        self._control = control
        self._seats = seats
        self._admits_without_redis = admits_without_redis

    async def reserve(self, claim: Claim, *, resumes: bool) -> Allowance:
        """Reserve; at the limit, the account's oldest parked session gives its place.

        Args:
            claim: Of the session.
            resumes: It was another worker's, and has its lease.

        Raises:
            LimitExceeded: If a limit forbids it.
            StateUnavailable: If nobody can tell, and the policy is to refuse then.
        """
        try:
            return await self._reserve(claim, resumes=resumes)
        except LimitExceeded as error:
            if error.limit != "too_many_sessions" or not await self._make_room(claim.account):
                raise
        return await self._reserve(claim, resumes=True)  # its connect has been counted

    async def _reserve(self, claim: Claim, *, resumes: bool) -> Allowance:
        try:
            return Allowance(await self._limiter.admit(claim, resumes=resumes))
        except StateUnavailable:
            if not self._admits_without_redis:
                raise
        live = sum(seat.claim.account == claim.account for seat in self._seats.values())
        if live >= claim.limits.sessions:
            raise LimitExceeded("too_many_sessions", TEXTS["too_many_sessions"], RETRY_WHEN_FULL)
        allowance = Allowance(Grant(0, None, None, day=0))
        allowance.suspend()
        return allowance

    async def _make_room(self, account: str) -> bool:
        parked = [
            seat
            for seat in self._seats.values()
            if seat.claim.account == account and seat.left_at < math.inf
        ]
        if not parked:
            try:
                return await self._make_room_elsewhere(account)
            except StateUnavailable:
                return False
        oldest = min(parked, key=lambda seat: seat.left_at)
        assert oldest.bridge is not None
        oldest.bridge.leave(REPLACED)
        with suppress(TimeoutError):
            async with asyncio.timeout(PLACE_TIMEOUT):
                await oldest.has_been_released.wait()
        return True

    async def _make_room_elsewhere(self, account: str) -> bool:
        parked = [
            record
            for record in await self._registry.list()
            if record.account == account and record.state == "parked"
        ]
        if not parked:
            return False
        oldest = min(parked, key=lambda record: record.started_at)
        await self._control.send(EndSession(oldest.session_id, REPLACED))
        with suppress(TimeoutError):
            async with asyncio.timeout(PLACE_TIMEOUT):
                # Another worker ends it: there is nothing here to wait for but its record.
                while await self._registry.find(oldest.session_id) is not None:  # noqa: ASYNC110
                    await asyncio.sleep(PLACE_TIMEOUT / 20)
        return True
