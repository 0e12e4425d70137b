"""What was said, written down: safely again and again, and in any order.

Whoever writes has events of many sessions, some of them perhaps for the second time, or after later
ones. So each row is what it should be whatever came before: numbers only grow, what is known isn't
forgotten, and of two owners of a session the later one is right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import StoreRefused, StoreUnavailable
from relay.store.analyses import Queue
from relay.store.database import Database
from relay.store.fulltext import tokenize
from relay.store.tables import ERASED, SEGMENTS, TRANSCRIPTS

MAX_TOKENS: Final = 10_000
"""Of a segment, that can be found; one has a hundred, and PostgreSQL takes a megabyte of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A segment, or what one of its two messages tells of it."""

    number: int
    text: str
    language: str | None = None
    cause: str | None = None
    starts_at: float | None = None
    """Seconds of the session's time."""
    ends_at: float | None = None
    end_sample: int | None = None
    words: str | None = None
    """JSON; None where they aren't known, or not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that happened in a session, and how far the session has come with it."""

    session_id: str
    epoch: int
    """Of the session's owner."""
    is_fenced: bool
    """Whether the owner was one for certain."""
    account: str
    kind: str
    name: str
    device: str | None
    language: str | None
    started_at: datetime
    at: datetime
    audio_ms: int
    segments: int
    words: int
    has_ended: bool = False
    said: Said | None = None


class _Undone(Exception):
    """Takes a transaction back."""


class Segments:
    """Writes what is said into the database."""

    def __init__(self, database: Database, analysers: Sequence[str] = ()) -> None:
        """Write into `database`, and let what is written wait for each of `analysers`."""
        self._database = database
        self._queue = Queue(database, analysers)
        self._upsert_transcripts = _upsert_of_transcripts(database)
        self._upsert_segments = _upsert_of_segments(database)

    async def record(self, records: Sequence[Record]) -> int:
        """Write all records or none; what is there already stays as it is.

        What was erased isn't written again, nor what a former owner says about a session whose
        later owner is known.

        Returns:
            How many records were left out for that.

        Raises:
            StoreRefused: If the database doesn't take one of them, now or later.
            StoreUnavailable: If it can't be asked, or another one holds the rows.
        """
        if not records:
            return 0
        try:
            return await self._record(records)
        except (DataError, IntegrityError, UnicodeError, OverflowError) as error:
            # The last two are the drivers', of what can't even be sent.
            raise StoreRefused(type(error).__name__) from error

    async def _record(self, records: Sequence[Record]) -> int:
        async with self._database.writing() as connection:
            # In one order, because two workers that write the same rows crosswise would lock each
            # other out.
            await self._write_transcripts(connection, records)
            # After the rows are locked: an erasure that was faster is seen, another one waits.
            epochs = await self._keep_what_may_stay(connection, records)
            good = [record for record in records if _may_be_written(record, epochs)]
            await self._write_segments(connection, good)
        return len(records) - len(good)

    async def is_writable(self) -> bool:
        """Try to write a segment, of which nothing stays."""
        record = Record(
            session_id="probe",
            epoch=0,
            is_fenced=True,
            account="",
            kind="",
            name="",
            device=None,
            language=None,
            started_at=_NEVER,
            at=_NEVER,
            audio_ms=0,
            segments=0,
            words=0,
            said=Said(number=0, text="probe"),
        )
        try:
            async with self._database.writing() as connection:
                await self._write_transcripts(connection, [record])
                await self._write_segments(connection, [record])
                raise _Undone
        except _Undone:
            return True
        except StoreUnavailable:
            return False

    async def _write_transcripts(
        self, connection: AsyncConnection, records: Sequence[Record]
    ) -> None:
        await connection.execute(self._upsert_transcripts, _transcripts_of(records))

    async def _keep_what_may_stay(
        self, connection: AsyncConnection, records: Sequence[Record]
    ) -> dict[str, int]:
        """Take out what was erased; the epoch of each transcript that is left."""
        ids = sorted({record.session_id for record in records})
        epochs, gone = {}, []
        for transcript_id, epoch, is_erased in await connection.execute(_STANDINGS, {"ids": ids}):
            if is_erased:
                gone.append(transcript_id)
            else:
                epochs[transcript_id] = epoch
        if gone:
            await connection.execute(_DELETE, {"ids": gone})
        return epochs

    async def _write_segments(self, connection: AsyncConnection, records: list[Record]) -> None:
        rows = _segments_of(records)
        if not rows:
            return
        # In the same transaction, so that neither is there without the other.
        await self._queue.add(connection, rows)
        await connection.execute(self._upsert_segments, rows)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_KNOWN: Final = ("language", "cause", "starts_at", "ends_at", "end_sample", "words")


# Statements are built once: to build and to look up one costs more than to execute it.

_IS_ERASED: Final = (
    select(ERASED.c.subject)
    .where(
        or_(
            ERASED.c.subject == TRANSCRIPTS.c.id,
            and_(
                ERASED.c.subject == TRANSCRIPTS.c.account,
                ERASED.c.erased_at >= TRANSCRIPTS.c.started_at,
            ),
        )
    )
    .exists()
)

_IS_AMONG: Final = TRANSCRIPTS.c.id.in_(bindparam("ids", expanding=True))

_STANDINGS: Final = select(
    TRANSCRIPTS.c.id, TRANSCRIPTS.c.epoch, _IS_ERASED.label("is_erased")
).where(_IS_AMONG)

_DELETE: Final = delete(TRANSCRIPTS).where(_IS_AMONG)


def _upsert_of_transcripts(database: Database) -> Any:
    statement = _insert(database, TRANSCRIPTS)
    new, old = statement.excluded, TRANSCRIPTS.c
    return statement.on_conflict_do_update(
        index_elements=[old.id],
        set_={
            "language": func.coalesce(old.language, new.language),
            "ended_at": func.coalesce(new.ended_at, old.ended_at),
            **{
                name: _larger(database, old[name], new[name])
                for name in ("updated_at", "audio_ms", "segments", "words", "epoch")
            },
        },
    )


def _upsert_of_segments(database: Database) -> Any:
    statement = _insert(database, SEGMENTS)
    new, old = statement.excluded, SEGMENTS.c
    is_later = new.epoch >= old.epoch

    def later(name: str) -> ColumnElement[Any]:
        return case((is_later, new[name]), else_=old[name])

    def known(name: str) -> ColumnElement[Any]:
        return case(
            (is_later, func.coalesce(new[name], old[name])),
            else_=func.coalesce(old[name], new[name]),
        )

    return statement.on_conflict_do_update(
        index_elements=[old.transcript_id, old.number],
        set_={
            **{name: later(name) for name in ("text", "tokens")},
            **{name: known(name) for name in _KNOWN},
            "epoch": _larger(database, old.epoch, new.epoch),
        },
    )


def _insert(database: Database, table: Table) -> Any:
    return (postgresql.insert if database.is_postgres else sqlite.insert)(table)


def _larger(database: Database, one: Any, other: Any) -> Any:
    return func.greatest(one, other) if database.is_postgres else func.max(one, other)


def _may_be_written(record: Record, epochs: dict[str, int]) -> bool:
    epoch = epochs.get(record.session_id)
    return epoch is not None and (record.is_fenced or record.epoch >= epoch)


def _transcripts_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One row for each session, in the order of their ids."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        row = rows.setdefault(
            record.session_id,
            {
                "id": record.session_id,
                **{name: getattr(record, name) for name in _NEVER_CHANGE},
                "language": None,
                "ended_at": None,
                "updated_at": record.at,
                **dict.fromkeys(_GROW, 0),
            },
        )
        spoken = None if record.said is None else record.said.language
        row["language"] = row["language"] or record.language or spoken
        row["updated_at"] = max(row["updated_at"], record.at)
        row |= {name: max(row[name], getattr(record, name)) for name in _GROW}
        if record.has_ended:
            row["ended_at"] = record.at
    return [rows[session_id] for session_id in sorted(rows)]


_NEVER_CHANGE: Final = ("account", "kind", "name", "device", "started_at")
_GROW: Final = ("audio_ms", "segments", "words", "epoch")


def _segments_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One row for each segment, which joins what several messages tell of it; in order."""
    found: dict[tuple[str, int], tuple[Record, Said]] = {}
    for record in sorted(records, key=lambda record: record.epoch):
        if (said := record.said) is None:
            continue
        key = record.session_id, said.number
        if key in found:
            _, before = found[key]
            kept = {name: getattr(before, name) for name in _KNOWN if getattr(said, name) is None}
            said = replace(said, **kept)
        found[key] = record, said
    return [
        {
            "transcript_id": record.session_id,
            "number": said.number,
            "text": said.text,
            **{name: getattr(said, name) for name in _KNOWN},
            "epoch": record.epoch,
            "committed_at": record.at,
            "tokens": [token.text for token in islice(tokenize(said.text), MAX_TOKENS)],
        }
        for _, (record, said) in sorted(found.items(), key=lambda each: each[0])
    ]
