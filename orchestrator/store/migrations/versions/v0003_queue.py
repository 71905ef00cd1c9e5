"""The queue of beamline tools, and campaigns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Queues and their items, campaigns and their points."""
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
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(128), nullable=False, unique=True),
        sa.Column("world", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "campaign_points",
        sa.Column("campaign", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("queue_items_by_cell", "queue_items", ["cell", "state", "place"])


def downgrade() -> None:
    """Without them."""
    for table in ("campaign_points", "campaigns", "queue_items", "queues"):
        op.drop_table(table)
