"""What scorecards need: supplement requests by dossier, officers by leg, and counts that people enter.

What was received before has only the requests in process and no officers until sla is derived anew (``rebuild --all``).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ASKED = """
    UPDATE clock SET n_supplements = asked.n FROM (
        SELECT dossier_id, count(*)::int AS n FROM fact
        WHERE kind = 'suspension_began' AND no > 10000 AND no < 20000 GROUP BY dossier_id
    ) AS asked WHERE asked.dossier_id = clock.dossier_id
"""


def upgrade() -> None:
    """Add it."""
    op.add_column("clock", sa.Column("n_supplements", sa.Integer(), server_default="0", nullable=False))
    op.execute(ASKED)
    op.alter_column("clock", "n_supplements", server_default=None)
    op.add_column("leg_clock", sa.Column("officer", sa.Text(), nullable=True))
    op.create_table(
        "entered_count",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scorecard_code", sa.Text(), nullable=False),
        sa.Column("part_code", sa.Text(), nullable=False),
        sa.Column("agency_code", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("entered_count_of", "entered_count", ["scorecard_code", "from_on", "to_on"])
