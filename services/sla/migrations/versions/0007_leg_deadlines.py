"""The deadline of a leg moves with the calendar, too, and workflow is told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Keep by which calendar a leg was offered, and what is known of its deadline."""
    op.add_column("leg_clock", sa.Column("calendar_version", sa.Integer, nullable=True))
    op.add_column("leg_clock", sa.Column("told_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("leg_clock", sa.Column("counted_from", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE leg_clock SET told_due_at = first_due_at, counted_from = offered_at")
    op.alter_column("leg_clock", "counted_from", nullable=False)
