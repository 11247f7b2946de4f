"""The last brake of a system by an index of its own; incidents are listed by their ids, which grow with time."""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Find a brake without walking all incidents."""
    op.drop_index("incident_opened", "incident")
    op.create_index("incident_brake", "incident", ["system", "id"], postgresql_where=text("kind = 'brake'"))
