"""The live sessions of one worker: their admission, their leases, their end.

One task renews all leases at once every few seconds, one looks for those who may no longer be here,
one writes down what was used, one listens to the other workers. A session itself asks for nothing.
"""

import asyncio
import math
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Final

import structlog

from relay.auth.identities import Identity, Role
from relay.bookkeeping import Bookkeeping
from relay.bridge import Bridge
from relay.bridge_config import Consumption
from relay.errors import (
    LimitExceeded,
    StateUnavailable,
    StoreUnavailable,
    Unauthorized,
    UpstreamUnavailable,
)
from relay.limits.limiter import LEASE, Claim, Grant, Limiter
from relay.limits.pace import Pace
from relay.limits.policy import Limits
from relay.limits.slots import Slots
from relay.limits.terms import Terms
from relay.logbook import Logbook
from relay.registry import (
    ControlChannel,
    Duty,
    EndSession,
    Ownership,
    Registry,
    SessionTaken,
    Wish,
    WishFor,
)
from relay.registry.control import ControlMessage
from relay.registry.ownership import Standing
from relay.reservations import REPLACED, RETRY_WHEN_FULL, Reservations
from relay.seat import Seat
from relay.store.usage import Usage
from relay.translator import Taken

RENEWAL_INTERVAL: Final = LEASE / 3
"""Seconds between two renewals: one may fail, and the lease still holds."""

AWAY_INTERVAL: Final = 1.0
"""The same while Redis is away, so that it knows of the live sessions again before it admits others
in their place."""

REVOCATION_INTERVAL: Final = 2.0
"""Seconds between two looks at who was revoked; with the time to end, under the 5 s promised."""

LEDGER_INTERVAL: Final = 10.0
"""Seconds of usage that a crash may lose at most."""

LISTEN_AGAIN: Final = 1.0
"""Seconds after which a broken control channel is opened again."""

DRAIN_TIMEOUT: Final = 18.0
"""Seconds for all sessions of a worker to move on; more than one of them takes."""

KEY_SPEED: Final = 4.0
"""Times real time that servers may send files at; what the provider takes."""

LEAVING: Final = UpstreamUnavailable(
    "upstream_unavailable", "This worker is being restarted; connect again.", 1.0
)

_log = structlog.get_logger("relay.sessions")

StillKnown = Callable[[Collection[Identity]], Awaitable[set[Identity]]]
"""Tells who of these may go on."""


@dataclass(frozen=True, kw_only=True)
class AdmissionPolicy:
    """What is granted, and what happens while Redis is away."""

    limits: Mapping[Role, Limits]
    max_sessions: int
    """Of this worker."""
    admits_without_redis: bool
    """Whether cookies, keys and places are admitted while Redis is away, by this worker's count."""


class LiveSessions:
    """Admits sessions, keeps their leases and tells other workers of them."""

    def __init__(
        self,
        *,
        policy: AdmissionPolicy,
        limiter: Limiter,
        slots: Slots,
        registry: Registry,
        ownership: Ownership,
        control: ControlChannel,
        usage: Usage,
        still_known: StillKnown,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """Keep the sessions of this worker; call `run` beside them."""
        self._policy = policy
        self._limiter = limiter
        self._slots = slots
        self._registry = registry
        self._ownership = ownership
        self._control = control
        self._still_known = still_known
        self._today = today
        self._seats: dict[str, Seat] = {}
        self._arriving = 0
        self._duty = Duty.SERVING
        self._is_away = False
        self._is_at_rest = asyncio.Event()
        self._is_at_rest.set()
        self._book = Bookkeeping(usage)
        self._reservations = Reservations(
            limiter,
            registry,
            control,
            self._seats,
            admits_without_redis=policy.admits_without_redis,
        )
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def is_leaving(self) -> bool:
        """Whether this worker hands its sessions on."""
        return self._duty is not Duty.SERVING

    @property
    def duty(self) -> Duty:
        """Whether this worker takes sessions."""
        return self._duty

    @property
    def worker(self) -> str:
        """This worker's name among all."""
        return self._worker

    @property
    def limit(self) -> int:
        """Sessions that this worker takes at once."""
        return self._policy.max_sessions

    @property
    def unwritten_rows(self) -> int:
        """Rows of usage that wait for the database."""
        return len(self._book)

    def bridges(self) -> list[Bridge]:
        """This worker's sessions, live or parked."""
        return [seat.bridge for seat in self._seats.values() if seat.bridge is not None]

    def logbooks(self) -> dict[str, Logbook]:
        """What happened in each of this worker's sessions."""
        return {key: seat.logbook for key, seat in self._seats.items() if seat.bridge is not None}

    def find(self, session_id: str) -> Bridge | None:
        """One of this worker's sessions, live or parked."""
        seat = self._seats.get(session_id)
        return None if seat is None else seat.bridge

    @asynccontextmanager
    async def admit(
        self,
        identity: Identity,
        session_id: str,
        *,
        max_seconds: float | None,
        address: str | None,
        resumes: bool = False,
    ) -> AsyncIterator[Seat]:
        """Give a session its place for as long as the context lasts.

        Args:
            identity: Who it is.
            session_id: Of the session.
            max_seconds: Longest session, where a ticket says so.
            address: Where it comes from, for people who look on.
            resumes: It was another worker's: its lease and its slot are there already.

        Raises:
            UpstreamUnavailable: If this worker is leaving.
            LimitExceeded: If a limit forbids it.
            StateUnavailable: If nobody can tell, and the policy is to refuse then.
        """
        limits = self._policy.limits[identity.role].replaced(identity.limits)
        claim = Claim(session_id, identity.account, limits)
        self._check_staying()
        if len(self._seats) + self._arriving >= self._policy.max_sessions:
            raise LimitExceeded(
                "too_many_sessions",
                f"All {self._policy.max_sessions} places of this worker are taken; "
                "try again later.",
                RETRY_WHEN_FULL,
            )
        self._arriving += 1
        try:
            allowance = await self._reservations.reserve(claim, resumes=resumes)
        finally:
            self._arriving -= 1
        pace = Pace(speed=KEY_SPEED) if identity.role is Role.KEY else Pace()
        terms = Terms(allowance, pace, max_seconds=_shorter(max_seconds, limits.session_minutes))
        seat = Seat(
            claim,
            identity,
            terms,
            self._slots,
            address=address,
            worker=self._worker,
            today=self._today(),
            goes_first=resumes,
        )
        self._seats[session_id] = seat
        try:
            self._check_staying()  # it may have begun to leave meanwhile
            yield seat
        finally:
            # A session that this worker lost may have come back to it, and sit there already.
            if self._seats.get(session_id) is seat:
                del self._seats[session_id]
            await self._release(seat)

    async def run(self) -> None:
        """Keep the sessions until cancelled."""
        _log.info("worker started", worker=self._worker)
        with suppress(StateUnavailable):
            await self._slots.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_renewing(), name="renew leases")
            group.create_task(_every(REVOCATION_INTERVAL, self.expel), name="expel")
            group.create_task(_every(LEDGER_INTERVAL, self.write_usage), name="write usage")
            group.create_task(_every(LISTEN_AGAIN, self._listen), name="control channel")

    async def renew(self) -> None:
        """Renew leases, slots and records, and reserve what the sessions will take next."""
        self._is_at_rest.clear()
        try:
            await self._renew()
        finally:
            self._is_at_rest.set()

    async def _keep_renewing(self) -> None:
        while True:
            await _attempt(self.renew)
            await asyncio.sleep(AWAY_INTERVAL if self._is_away else RENEWAL_INTERVAL)

    async def _renew(self) -> None:
        seats = [(seat, seat.bridge) for seat in self._seats.values() if seat.bridge is not None]
        if not seats:
            return  # and nothing is known of Redis
        records = [record for seat, _ in seats if (record := seat.record()) is not None]
        endings: Mapping[str, str] = {}
        try:
            await self._slots.hold()
            endings = await self._registry.beat(records)
            await self._keep_owning([bridge for _, bridge in seats])
            grants: Sequence[Grant | None] = await self._limiter.renew(
                [(seat.claim, seat.terms.wanted_ms) for seat, _ in seats]
            )
        except StateUnavailable as error:
            self._note_away(str(error))
            grants = [None] * len(seats)
        except StoreUnavailable as error:
            # Redis has lost what was spent today, and the ledger can't say it either.
            _log.warning("sessions go on without their limits", text=str(error))
            grants = [None] * len(seats)
        else:
            self._note_back()
        for session_id, reason in endings.items():
            # What the control channel lost, or Redis's return came too late for.
            self._obey(EndSession(session_id, reason))
        for (_, bridge), grant in zip(seats, grants, strict=True):
            bridge.renew(grant)

    async def _keep_owning(self, bridges: Sequence[Bridge]) -> None:
        tenures = {bridge.session_id: bridge.tenure for bridge in bridges}
        standings = await self._ownership.touch({key: own.epoch for key, own in tenures.items()})
        for bridge in bridges:
            match standings[bridge.session_id]:
                case Standing.LOST:
                    bridge.taken()
                case Standing.UNKNOWN:
                    await bridge.tenure.begin()

    def _note_away(self, text: str) -> None:
        if not self._is_away:
            _log.warning("Redis is away", text=text, sessions=len(self._seats))
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            _log.info("Redis is back", sessions=len(self._seats))
        self._is_away = False

    async def expel(self) -> None:
        """End the sessions of those who were removed, revoked or signed out."""
        seats = list(self._seats.values())
        if not seats:
            return
        try:
            known = await self._still_known({seat.identity for seat in seats})
        except StoreUnavailable as error:
            _log.warning("revocations can't be looked up", text=str(error))
            return
        for seat in seats:
            if seat.identity not in known and seat.bridge is not None:
                seat.bridge.expel(Unauthorized("Whoever this is may no longer be here."))

    async def write_usage(self) -> None:
        """Write down what the sessions have used; what can't be written is kept for later."""
        today = self._today()
        for seat in self._seats.values():
            self._book.keep(seat.usage(today))
        await self._book.write()

    async def continue_usage(self, seat: Seat, *, began_at: float, used: Consumption) -> None:
        """Let the day's row of a session that was another worker's go on where it has come to.

        Args:
            seat: Its place here, before there is a bridge.
            began_at: Seconds since 1970 at which the session began.
            used: By then, on all days.
        """
        began_on = datetime.fromtimestamp(began_at, UTC).date()
        seat.used_before_today = await self._book.used_before(
            seat.session_id, seat.day, began_on=began_on, used=used
        )

    def _check_staying(self) -> None:
        if self.is_leaving:
            raise LEAVING

    async def _release(self, seat: Seat) -> None:
        if not isinstance(seat.ending, Taken):
            self._book.keep(seat.usage(self._today()))  # else the next owner counts it too
        # A renewal that has begun with this session still in it would bring it back to life.
        await self._is_at_rest.wait()
        await self._give_back(seat)
        seat.has_been_released.set()
        await self._book.write()

    async def _give_back(self, seat: Seat) -> None:
        unspent_ms, day = seat.terms.unspent
        try:
            await seat.give_another_back()
            if seat.bridge is not None and seat.is_over:
                await self._end(seat, seat.bridge)
            is_back = seat.session_id in self._seats  # on this very worker
            if seat.is_handed_over or is_back:
                if not is_back:
                    seat.let_go()
                await self._limiter.refund(seat.claim.account, unspent_ms=unspent_ms, day=day)
                return
            await self._slots.give_back(seat.session_id, held=seat.slot_held)
            await self._limiter.release(seat.claim, unspent_ms=unspent_ms, day=day)
            await self._registry.remove(seat.session_id)
        except StateUnavailable as error:
            _log.warning("leases are left to end by themselves", text=str(error))

    async def _end(self, seat: Seat, bridge: Bridge) -> None:
        if await bridge.tenure.end(asdict(bridge.consumption())) is Standing.LOST:
            seat.ending = Taken()

    async def _listen(self) -> None:
        try:
            async with aclosing(self._control.receive()) as messages:
                async for message in messages:
                    self._obey(message)
        except StateUnavailable as error:
            self._note_away(str(error))

    def _obey(self, message: ControlMessage) -> None:
        if isinstance(message, WishFor):
            if message.worker == self._worker:
                self.obey(message.wish)
            return
        bridge = self.find(message.session_id)
        match message:
            case EndSession(reason=reason) if bridge is not None:
                # Whoever is asked for a parked session's place may have its client back.
                if reason != REPLACED or bridge.left_at < math.inf:
                    bridge.leave(reason)
            case SessionTaken(epoch=epoch) if bridge is not None:
                if bridge.tenure.epoch < epoch:
                    bridge.taken()

    def obey(self, wish: Wish) -> None:
        """Do what an operator wants; a worker whose process ends takes nothing up again."""
        if wish is Wish.DRAIN and self._duty is Duty.SERVING:
            self._move_all(Duty.DRAINING)
        elif wish is Wish.SERVE and self._duty is Duty.DRAINING:
            self._duty = Duty.SERVING
            _log.info("worker serves again", worker=self._worker)

    async def drain(self) -> None:
        """Admit nobody any more, and hand all sessions on to other workers, for the end."""
        self.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                for seat in list(self._seats.values()):
                    await seat.has_been_released.wait()

    def leave(self) -> None:
        """Begin to `drain`."""
        if self._duty is not Duty.LEAVING:
            self._move_all(Duty.LEAVING)

    def _move_all(self, duty: Duty) -> None:
        self._duty = duty
        _log.info("worker leaves", worker=self._worker, duty=duty, sessions=len(self._seats))
        for seat in list(self._seats.values()):
            if seat.bridge is not None:
                seat.bridge.move()


def _shorter(seconds: float | None, minutes: float | None) -> float | None:
    if minutes is None:
        return seconds
    return minutes * 60 if seconds is None else min(seconds, minutes * 60)


async def _every(interval: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await _attempt(act)
        await asyncio.sleep(interval)


async def _attempt(act: Callable[[], Awaitable[None]]) -> None:
    """Act; a fault of ours is logged and costs one turn."""
    try:
        await act()
    except Exception:
        _log.exception("a task of the worker failed")
