"""The queue of beamline tools."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Queues and their items."""
    op.create_table(
        "queues",
        sa.Column("cell", sa.String(128), primary_key=True),
        sa.Column("environment", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("stopping", sa.Integer, nullable=False),
        sa.Column("queue_uid", sa.String(40), nullable=False),
        sa.Column("history_uid", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "queue_items",
        sa.Column("uid", sa.String(40), primary_key=True),
        sa.Column("cell", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("place", sa.Float, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("ending", sa.String(16), nullable=False),
        sa.Column("begun_at", sa.Float),
        sa.Column("result", sa.Text),
    )
    op.create_index("queue_items_by_cell", "queue_items", ["cell", "state", "place"])


def downgrade() -> None:
    """Without them."""
    for table in ("queue_items", "queues"):
        op.drop_table(table)
