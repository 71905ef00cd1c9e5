"""Identity, approvals, the audit trail and budgets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Accounts, tokens, approvals, grants, audit, heads, spending."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("principal", sa.String(64), nullable=False, index=True),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("world", sa.String(16), nullable=False),
        sa.Column("hazard", sa.String(16), nullable=False),
        sa.Column("bound_to", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("used_by", sa.String(128)),
    )
    op.create_table(
        "grants",
        sa.Column("approval", sa.String(32), primary_key=True),
        sa.Column("approver", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False, index=True),
        sa.Column("verb", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("event", sa.String(160), unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "heads",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "spending",
        sa.Column("request", sa.String(128), primary_key=True),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("instrument_s", sa.Float, nullable=False),
        sa.Column("reagent_ul", sa.Float, nullable=False),
        sa.Column("money", sa.Float, nullable=False),
    )
    op.create_index("requests_by_run", "requests", ["run_id"])
    op.create_index("spending_by_principal", "spending", ["principal", "at"])


def downgrade() -> None:
    """Without them."""
    op.drop_index("requests_by_run", "requests")
    for table in ("spending", "heads", "audit", "grants", "approvals", "tokens", "accounts"):
        op.drop_table(table)
