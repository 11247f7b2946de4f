"""Alembic's entry for intake."""

from services.intake.models import Base
from shared.migrate import run_env

run_env(Base.metadata)
