"""Second revision of the spine: restored services and forked dossiers."""

from alembic import op

from shared.migrate import spine

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Take the spine's revision over."""
    for statement in spine("0002"):
        op.execute(statement)
