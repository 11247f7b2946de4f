"""What reports are made of: the journal of entries, its sums, who held what how long."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_JUDGED = ("verdict", "ending", "judged_by")


def upgrade() -> None:
    """Make the tables; dossiers that were there before are counted once ``rebuild --all`` has gone over them."""
    _widen()
    _make_entry()
    _make_tally()
    op.create_table(
        "holding",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("agency_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("suspended_minutes", sa.Integer(), nullable=False),
        sa.Column("late_minutes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("dossier_id", "agency_code"),
    )
    op.create_index("holding_finished", "holding", ["finished_on"])


def _widen() -> None:
    op.add_column("clock", sa.Column("dossier_code", sa.Text(), nullable=False, server_default=""))
    op.add_column("clock", sa.Column("ending", sa.Text(), nullable=True))
    op.add_column("clock", sa.Column("overdue", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.add_column("suspension", sa.Column("agency_code", sa.Text(), nullable=False, server_default=""))
    op.add_column("suspension", sa.Column("minutes", sa.Integer(), nullable=True))
    op.add_column("leg_clock", sa.Column("minutes", sa.Integer(), nullable=True))
    for table, column in (("clock", "dossier_code"), ("clock", "overdue"), ("suspension", "agency_code")):
        op.alter_column(table, column, server_default=None)
    op.create_index("clock_register", "clock", ["started_at", "dossier_id"])
    op.create_index("clock_register_unit", "clock", ["receiving_unit_code", "started_at", "dossier_id"])
    op.create_index("suspension_from", "suspension", ["from_at"])
    op.create_index("suspension_open", "suspension", ["agency_code"], postgresql_where=sa.text("to_at IS NULL"))
    op.create_index("leg_clock_ended", "leg_clock", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL"))


def _make_entry() -> None:
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("measure", *_JUDGED)),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("field_code", sa.Text(), nullable=False),
        sa.Column("procedure_code", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("is_folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("entry_unfolded", "entry", ["id"], postgresql_where=sa.text("NOT is_folded"))
    op.create_index("entry_dossier", "entry", ["dossier_id"])
    op.create_index("entry_day", "entry", ["counts_on"])
    op.create_index("entry_late", "entry", ["known_on"], postgresql_where=sa.text("known_on > counts_on"))


def _make_tally() -> None:
    places = ("level", "unit_code", "field_code", "measure")
    op.create_table(
        "tally",
        *(sa.Column(name, sa.Text(), nullable=False) for name in places),
        sa.Column("counts_in", sa.Date(), nullable=False),
        sa.Column("known_in", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*_JUDGED, "channel")),
        sa.Column("is_saturday", sa.Boolean(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*places, "counts_in", "known_in", *_JUDGED, "channel", "is_saturday"),
    )
