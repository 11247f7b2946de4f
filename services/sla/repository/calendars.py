"""Queries about calendars: which open clocks run by which version, and recalculations."""

from uuid import UUID

from sqlalchemy import exists, select

from services.sla.models import Clock, Recalculated, Recalculation
from shared.session import Session
from shared.tables import HeadRow


async def unfinished(session: Session, code: str) -> Recalculation | None:
    """Return the recalculation of a calendar that goes on."""
    asked = select(Recalculation).where(
        Recalculation.calendar_code == code, ~Recalculation.is_dry_run, Recalculation.finished_at.is_(None)
    )
    return await session.scalar(asked.with_for_update())


async def oldest_dry_run(session: Session) -> Recalculation | None:
    """Return the dry run that is next, locked; None if there is none, or another worker is at it."""
    asked = select(Recalculation).where(Recalculation.is_dry_run, Recalculation.finished_at.is_(None))
    return await session.scalar(asked.order_by(Recalculation.asked_at).limit(1).with_for_update(skip_locked=True))


async def open_clocks(session: Session, code: str, after: UUID, limit: int) -> list[UUID]:
    """Return a page of open clocks that run by a calendar, in the order of their dossiers."""
    query = select(Clock.dossier_id).where(
        Clock.calendar_code == code, Clock.finished_at.is_(None), Clock.dossier_id > after
    )
    return list(await session.scalars(query.order_by(Clock.dossier_id).limit(limit)))


async def open_on_older(session: Session, code: str, version: int, limit: int) -> list[UUID]:
    """Return open clocks that run by an older version of a calendar; those of frozen dossiers wait."""
    frozen = exists().where(HeadRow.dossier_id == Clock.dossier_id, HeadRow.frozen_at.is_not(None))
    query = select(Clock.dossier_id).where(
        Clock.calendar_code == code, Clock.calendar_version < version, Clock.finished_at.is_(None), ~frozen
    )
    return list(await session.scalars(query.order_by(Clock.dossier_id).limit(limit)))


async def moved_by(session: Session, recalculation_id: UUID, after: UUID, limit: int) -> list[Recalculated]:
    """Return a page of the deadlines that a recalculation moves."""
    query = select(Recalculated).where(
        Recalculated.recalculation_id == recalculation_id, Recalculated.dossier_id > after
    )
    return list(await session.scalars(query.order_by(Recalculated.dossier_id).limit(limit)))
