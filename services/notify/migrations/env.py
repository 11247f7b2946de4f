"""Alembic's entry for notify."""

from services.notify.models import Base
from shared.migrate import run_env

run_env(Base.metadata)
