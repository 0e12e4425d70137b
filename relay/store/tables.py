"""The tables. A change here needs a migration as well; a test compares the two."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from relay.folding import fold_name
from relay.store.fulltext import to_tsvector
from relay.store.names import ID, is_name

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """A point in time; SQLite, which knows no zones, holds it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a time into what the driver takes; one without a zone is a bug of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every time its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Tokens(TypeDecorator[Sequence[str]]):
    """What a text is found by, as `relay.store.fulltext` makes it; written, never read."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL searches in the column itself, SQLite in an index that is filled from it."""
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """Write the tokens, in order."""
        if value is None:
            return None
        return to_tsvector(value) if dialect.name == "postgresql" else " ".join(value)


def _id() -> Column[str]:
    return Column("id", String(32), primary_key=True)


def _digest(name: str, **options: Any) -> Column[str]:
    """A SHA-256 in hexadecimal digits."""
    return Column(name, String(64), **options)


def _time(name: str, *, nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(name, Utc, nullable=nullable, index=index)


def _owner() -> Column[str]:
    return Column(
        "user_id",
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    )


USERS: Final = Table(
    "users",
    METADATA,
    _id(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    Column("is_operator", Boolean, nullable=False),
    _time("created_at"),
)

SIGN_INS: Final = Table(
    "sign_ins",
    METADATA,
    _id(),
    _owner(),
    _time("created_at"),
    _time("seen_at"),
    _time("expires_at", index=True),
)

SIGN_IN_LINKS: Final = Table(
    "sign_in_links",
    METADATA,
    _digest("token_hash", primary_key=True),
    _owner(),
    _time("expires_at"),
)

_IS_LIVE: Final = text("revoked_at IS NULL")

KIOSKS: Final = Table(
    "kiosks",
    METADATA,
    _id(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),
    # Empty between approval and the device's next question.
    _digest("secret_hash", nullable=True),
    Column("options", JSON, nullable=False),
    _time("created_at"),
    Column("approved_by", Text, nullable=False),
    _time("revoked_at", nullable=True),
    # A name is free again after its revocation; the old one's history stays.
    Index(
        "uq_kiosks_folded", "folded", unique=True, sqlite_where=_IS_LIVE, postgresql_where=_IS_LIVE
    ),
)

ENROLMENTS: Final = Table(
    "enrolments",
    METADATA,
    _digest("device_hash", primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    Column("kiosk_id", ForeignKey("kiosks.id", ondelete="CASCADE")),
)

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    _id(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),
    _digest("secret_hash", nullable=False),
    Column("limits", JSON, nullable=False),
    _time("created_at"),
    _time("revoked_at", nullable=True),
    Index(
        "uq_api_keys_folded",
        "folded",
        unique=True,
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    ),
)

USAGE: Final = Table(
    "usage",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("received_ms", "sent_ms", "replayed_ms", "silence_ms", "connected_ms")
    ),
    Index("ix_usage_day_account", "day", "account"),
)

TRANSCRIPTS: Final = Table(
    "transcripts",
    METADATA,
    Column("id", Text, primary_key=True),  # the session's
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("device", Text),
    Column("language", Text),
    Column("title", Text),
    _time("started_at"),
    _time("updated_at"),
    _time("ended_at", nullable=True),
    Column("audio_ms", BigInteger, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("words", Integer, nullable=False),
    # Of the latest owner that was heard of.
    Column("epoch", Integer, nullable=False),
    # Pages go from the newest to the oldest, of one account or of all.
    Index("ix_transcripts_account_started_at_id", "account", "started_at", "id"),
    Index("ix_transcripts_started_at_id", "started_at", "id"),
)

SEGMENTS: Final = Table(
    "segments",
    METADATA,
    # SQLite's own row number, by which its index for searches knows a row.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("transcript_id", ForeignKey("transcripts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", Text),
    Column("cause", Text),
    # Seconds of the session's time.
    Column("starts_at", Float),
    Column("ends_at", Float),
    Column("end_sample", BigInteger),
    # JSON as it was sent; kept as text, because it is only ever handed on.
    Column("words", Text),
    _time("committed_at"),
    Column("tokens", Tokens, nullable=False),
    Index("uq_segments_transcript_id_number", "transcript_id", "number", unique=True),
    sqlite_autoincrement=True,
)

SEGMENT_FLAGS: Final = Table(
    "segment_flags",
    METADATA,
    Column("transcript_id", ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("flag", Text, primary_key=True),
    Column("analyser", Text, primary_key=True),
    Column("score", Float),
    # Else it is a score below the threshold, kept so that a better one can be found.
    Column("is_raised", Boolean, nullable=False),
    Index("ix_segment_flags_flag_transcript_id", "flag", "transcript_id"),
)

ANALYSES: Final = Table(
    "analyses",
    METADATA,
    # A segment that waits for an analyser; gone when it was judged, or its transcript is.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("transcript_id", ForeignKey("transcripts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("analyser", Text, nullable=False),
    _time("created_at"),
    # When somebody may take it: now, after whoever has it should be done, or after a failure.
    _time("due_at"),
    # At the text that the segment has now.
    Column("attempts", Integer, nullable=False),
    # Grows whenever it is taken or its text changes: whoever knows another number comes late.
    Column("takings", Integer, nullable=False),
    Index(
        "uq_analyses_transcript_id_number_analyser",
        "transcript_id",
        "number",
        "analyser",
        unique=True,
    ),
    Index("ix_analyses_analyser_due_at", "analyser", "due_at"),
    # No number comes twice, or what comes late would be taken for something else.
    sqlite_autoincrement=True,
)

DELIVERIES: Final = Table(
    "deliveries",
    METADATA,
    # A webhook that is to be called; what it says is put together when it is sent.
    Column("id", Text, primary_key=True),
    Column(
        "transcript_id",
        ForeignKey("transcripts.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("number", Integer, nullable=False),
    Column("analyser", Text, nullable=False),
    _time("created_at"),
    _time("due_at", index=True),
    Column("attempts", Integer, nullable=False),
)

ERASED: Final = Table(
    "erased",
    METADATA,
    # Of a transcript or an account: what comes late about it is not stored any more.
    Column("subject", Text, primary_key=True),
    _time("erased_at", index=True),
)

LINEAGE: Final = Table(
    "lineage",
    METADATA,
    # One row: files beside the database know by it whether it is theirs.
    _id(),
    Column("sweeps", BigInteger, nullable=False),
)

SEARCH: Final = "segments_search"
"""The index of the tokens: in PostgreSQL one like others, in SQLite a virtual table that triggers
keep as the table is. SQLAlchemy has no words for these, so the migration alone makes them."""


def is_described(name: str | None, kind: str, _parents: object) -> bool:
    """Tell Alembic what of a database is described here."""
    return kind not in ("table", "index") or name is None or not name.startswith(SEARCH)


def is_called(table: Table, text: str) -> ColumnElement[bool]:
    """Match the row with this id or name; nothing for a text that can be neither.

    What the databases take as text differs, so what nobody is called never reaches them.
    """
    if ID.fullmatch(text):
        return table.c.id == text
    return table.c.folded == fold_name(text) if is_name(text) else false()
