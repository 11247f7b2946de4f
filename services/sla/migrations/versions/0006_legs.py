"""Deadlines of legs move while the clock stands: what was offered is kept beside them.

Legs of before are judged anew when sla is derived anew (``rebuild --all``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Keep the deadline that a leg was offered with."""
    op.add_column("leg_clock", sa.Column("first_due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE leg_clock SET first_due_at = due_at")
