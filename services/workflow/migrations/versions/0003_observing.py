"""Observing outside systems: what each has taken, when it is looked at, what was repaired; a brake has no dossier."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

OPTIONAL = {
    "told_at": sa.DateTime(timezone=True),
    "acknowledged_at": sa.DateTime(timezone=True),
    "look_at": sa.DateTime(timezone=True),
    "in_step_no": sa.Integer(),
    "in_step_hash": sa.Text(),
    "repaired_at": sa.DateTime(timezone=True),
    "repaired_from": sa.Integer(),
}
COUNTS = ("told_no", "fence", "n_repairs", "n_tries")
BEFORE_SEEN = ("observed_hash", "observed_at", "how", "received_at")
# What systems that can be read had taken before is looked at within the next hour.
ALREADY_TAKEN = """
    INSERT INTO standing (
        dossier_id, system, told_no, acknowledged_at, fence, is_fresh, look_at, verdict, since, n_repairs, n_tries)
    SELECT dossier_id, system, max(no), max(acknowledged_at), 1, FALSE,
        CASE WHEN system IN (SELECT code FROM reference WHERE kind = 'system' AND (data ->> 'reads_back')::boolean)
            THEN clock_timestamp() + random() * interval '1 hour' END,
        'pending', clock_timestamp(), 0, 0
    FROM delivery
    WHERE state IN ('acknowledged', 'done')
    GROUP BY dossier_id, system
    ON CONFLICT (dossier_id, system) DO UPDATE SET told_no = excluded.told_no,
        acknowledged_at = excluded.acknowledged_at, look_at = excluded.look_at
"""


def upgrade() -> None:
    """Add the columns, and what was taken before."""
    for name, kind in OPTIONAL.items():
        op.add_column("standing", sa.Column(name, kind, nullable=True))
    for name in COUNTS:
        op.add_column("standing", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        op.alter_column("standing", name, server_default=None)
    op.add_column("standing", sa.Column("is_fresh", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("standing", "is_fresh", server_default=None)
    for name in BEFORE_SEEN:
        op.alter_column("standing", name, nullable=True)
    op.create_index(
        "standing_due",
        "standing",
        ["system", "is_fresh", "look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.alter_column("incident", "dossier_id", nullable=True)
    op.drop_index("incident_open", "incident")
    op.create_index(
        "incident_open",
        "incident",
        ["dossier_id", "system", "kind"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "incident_decided", "incident", ["dossier_id", "system"], postgresql_where=sa.text("action IS NOT NULL")
    )
    op.execute(ALREADY_TAKEN)
