"""What waits to be analysed, who raised which flag, and whom that is to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("segment_flags") as table:
        table.add_column(
            sa.Column("analyser", sa.Text(), nullable=False, server_default="local"),
        )
        table.add_column(
            sa.Column("is_raised", sa.Boolean(), nullable=False, server_default=sa.true()),
        )
        table.drop_constraint("pk_segment_flags", type_="primary")
        table.create_primary_key(
            "pk_segment_flags", ["transcript_id", "number", "flag", "analyser"]
        )
    with op.batch_alter_table("segment_flags") as table:
        table.alter_column("analyser", server_default=None)
        table.alter_column("is_raised", server_default=None)
    op.create_table(
        "analyses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transcript_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("analyser", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("takings", sa.Integer(), nullable=False),
        of_transcript("analyses"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyses")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_analyses_transcript_id_number_analyser",
        "analyses",
        ["transcript_id", "number", "analyser"],
        unique=True,
    )
    op.create_index("ix_analyses_analyser_due_at", "analyses", ["analyser", "due_at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("transcript_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("analyser", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        of_transcript("deliveries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_transcript_id"), "deliveries", ["transcript_id"])
    op.create_index(op.f("ix_deliveries_due_at"), "deliveries", ["due_at"])


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("analyses")
    # There is one flag of a kind for each segment then: the highest that was raised.
    op.execute("DELETE FROM segment_flags WHERE NOT is_raised")
    op.execute(
        "DELETE FROM segment_flags WHERE EXISTS ("
        "SELECT 1 FROM segment_flags AS other"
        " WHERE other.transcript_id = segment_flags.transcript_id"
        " AND other.number = segment_flags.number AND other.flag = segment_flags.flag"
        " AND (coalesce(other.score, 0), other.analyser)"
        " > (coalesce(segment_flags.score, 0), segment_flags.analyser))"
    )
    with op.batch_alter_table("segment_flags") as table:
        table.drop_constraint("pk_segment_flags", type_="primary")
        table.create_primary_key("pk_segment_flags", ["transcript_id", "number", "flag"])
        table.drop_column("is_raised")
        table.drop_column("analyser")


def of_transcript(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["transcript_id"],
        ["transcripts.id"],
        name=op.f(f"fk_{table}_transcript_id"),
        ondelete="CASCADE",
    )
