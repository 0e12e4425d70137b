"""Which database this is, and how far it has come: whether files beside it are its own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "lineage",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sweeps", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage")),
    )


def downgrade() -> None:
    op.drop_table("lineage")
