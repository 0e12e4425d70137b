"""The sessions of one worker: begun, resumed by their clients, taken over from other workers.

Each runs in a task of its own, which outlives the connections of its client.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

import msgspec
import structlog

from relay.audio.chain import AudioChain
from relay.audio.seam import find_seam
from relay.audio.timeline import Piece, Timeline
from relay.auth.gate import Admission, Arrival, Gate
from relay.auth.identities import Identity
from relay.auth.resume_tokens import REFUSED, ShownToken, issue_token
from relay.auth.tickets import Ticket
from relay.bridge import Bridge
from relay.bridge_config import NOTHING_USED, BridgeConfig, Consumption, Start
from relay.downstream.connection import DownstreamConnection
from relay.downstream.dialect import Dialect
from relay.downstream.request import ResumePoint, StreamRequest, parse_resumed_request
from relay.downstream.session import NATIVE
from relay.errors import StateUnavailable, Unauthorized
from relay.meter import Meter
from relay.noting import Noting
from relay.recording.recorder import Recorder
from relay.registry import ControlChannel, Journal, Ownership, SessionTaken, Tenure
from relay.registry.ownership import Claimed, Refusal, Resumable, Snapshot, Standing
from relay.retention import NOBODY, Retention
from relay.scribe.parameters import Parameters
from relay.seat import Seat
from relay.sessions import LiveSessions
from relay.store.secret_texts import digest
from relay.translator import Moved
from relay.uplink import Connect
from relay.upstream.breaker import Breaker

_log: Final = structlog.get_logger("relay.session")

CLIENT_OVERLAP = 0.25
"""Seconds that a client keeps before the end of its last segment, if it doesn't say where that is;
after a change of rate it may be wrong by their difference. Source: the protocol."""

RECORDED: Final = "The audio of this session is recorded."

Pairs: TypeAlias = Sequence[tuple[str, str]]
Prepare: TypeAlias = Callable[[Seat, Meter], Awaitable[Bridge]]


@dataclass
class Host:
    """Holds the sessions of a worker; call `run` beside it."""

    gate: Gate
    sessions: LiveSessions
    ownership: Ownership
    journal: Journal
    control: ControlChannel
    connect: Connect
    breaker: Breaker
    config: BridgeConfig
    redact: Callable[[str], str]
    meter: Meter
    retention: Retention = field(default_factory=Retention)
    recorder: Recorder | None = None
    """None where nobody is recorded."""
    recorded: Retention = NOBODY
    """Whose audio is kept, for more than 0 days."""
    _group: asyncio.TaskGroup | None = field(default=None, init=False)
    _resuming: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    async def run(self) -> None:
        """Keep the sessions until cancelled; those that are left then are another worker's."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.Event().wait()
        finally:
            self._group = None

    async def begin(
        self,
        admission: Admission,
        request: StreamRequest,
        arrival: Arrival,
        dialect: Dialect = NATIVE,
    ) -> Bridge:
        """Begin a session; then `serve` its client, which speaks the `dialect`.

        Raises:
            RelayError: If it isn't admitted.
        """
        request, is_stored = self._retained(admission.identity, request)
        session_id = secrets.token_hex(16)
        token = issue_token(session_id)
        config = self.config
        if request.wire_format is not None:
            config = replace(config, wire_format=request.wire_format)
        chain = AudioChain(
            request.sample_rate,
            encoding=request.encoding,
            channels=request.channels,
            wire_format=config.wire_format,
            quality=config.quality,
        )
        owned = Resumable(
            session_id=session_id,
            worker=self.sessions.worker,
            account=admission.identity.account,
            token_digest=digest(token),
            snapshot=Snapshot(
                query=tuple(request.parameters.to_query()),
                bearer=msgspec.to_builtins(Ticket.of(admission.identity)),
                origin=arrival.origin,
                rate_out=config.wire_format.rate,
                started_at=time.time(),
                max_seconds=admission.max_seconds,
                is_stored=is_stored,
                is_recorded=is_stored and self._is_recorded(admission.identity),
            ),
            pieces=chain.timeline.pieces,
        )

        async def prepare(seat: Seat, meter: Meter) -> Bridge:
            bridge = self._bridge(seat, request, Start(chain=chain), owned, dialect, config, meter)
            await bridge.tenure.begin()
            bridge.greet(token if dialect.can_resume else None)
            return bridge

        return await self._start(prepare, admission, session_id, arrival, resumes=False)

    def _retained(self, identity: Identity, request: StreamRequest) -> tuple[StreamRequest, bool]:
        """Tell whether a session is stored; what we don't keep the provider is asked not to."""
        days = self.retention.days_of(str(identity.kind), identity.id, identity.name)
        if days == 0:
            parameters = request.parameters.replace(enable_logging=False)
            return replace(request, parameters=parameters), False
        return request, request.parameters.enable_logging

    def _is_recorded(self, identity: Identity) -> bool:
        days = self.recorded.days_of(str(identity.kind), identity.id, identity.name)
        return self.recorder is not None and days > 0

    async def resume(
        self, client: DownstreamConnection, pairs: Pairs, arrival: Arrival, shown: ShownToken
    ) -> None:
        """Go on with a session, whoever owned it, and serve its client.

        Raises:
            Unauthorized: If the token isn't good, or not in these hands.
            InvalidRequest: If the request makes no sense for this session.
            RelayError: If nobody can tell, or this worker takes no session now.
        """
        # A client whose line is slow may come twice: the second time, the session is here.
        async with self._resuming.setdefault(shown.session_id, asyncio.Lock()):
            bridge = await self._find(shown)
            is_new = bridge is None
            if bridge is None:
                bridge = await self._take_over(pairs, arrival, shown)
        if is_new:
            await bridge.serve(client)
            return
        await self._check(arrival, bridge.tenure.snapshot)
        request, point = parse_resumed_request(pairs, bridge.request.parameters)
        await bridge.resume(client, request, point)

    async def _find(self, shown: ShownToken) -> Bridge | None:
        """The session that a token is of, if it is this worker's."""
        bridge = self.sessions.find(shown.session_id)
        if bridge is None or bridge.is_handed_over or not bridge.tenure.is_shown(shown.digest):
            return None
        if await bridge.tenure.standing() is Standing.LOST:
            bridge.taken()
            return None
        return bridge

    async def _take_over(self, pairs: Pairs, arrival: Arrival, shown: ShownToken) -> Bridge:
        snapshot = await self.ownership.find(shown.session_id, shown.digest)
        if isinstance(snapshot, Refusal):
            raise Unauthorized(REFUSED)
        ticket = await self._check(arrival, snapshot)
        granted = Parameters.parse(snapshot.query)
        request, point = parse_resumed_request(pairs, granted)

        async def prepare(seat: Seat, meter: Meter) -> Bridge:
            claimed = await self.ownership.claim(
                shown.session_id, worker=self.sessions.worker, token_digest=shown.digest
            )
            if isinstance(claimed, Refusal):
                raise Unauthorized(REFUSED)
            with suppress(StateUnavailable):  # the fence does without
                await self.control.send(SessionTaken(shown.session_id, claimed.epoch))
            start = start_of(claimed, request, point, self.config)
            await self.sessions.continue_usage(
                seat, began_at=claimed.snapshot.started_at, used=start.consumption
            )
            owned = Resumable(
                session_id=shown.session_id,
                worker=self.sessions.worker,
                account=claimed.account,
                token_digest=shown.digest,
                snapshot=claimed.snapshot,
                pieces=claimed.pieces,
                epoch=claimed.epoch,
                progress=claimed.progress,
            )
            bridge = self._bridge(seat, request, start, owned, NATIVE, self.config, meter)
            await bridge.take_over(point)
            return bridge

        admission = Admission(ticket.identity, snapshot.max_seconds)
        return await self._start(prepare, admission, shown.session_id, arrival, resumes=True)

    async def _check(self, arrival: Arrival, snapshot: Snapshot) -> Ticket:
        ticket = msgspec.convert(snapshot.bearer, type=Ticket)
        await self.gate.check_resumption(arrival, ticket, snapshot.origin)
        return ticket

    def _bridge(
        self,
        seat: Seat,
        request: StreamRequest,
        start: Start,
        owned: Resumable,
        dialect: Dialect,
        config: BridgeConfig,
        meter: Meter,
    ) -> Bridge:
        meter.session_described(
            account=owned.account,
            sample_rate=request.sample_rate,
            encoding=str(request.encoding),
            channels=request.channels,
            commit_strategy=str(request.parameters.commit_strategy),
            language_code=request.parameters.language_code,
        )
        recording = None
        if self.recorder is not None and owned.snapshot.is_recorded:
            recording = self.recorder.begin(
                owned.session_id, owned.account, epoch=owned.epoch, rate=config.wire_format.rate
            )
            if not dialect.can_resume:  # Scribe's clients know no field that says so
                request = replace(request, notes=(*request.notes, RECORDED))
        return Bridge(
            request,
            start,
            session_id=owned.session_id,
            tenure=Tenure(self.ownership, self.journal, owned),
            connect=self.connect,
            slot=seat,
            breaker=self.breaker,
            terms=seat.terms,
            config=config,
            dialect=dialect,
            recording=recording,
            redact=self.redact,
            meter=meter,
            log=structlog.get_logger("relay.session").bind(
                session_id=owned.session_id, account=owned.account
            ),
        )

    async def _start(
        self,
        prepare: Prepare,
        admission: Admission,
        session_id: str,
        arrival: Arrival,
        *,
        resumes: bool,
    ) -> Bridge:
        assert self._group is not None, "run() isn't running"
        address = arrival.caller.address
        admitting = self.sessions.admit(
            admission.identity,
            session_id,
            max_seconds=admission.max_seconds,
            address=None if address is None else str(address),
            resumes=resumes,
        )
        started: asyncio.Future[Bridge] = asyncio.get_running_loop().create_future()
        kind = "taken_over" if resumes else "new"
        watching = self.meter.session(session_id, kind)
        keeping = self._keep(admitting, watching, prepare, started, kind)
        self._group.create_task(keeping, name=f"session {session_id}")
        return await started

    async def _keep(
        self,
        admitting: AbstractAsyncContextManager[Seat],
        watching: AbstractContextManager[Meter],
        prepare: Prepare,
        started: "asyncio.Future[Bridge]",
        kind: str,
    ) -> None:
        """Run a session from its admission to its end."""
        try:
            with watching as meter:
                async with admitting as seat:
                    meter = Noting(meter, seat.logbook)
                    seat.bridge = bridge = await prepare(seat, meter)
                    if started.cancelled():
                        return  # whoever wanted it has gone
                    started.set_result(bridge)
                    await self._run(seat, bridge, meter, kind)
        except Exception as error:
            if started.done():
                _log.exception("a session that nobody waits for failed")
            else:
                started.set_exception(error)

    async def _run(self, seat: Seat, bridge: Bridge, meter: Meter, kind: str) -> None:
        if self.sessions.is_leaving:
            bridge.move()
        seat.ending = Moved(0)  # if the worker ends before the session
        meter.session_began(bridge, kind, bridge.consumption())
        try:
            await bridge.run()
        finally:
            seat.ending = bridge.ending
            meter.session_ended(bridge, type(seat.ending).__name__, bridge.consumption())
            await bridge.part()


def start_of(
    claimed: Claimed, request: StreamRequest, point: ResumePoint, config: BridgeConfig
) -> Start:
    """Where a session that was another worker's goes on."""
    progress = claimed.progress
    timeline = Timeline.restore(
        claimed.snapshot.rate_out, (Piece(*piece) for piece in claimed.pieces)
    )
    # The client has more than was written down if Redis was away.
    covered = max(progress.covered, point.covered_sample or 0)
    segments = progress.segments
    if point.last_segment is not None and point.last_segment >= segments:
        segments = point.last_segment + 1
        if point.covered_sample is None:
            kept = round(CLIENT_OVERLAP * request.sample_rate)
            covered = max(covered, point.from_sample + kept)
    seam = find_seam(timeline, covered, from_sample=point.from_sample, rate_in=request.sample_rate)
    return Start(
        chain=AudioChain.resume(
            seam,
            encoding=request.encoding,
            channels=request.channels,
            wire_format=config.wire_format,
            quality=config.quality,
        ),
        covered=covered,
        segments=segments,
        words=progress.words,
        first_seq=max(claimed.seq, point.last_seq) + 1,
        consumption=Consumption(**{**asdict(NOTHING_USED), **progress.usage}),
        age=max(0.0, time.time() - claimed.snapshot.started_at),
        gap=seam.gap,
    )
