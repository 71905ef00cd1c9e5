"""What devices do now, and what was made under whose key."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Instruments, and things made under keys."""
    op.create_table(
        "instruments",
        sa.Column("cell", sa.String(128), primary_key=True),
        sa.Column("told", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "made",
        sa.Column("request", sa.String(128), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Without them."""
    for table in ("made", "instruments"):
        op.drop_table(table)
