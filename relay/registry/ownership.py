"""Who owns a session that can be resumed, and what its next owner has to know.

Each session has one owner at a time, and an *epoch* that counts them. Every write names its epoch,
and Redis refuses those of a former one: this fence alone keeps two workers from speaking for one
session. That the former owner is told, through the control channel, only makes it stop sooner.

A committed event is written before it is sent to the client. So whoever takes over knows of every
event that the client may have, and can send those that it lacks.

The same script puts a copy into the one stream from which transcripts are stored, `unstored`: what
is sent is in both or in neither. The session's own stream is bounded and expires, as it may; the
copy stays until the database has it.

What it costs: a session with 20 segments a minute and word times makes 40 writes of 6 commands if
each goes alone; those of a worker's sessions that wait for the same answer go together. `touch`
comes to 3 commands for each session every few seconds, in one call for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from relay.errors import StateError
from relay.state import SharedState
from relay.state.scripts import read_script

LASTS: Final = 42.0
"""Seconds after which a session that nobody keeps is gone: the 30 s for which one is parked, and
the lease of a worker that may have died just after a renewal, or just before."""

KEPT: Final = 300.0
"""Seconds for which the events of a session that has ended can still be read."""

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Of a session's events; older ones are dropped. Bytes rather than a count, since it is memory that
has to be bounded: a segment is 200 bytes as text, and 20 kB with the times of each character. A
client lacks what came since it left, seconds to half a minute: some kB."""

MAX_SNAPSHOT_BYTES: Final = 64 * 1024
"""Of what a session was begun with; a request's head is bounded to as much."""

MAX_UNSTORED_BYTES: Final = 64 * 1024 * 1024
"""Of all sessions' events that wait for the database; beyond that the oldest are lost to it. A
session with word times takes up to 400 kB a minute, mostly a tenth of that."""

SESSION: Final = "relay:resumable:"
EVENTS: Final = "relay:events:"
UNSTORED: Final = "relay:unstored"
UNSTORED_BYTES: Final = "relay:unstored:bytes"
UNSTORED_LOST: Final = "relay:unstored:lost"

Piece = tuple[int, int, int]
"""Of the session's timeline: rate in Hz, first frame, position."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a session was begun with, so that another worker can go on with the same."""

    query: tuple[tuple[str, str], ...]
    """As granted, with what was pinned."""
    bearer: Mapping[str, Any]
    """Who speaks, as the fields of a `relay.auth.tickets.Ticket`."""
    origin: str | None
    """Of the page that began it."""
    rate_out: int
    """Hz, of the positions."""
    started_at: float
    """Seconds since 1970, by the first owner's clock."""
    max_seconds: float | None = None
    is_stored: bool = True
    """Whether what is said becomes a transcript; else nothing outlasts the session but usage."""
    is_recorded: bool = False
    """Whether its audio is kept as well."""


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """Whose transcript it is; it stands on every event that is to be stored.

    So events can be stored in any order, by anybody, after all else about the session is forgotten.
    """

    account: str
    kind: str
    """`user`, `kiosk` or `key`."""
    name: str
    started_at: float
    """Seconds since 1970."""
    language: str | None = None
    """As asked for."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a session has come."""

    segment: int | None = None
    """The last that was committed; None before the first."""
    covered: int = 0
    """The client's frame before which everything has its final.

    An empty final, which no event tells of, moves it too; write it down before the client hears of
    it by `audio_acknowledged`, since the client then forgets the audio before it.
    """
    segments: int = 0
    words: int = 0
    usage: Mapping[str, int] = {}  # msgspec copies it
    """What was used so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """A session that can be resumed from now on."""

    session_id: str
    worker: str
    """Who owns it."""
    account: str
    token_digest: str
    """SHA-256 of its resume token, in hexadecimal digits."""
    snapshot: Snapshot
    pieces: Sequence[Piece]
    epoch: int = 1
    """Another one where Redis has forgotten a session that goes on."""
    progress: Progress = field(default_factory=Progress)
    seq: int = -1
    """Of the last event that was written."""


@dataclass(frozen=True, slots=True)
class Event:
    """A committed event or a gap, as it is sent to the client."""

    segment: int
    """Of a gap: the one before it, or -1."""
    seq: int
    text: str
    is_extra: bool = False
    """It belongs behind the segment's plain event: its word times, or a gap."""
    starts_at: float | None = None
    """Seconds of the session's time, where the segment before it ends; None if not known here."""
    ends_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What one session has to write down."""

    session_id: str
    epoch: int
    progress: Progress
    events: Sequence[Event] = ()
    pieces: Sequence[Piece] | None = None
    """Of the whole timeline; None where they are the same as before."""
    heading: Heading | None = None
    """None where nothing is to be stored."""


class Standing(StrEnum):
    """What a worker that names an epoch is to a session."""

    OWNED = "owned"
    LOST = "lost"
    """Another one has taken it over: stop, say nothing more in its name."""
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Redis has forgotten it. Who owned it does so still, and calls `begin` again."""


class Refusal(StrEnum):
    """Why a session can't be resumed; whoever shows the token needn't be told which."""

    UNKNOWN = "unknown"
    """It never was, or has expired."""
    WRONG_TOKEN = "wrong_token"  # noqa: S105  # no password, a reason
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A session that was taken over; `pieces` are the timeline's as far as they were written."""

    epoch: int
    account: str
    snapshot: Snapshot
    progress: Progress
    pieces: tuple[Piece, ...]
    seq: int
    """Of the last event written; number those to come from behind it, and behind the client's."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events that a client lacks, in the order in which they were sent."""

    events: tuple[str, ...]
    is_whole: bool
    """Whether nothing before them is missing too, since it was too much to keep."""


class Ownership:
    """The sessions that can be resumed, of all workers."""

    def __init__(
        self,
        state: SharedState,
        *,
        lasts: float = LASTS,
        kept: float = KEPT,
        max_event_bytes: int = MAX_EVENT_BYTES,
        max_unstored_bytes: int = MAX_UNSTORED_BYTES,
    ) -> None:
        """Keep sessions in `state`.

        Args:
            state: Shared by all workers among which clients come back.
            lasts: Seconds after which a session that nobody keeps is gone.
            kept: Seconds for which the events of an ended one can still be read.
            max_event_bytes: Of the events kept of each session; the last one is kept in any case.
            max_unstored_bytes: Of all events that wait for the database.
        """
        self._state = state
        self._lasts_ms = round(lasts * 1000)
        self._kept_ms = round(kept * 1000)
        self._max_event_bytes = max_event_bytes
        self._max_unstored_bytes = max_unstored_bytes
        scripts = (state.script(read_script(__package__, name)) for name in _SCRIPTS)
        self._begin, self._claim, self._append, self._missed, *scripts_of_the_end = scripts
        self._end, self._touch, self._forget = scripts_of_the_end

    async def begin(self, session: Resumable) -> None:
        """Let a session be resumed.

        Raises:
            ValueError: If its snapshot is too long to keep.
            StateError: If Redis knows the session already.
            StateUnavailable: If Redis can't be asked; the session can't be resumed elsewhere then.
        """
        snapshot = _encode(session.snapshot)
        if len(snapshot.encode()) > MAX_SNAPSHOT_BYTES:
            raise ValueError(f"a snapshot has more than {MAX_SNAPSHOT_BYTES} bytes")
        fields: dict[str, str | int] = {
            "epoch": session.epoch,
            "owner": session.worker,
            "account": session.account,
            "token": session.token_digest,
            "snapshot": snapshot,
            "progress": _encode(session.progress),
            "pieces": _encode(session.pieces),
            "seq": session.seq,
            "bytes": 0,
        }
        if not session.snapshot.is_stored:
            fields["fleeting"] = 1
        arguments = [each for pair in fields.items() for each in pair]
        key = SESSION + session.session_id
        if not await self._state.run(self._begin, [key], [self._lasts_ms, *arguments]):
            raise StateError(f"session {session.session_id} has begun already")

    async def find(self, session_id: str, token_digest: str) -> Snapshot | Refusal:
        """Look whose session it is, and change nothing; so that others can be refused in time.

        Returns:
            What it was begun with, the bearer among it.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            token, ended, snapshot = await redis.hmget(SESSION + session_id, _TO_FIND)
        if token is None:
            return Refusal.UNKNOWN
        # What is compared are digests: how long it takes tells nothing of the token.
        if token != token_digest:
            return Refusal.WRONG_TOKEN
        if ended is not None:
            return Refusal.ENDED
        return msgspec.json.decode(str(snapshot), type=Snapshot)

    async def claim(self, session_id: str, *, worker: str, token_digest: str) -> Claimed | Refusal:
        """Take a session over; of several who do so at once, the last one has it.

        Tell the former owner then, by `SessionTaken` on the control channel.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        keys = [SESSION + session_id, EVENTS + session_id]
        answer = await self._state.run(self._claim, keys, [token_digest, worker, self._lasts_ms])
        if answer[0] != "ok":
            return Refusal(answer[0])
        epoch, account, snapshot, progress, pieces, seq = answer[1:]
        return Claimed(
            epoch=int(epoch),
            account=account,
            snapshot=msgspec.json.decode(snapshot, type=Snapshot),
            progress=msgspec.json.decode(progress, type=Progress),
            pieces=msgspec.json.decode(pieces, type=tuple[Piece, ...]),
            seq=int(seq),
        )

    async def append(self, writes: Sequence[Write]) -> list[Standing]:
        """Write down events before they are sent, for any number of sessions in one round trip.

        It may be called again with the same where the answer was lost: each event is kept once, by
        its `seq`, which therefore has to rise. So one call for a session has to be over before the
        next one, as `Journal` sees to.

        Returns:
            What each writer is to its session; it is written only where that is `OWNED`, and where
            it is `LOST` the events must not be sent either. Where it is `ENDED` they are stored
            nevertheless: a session's end goes to Redis past what waits to be written before it.

        Raises:
            StateUnavailable: If Redis can't be asked; what is sent then can't be sent again by
                another worker.
        """
        if not writes:
            return []
        bounds = [self._lasts_ms, self._max_event_bytes, self._max_unstored_bytes]
        arguments: list[str | int | float] = [SESSION, EVENTS, *bounds]
        for write in writes:
            pieces = "" if write.pieces is None else _encode(write.pieces)
            progress = _encode(write.progress)
            heading = "" if write.heading is None else _encode(write.heading)
            arguments += [write.session_id, write.epoch, progress, pieces, heading]
            arguments.append(len(write.events))
            for event in write.events:
                arguments += [event.segment, int(event.is_extra), event.seq, event.text]
                arguments += [_or_nothing(event.starts_at), _or_nothing(event.ends_at)]
        answers = await self._state.run(self._append, _UNSTORED_KEYS, arguments)
        return [Standing(answer) for answer in answers]

    async def missed(self, session_id: str, *, after_segment: int | None) -> Missed:
        """Read what a client lacks that has the plain event of `after_segment`, or none at all.

        That is all that was written behind it. Word times of this or an earlier segment are among
        it if they came later, and gaps; the client may have them, and drops what it has.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        after = -1 if after_segment is None else after_segment
        whole, *events = await self._state.run(self._missed, [EVENTS + session_id], [after])
        return Missed(tuple(events), is_whole=bool(int(whole)))

    async def end(
        self,
        session_id: str,
        epoch: int,
        *,
        progress: Progress | None = None,
        heading: Heading | None = None,
    ) -> Standing:
        """End a session for good: nobody can resume it any more.

        Args:
            session_id: Of the session.
            epoch: In which the caller owns it.
            progress: How far it has come, for its transcript.
            heading: Of its transcript; None where nothing is stored. Then its events go at once.

        Returns:
            `OWNED` if it was the caller's to end.

        Raises:
            StateUnavailable: If Redis can't be asked; it then expires by itself.
        """
        keys = [SESSION + session_id, EVENTS + session_id, *_UNSTORED_KEYS[:2]]
        told = ["", ""] if heading is None else [_encode(heading), _encode(progress or Progress())]
        arguments: list[str | int] = [epoch, self._kept_ms, session_id, *told]
        return Standing(await self._state.run(self._end, keys, arguments))

    async def forget(self, session_id: str) -> bool:
        """Drop the events of a session that has ended, which would else be kept for a while.

        Returns:
            Whether nothing of it is left; a live one keeps its events, as its client needs them.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        keys = [SESSION + session_id, EVENTS + session_id]
        return bool(await self._state.run(self._forget, keys, []))

    async def touch(self, owned: Mapping[str, int]) -> dict[str, Standing]:
        """Keep a worker's sessions, live and parked, in one round trip.

        Args:
            owned: The epoch in which each is owned, by its id.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        if not owned:
            return {}
        arguments: list[str | int] = [SESSION, EVENTS, self._lasts_ms]
        for session_id, epoch in owned.items():
            arguments += [session_id, epoch]
        answers = await self._state.run(self._touch, [], arguments)
        return {key: Standing(answer) for key, answer in zip(owned, answers, strict=True)}


_SCRIPTS: Final = ("begin", "claim", "append", "missed", "end", "touch", "forget")

_UNSTORED_KEYS: Final = (UNSTORED, UNSTORED_BYTES, UNSTORED_LOST)

_TO_FIND: Final = ("token", "ended", "snapshot")


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _or_nothing(number: float | None) -> float | str:
    return "" if number is None else number
