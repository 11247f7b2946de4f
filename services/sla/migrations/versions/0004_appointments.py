"""Apologies with their one re-appointment, and new versions of calendars brought to open clocks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

STILL_OPEN = sa.text("finished_at IS NULL")


def upgrade() -> None:
    """Add what they need."""
    op.add_column("clock", sa.Column("renewed_deadline_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("clock", sa.Column("apologies", postgresql.JSONB(), server_default="{}", nullable=False))
    op.alter_column("clock", "apologies", server_default=None)
    op.create_index("clock_open", "clock", ["calendar_code", "calendar_version"], postgresql_where=STILL_OPEN)
    op.create_index("clock_due", "clock", ["announced_deadline_at", "dossier_id"], postgresql_where=STILL_OPEN)
    op.add_column("timer", sa.Column("no", sa.Integer(), nullable=True))
    op.create_index(
        "clock_missed", "clock", ["dossier_id"], postgresql_where=sa.text("cardinality(missed_deadlines) > 0")
    )
    op.create_index("fact_apology", "fact", ["at"], postgresql_where=sa.text("kind = 'apologised'"))
    _recalculations()


def _recalculations() -> None:
    op.create_table(
        "recalculation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("calendar_code", sa.Text(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_id", sa.Uuid(), nullable=False),
        sa.Column("n_open", sa.Integer(), nullable=False),
        sa.Column("n_moved", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "recalculated",
        sa.Column("recalculation_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recalculation_id", "dossier_id"),
    )
