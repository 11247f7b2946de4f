"""First revision of workflow: the spine and its own tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrate import spine

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    for statement in spine("0001"):
        op.execute(statement)
    op.create_table(
        "dossier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("route_code", sa.Text(), nullable=False),
        sa.Column("route_version", sa.Integer(), nullable=False),
        sa.Column("procedure_code", sa.Text(), nullable=False),
        sa.Column("procedure_version", sa.Integer(), nullable=False),
        sa.Column("calendar_code", sa.Text(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("field_code", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("applicant_kind", sa.Text(), nullable=False),
        sa.Column("receiving_unit_code", sa.Text(), nullable=False),
        sa.Column("result_delivery", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_waiting_for_supplement", sa.Boolean(), nullable=False),
        sa.Column("unpaid_notices", postgresql.JSONB(), nullable=False),
        sa.Column("paid_notices", postgresql.JSONB(), nullable=False),
        sa.Column("n_legs", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "leg",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("leg_no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step_code", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("agency_code", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("from_leg_no", sa.Integer(), nullable=True),
        sa.Column("excluded_ground", sa.Text(), nullable=True),
        sa.Column("limit_minutes", sa.Integer(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("urgent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("officer", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("dossier_id", "leg_no"),
    )
    op.create_index(
        "leg_open",
        "leg",
        ["agency_code", "urgent_at", "dossier_id", "leg_no"],
        unique=False,
        postgresql_where=sa.text("status IN ('offered', 'in_progress')"),
    )
    op.create_index(
        "leg_over",
        "leg",
        ["agency_code", "status", "urgent_at", "dossier_id", "leg_no"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('offered', 'in_progress')"),
    )
    op.create_table(
        "supplement_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("leg_no", sa.SmallInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("component_codes", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_supplement_proposal_dossier_id"), "supplement_proposal", ["dossier_id"], unique=False)


def downgrade() -> None:
    """A ledger is never dropped by a migration."""
    raise NotImplementedError
