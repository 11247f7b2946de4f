"""What intake does with the facts of the others; every fact is accepted in every state, an overtaken one is moot."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain import RESOLVED, STARTED, Status
from services.intake.handlers.transitions import move
from services.intake.models import Dossier
from shared.session import Session


async def start_processing(session: Session, dossier_id: UUID) -> None:
    """The first leg was acknowledged."""
    dossier = await session.get_one(Dossier, dossier_id)
    if dossier.status in STARTED:
        move(dossier, STARTED[Status(dossier.status)])


async def resolve_dossier(session: Session, dossier_id: UUID, outcome: str, at: datetime) -> None:
    """Processing ended."""
    dossier = await session.get_one(Dossier, dossier_id)
    if dossier.status not in RESOLVED:
        return
    move(dossier, RESOLVED[Status(dossier.status)])
    dossier.outcome = outcome
    dossier.resolved_at = at


async def copy_appointment(
    session: Session,
    dossier_id: UUID,
    *,
    appointment_at: Any = None,
    suspended_ground: str | None = None,
) -> None:
    """Copy what sla says of the clock: a moved deadline, or the ground on which there is none now.

    The version stays: it guards commands against changes of the state, and a clock that moves must not refuse one.
    """
    dossier = await session.get_one(Dossier, dossier_id)
    dossier.suspended_ground = suspended_ground
    if appointment_at is not None:
        dossier.appointment_at = appointment_at
