"""Alembic's entry for workflow."""

from services.workflow.models import Base
from shared.migrate import run_env

run_env(Base.metadata)
