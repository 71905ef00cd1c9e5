"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cells, journal, programs, requests, plans."""
    op.create_table(
        "cells",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(256), nullable=False),
        sa.Column("beat", sa.Float, nullable=False),
        sa.Column("bell", sa.String(128), nullable=False),
        sa.Column("world", sa.String(128), nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("cell", sa.String(128), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("journal_by_run", "journal", ["run_id", "seq"])
    op.create_table(
        "programs",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("place", sa.BigInteger, nullable=False, index=True),
        sa.Column("cell", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(128), nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("answer", sa.Text),
    )
    op.create_table(
        "plans",
        sa.Column("cell", sa.String(128), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Back to an empty database."""
    for table in ("plans", "requests", "programs", "journal", "cells"):
        op.drop_table(table)
