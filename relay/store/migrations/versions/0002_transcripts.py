"""What was said, and what finds it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "erased",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_erased")),
    )
    op.create_index(op.f("ix_erased_erased_at"), "erased", ["erased_at"], unique=False)
    op.create_table(
        "transcripts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audio_ms", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcripts")),
    )
    op.create_index(
        "ix_transcripts_account_started_at_id", "transcripts", ["account", "started_at", "id"]
    )
    op.create_index("ix_transcripts_started_at_id", "transcripts", ["started_at", "id"])
    op.create_table(
        "segment_flags",
        sa.Column("transcript_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name=op.f("fk_segment_flags_transcript_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transcript_id", "number", "flag", name=op.f("pk_segment_flags")),
    )
    op.create_index(
        "ix_segment_flags_flag_transcript_id", "segment_flags", ["flag", "transcript_id"]
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transcript_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.Float(), nullable=True),
        sa.Column("ends_at", sa.Float(), nullable=True),
        sa.Column("end_sample", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tokens", TSVECTOR() if is_postgres else sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name=op.f("fk_segments_transcript_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_segments_transcript_id_number", "segments", ["transcript_id", "number"], unique=True
    )
    if is_postgres:
        op.create_index("segments_search", "segments", ["tokens"], postgresql_using="gin")
    else:
        for statement in SQLITE_SEARCH:
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TABLE segments_search")
    for table in ("segments", "segment_flags", "transcripts", "erased"):
        op.drop_table(table)


# https://www.sqlite.org/fts5.html#external_content_tables. The tokens hold no spaces, and are not
# to be divided or folded any further, as `unicode61` would do by itself.
SQLITE_SEARCH = (
    """
    CREATE VIRTUAL TABLE segments_search USING fts5(
        tokens, content='segments', content_rowid='id',
        tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co Cs Cn Cc Cf'"
    )
    """,
    """
    CREATE TRIGGER segments_search_insert AFTER INSERT ON segments BEGIN
        INSERT INTO segments_search (rowid, tokens) VALUES (new.id, new.tokens);
    END
    """,
    """
    CREATE TRIGGER segments_search_delete AFTER DELETE ON segments BEGIN
        INSERT INTO segments_search (segments_search, rowid, tokens)
        VALUES ('delete', old.id, old.tokens);
    END
    """,
    """
    CREATE TRIGGER segments_search_update AFTER UPDATE OF tokens ON segments BEGIN
        INSERT INTO segments_search (segments_search, rowid, tokens)
        VALUES ('delete', old.id, old.tokens);
        INSERT INTO segments_search (rowid, tokens) VALUES (new.id, new.tokens);
    END
    """,
)
