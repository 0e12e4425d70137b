"""What a relay's parts have in common: accounts in the database, sessions and limits in Redis."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

from relay.analysing import Analyser, Analysing, InThread, Moderation
from relay.analysis.local import LocalAnalyser
from relay.analysis.posting import Poster
from relay.auth.gate import (
    Authenticator,
    ForwardAuth,
    Gate,
    KioskCookie,
    Place,
    SessionCookie,
    still_known,
)
from relay.auth.identities import Role
from relay.auth.passwords import Passwords
from relay.auth.places import Places
from relay.auth.secret_keys import load_or_create
from relay.auth.signing import Signer
from relay.auth.tickets import Tickets
from relay.errors import StateUnavailable
from relay.limits.limiter import EVERYBODY, LEASE, Limiter, SpentBefore
from relay.limits.policy import Limits
from relay.limits.slots import Slots
from relay.meter import Meter
from relay.metrics import Metrics
from relay.notifying import Notifying
from relay.presence import Presence
from relay.recording.recorder import Recorder
from relay.recording.shelf import Shelf
from relay.redaction.redactor import Redactor
from relay.registry import (
    ControlChannel,
    FigureHistory,
    Journal,
    Ownership,
    Registry,
    Timelines,
    Unstored,
    Workers,
)
from relay.sessions import AdmissionPolicy, LiveSessions
from relay.settings import Settings
from relay.state import SharedState
from relay.store.analyses import Analyses
from relay.store.api_keys import ApiKeys
from relay.store.database import Database
from relay.store.deliveries import Deliveries
from relay.store.erasure import Erasure
from relay.store.kiosks import Kiosks
from relay.store.segments import Segments
from relay.store.transcripts import Transcripts
from relay.store.usage import Usage
from relay.store.users import Users
from relay.storing import Storing
from relay.sweep import Sweep
from relay.tidying import Tidying
from relay.upstream.breaker import Breaker

EPOCH = date(1970, 1, 1)

FORGET_INTERVAL: Final = 60.0
"""Seconds between two looks for what has expired in the embedded engine."""


FINISH_TIMEOUT: Final = 5.0
"""Seconds for audio that waits for the disk when a worker ends."""


@dataclass(frozen=True)
class Services:
    """Built once for each process; `start` before use."""

    state: SharedState
    database: Database
    users: Users
    api_keys: ApiKeys
    kiosks: Kiosks
    usage: Usage
    passwords: Passwords
    tickets: Tickets
    session_cookie: SessionCookie
    gate: Gate
    registry: Registry
    ownership: Ownership
    journal: Journal
    control: ControlChannel
    limiter: Limiter
    slots: Slots
    sessions: LiveSessions
    workers: Workers
    timelines: Timelines
    figures: FigureHistory
    presence: Presence
    metrics: Metrics
    transcripts: Transcripts
    erasure: Erasure
    storing: Storing
    analysing: Analysing
    notifying: Notifying
    sweep: Sweep
    breaker: Breaker
    shelf: Shelf
    recorder: Recorder | None
    tidying: Tidying

    @classmethod
    def build(cls, settings: Settings) -> "Services":
        """Build everything from settings; nothing is connected to yet.

        Raises:
            ConfigError: If the keys that sign cookies can't be kept.
        """
        redis_url = settings.redis_url
        state = SharedState.connect(None if redis_url is None else redis_url.get_secret_value())
        database = Database(settings.store_url)
        users, kiosks, usage = Users(database), Kiosks(database), Usage(database)
        api_keys = ApiKeys(database)
        signer = Signer(settings.signing_keys or load_or_create(settings.data_dir))
        tickets = Tickets(state, signer)
        session_cookie = SessionCookie(users, signer)
        gate = Gate(
            database=database,
            api_keys=api_keys,
            tickets=tickets,
            session_cookie=session_cookie,
            others=_authenticators(settings, users, kiosks),
            allowed_origins=settings.allowed_origins,
        )
        registry, control = Registry(state), ControlChannel(state)
        ownership = Ownership(
            state,
            lasts=settings.park_seconds + LEASE,
            max_unstored_bytes=settings.unstored_bytes,
        )
        limiter = Limiter(
            state,
            budget_minutes_per_day=settings.budget_minutes_per_day or None,
            spent_before=_spent_before(usage),
        )
        slots = Slots(
            state,
            limit=settings.upstream_max_sessions or None,
            counts_alone=settings.redis_down == "admit",
        )
        sessions = LiveSessions(
            policy=AdmissionPolicy(
                limits=limits_of(settings),
                max_sessions=settings.max_sessions,
                admits_without_redis=settings.redis_down == "admit",
            ),
            limiter=limiter,
            slots=slots,
            registry=registry,
            ownership=ownership,
            control=control,
            usage=usage,
            still_known=partial(still_known, database),
        )
        metrics, shelf = Metrics(), Shelf(settings.recordings)
        analysing = _analysing(settings, database, metrics)
        workers, timelines = Workers(state), Timelines(state)
        return cls(
            state=state,
            database=database,
            users=users,
            api_keys=api_keys,
            kiosks=kiosks,
            usage=usage,
            passwords=Passwords(),
            tickets=tickets,
            session_cookie=session_cookie,
            gate=gate,
            registry=registry,
            ownership=ownership,
            journal=Journal(ownership),
            control=control,
            limiter=limiter,
            slots=slots,
            sessions=sessions,
            metrics=metrics,
            workers=workers,
            timelines=timelines,
            figures=FigureHistory(state),
            presence=Presence(sessions, workers, timelines, port=settings.port),
            transcripts=Transcripts(database),
            erasure=Erasure(database),
            storing=Storing(
                Unstored(state, sessions.worker),
                Segments(database, analysing.names),
                redactor=Redactor(settings.redact) if settings.redact else None,
                on_stored=analysing.wake,
            ),
            analysing=analysing,
            notifying=_notifying(settings, database, metrics),
            sweep=Sweep(database, registry, settings.retention),
            breaker=Breaker(),
            shelf=shelf,
            recorder=Recorder(shelf, meter=metrics) if settings.records_anybody else None,
            tidying=Tidying(
                shelf,
                database,
                registry,
                settings.audio_retention,
                resumable_for=settings.park_seconds + LEASE,
            ),
        )

    async def start(self) -> None:
        """Open the database and bring it up to date.

        Raises:
            StoreUnavailable: If that isn't possible.
        """
        await self.database.start()

    async def run(self) -> None:
        """Keep the sessions, and the embedded engine small, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sessions.run(), name="sessions")
            group.create_task(self.presence.run(), name="presence")
            group.create_task(self.journal.run(), name="journal")
            group.create_task(self.storing.run(), name="store transcripts")
            group.create_task(self.analysing.run(), name="analyse transcripts")
            group.create_task(self.notifying.run(), name="call the webhook")
            group.create_task(self.sweep.run(), name="sweep transcripts")
            group.create_task(self.tidying.run(), name="tidy recordings")
            group.create_task(self._forget_expired(), name="forget what expired")

    async def finish_recording(self) -> None:
        """Wait for what the disk has yet to take; to be called when no session is left."""
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.finish, FINISH_TIMEOUT)

    async def _forget_expired(self) -> None:
        while self.state.is_embedded:
            await asyncio.sleep(FORGET_INTERVAL)
            with suppress(StateUnavailable):
                await self.state.forget_expired()

    async def aclose(self) -> None:
        """Close all connections."""
        await self.state.aclose()
        await self.database.aclose()


def limits_of(settings: Settings) -> dict[Role, Limits]:
    """Read each role's limits; an operator has a user's."""
    user, kiosk, key = (
        Limits(
            sessions=getattr(settings, f"limit_{role}_sessions"),
            connects_per_minute=getattr(settings, f"limit_{role}_connects_per_minute"),
            minutes_per_day=getattr(settings, f"limit_{role}_minutes_per_day"),
            session_minutes=getattr(settings, f"limit_{role}_session_minutes"),
        )
        for role in ("user", "kiosk", "key")
    )
    return {Role.USER: user, Role.OPERATOR: user, Role.KIOSK: kiosk, Role.KEY: key}


def _analysing(settings: Settings, database: Database, meter: Meter) -> Analysing:
    analysers: list[Analyser] = []
    if settings.analysis_local:
        analysers.append(InThread(LocalAnalyser()))
    if (moderation := moderation_of(settings)) is not None:
        analysers.append(moderation)
    return Analysing(
        Analyses(database),
        analysers,
        thresholds=settings.analysis_thresholds,
        is_told=settings.webhook_url is not None,
        meter=meter,
    )


def moderation_of(settings: Settings) -> Moderation | None:
    """Build who asks the service in the moderation format, if there is one."""
    if settings.moderation_url is None:
        return None
    key = settings.moderation_key
    poster = Poster(
        settings.moderation_url,
        timeout=settings.moderation_timeout,
        headers={} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"},
    )
    return Moderation(poster, settings.moderation_model)


def _notifying(settings: Settings, database: Database, meter: Meter) -> Notifying:
    poster = None
    if settings.webhook_url is not None:
        poster = Poster(settings.webhook_url, timeout=settings.webhook_timeout)
    return Notifying(
        Deliveries(database),
        poster,
        settings.webhook_key,
        includes_text=settings.webhook_text,
        meter=meter,
    )


def _authenticators(settings: Settings, users: Users, kiosks: Kiosks) -> Sequence[Authenticator]:
    others: list[Authenticator] = []
    if settings.forward_auth_header is not None:
        others.append(
            ForwardAuth(users, settings.forward_auth_header, settings.forward_auth_operators)
        )
    others.append(KioskCookie(kiosks))
    places = Places(settings.kiosk_networks, settings.kiosk_certificates, settings.kiosk_options)
    others.append(Place(places, settings.client_certificate_header))
    return others


def _spent_before(usage: Usage) -> SpentBefore:
    """Look up in the ledger what Redis has forgotten."""

    async def look_up(account: str, day: int) -> int:
        wanted = None if account == EVERYBODY else account
        return await usage.received_ms(wanted, EPOCH + timedelta(days=day))

    return look_up
