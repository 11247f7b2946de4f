"""Alembic's entry for sla."""

from services.sla.models import Base
from shared.migrate import run_env

run_env(Base.metadata)
