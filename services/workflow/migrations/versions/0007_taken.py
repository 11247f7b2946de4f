"""What a person settled was not taken by its system; refusals one by one; looks that bring nothing stay due."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Tell apart what was taken and what a person settled, and say since when a look is due or all was well."""
    op.execute("""
        UPDATE delivery SET acknowledged_at = NULL
        WHERE resulted_at IS NULL AND id IN (SELECT delivery_id FROM incident WHERE action = 'taken')
    """)
    for name in ("due_since", "well_at"):
        op.add_column("standing", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "standing_unseen", "standing", ["system", "due_since"], postgresql_where=sa.text("due_since IS NOT NULL")
    )
    op.drop_index("incident_open", "incident")
    op.create_index(
        "incident_open",
        "incident",
        ["dossier_id", "system", "kind", "delivery_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
