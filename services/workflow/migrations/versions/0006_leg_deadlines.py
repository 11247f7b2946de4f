"""Clocks that stand are seen in inboxes: what sla says of it is kept with the dossier."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Keep the ground of a clock that stands, and since when it does."""
    op.add_column("dossier", sa.Column("suspended_ground", sa.Text, nullable=True))
    op.add_column("dossier", sa.Column("suspended_since", sa.DateTime(timezone=True), nullable=True))
    # Since when is in no table: what is not overdue by now is not called so while the clock stands.
    op.execute("""
        UPDATE dossier SET suspended_ground = picture->>'suspended_by', suspended_since = now()
        FROM exchange WHERE dossier_id = dossier.id AND picture->>'suspended_by' IS NOT NULL
    """)
