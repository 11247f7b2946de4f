"""Queries about calendars: which open clocks run by which version, and recalculations."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select

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


async def open_on_older(session: Session, code: str, version: int, after: UUID, limit: int) -> list[UUID]:
    """Return a page of open clocks that run by an older version of a calendar, in the order of their dossiers.

    But for those that this version left there; those of frozen dossiers wait. A page that began at the first clock
    each time would walk past all that were brought over before: the time would grow with the square of their number.
    """
    frozen = exists().where(HeadRow.dossier_id == Clock.dossier_id, HeadRow.frozen_at.is_not(None))
    left = exists().where(
        Recalculated.dossier_id == Clock.dossier_id,
        _IS_LEFT,
        Recalculated.recalculation_id == Recalculation.id,
        Recalculation.calendar_code == code,
        Recalculation.calendar_version == version,
        ~Recalculation.is_dry_run,
    )
    query = select(Clock.dossier_id).where(
        Clock.calendar_code == code,
        Clock.calendar_version < version,
        Clock.finished_at.is_(None),
        Clock.dossier_id > after,
        ~frozen,
        ~left,
    )
    return list(await session.scalars(query.order_by(Clock.dossier_id).limit(limit)))


_IS_LEFT = Recalculated.to_at == Recalculated.from_at
"""A row that goes nowhere: the version does not reach as far as this deadline would, so the clock was left as it is."""


async def moved_by(session: Session, recalculation_id: UUID, after: UUID, limit: int) -> list[Recalculated]:
    """Return a page of the deadlines that a recalculation moves."""
    return await _noted(session, ~_IS_LEFT, recalculation_id, after, limit)


async def left_by(session: Session, recalculation_id: UUID, after: UUID, limit: int) -> list[Recalculated]:
    """Return a page of the deadlines that a recalculation left as they are, since its calendar ends before them."""
    return await _noted(session, _IS_LEFT, recalculation_id, after, limit)


async def n_left(session: Session, recalculation_id: UUID) -> int:
    """Return how many deadlines a recalculation left as they are."""
    query = select(func.count()).where(Recalculated.recalculation_id == recalculation_id, _IS_LEFT)
    return await session.scalar(query) or 0


async def _noted(
    session: Session, which: ColumnElement[bool], recalculation_id: UUID, after: UUID, limit: int
) -> list[Recalculated]:
    query = select(Recalculated).where(
        Recalculated.recalculation_id == recalculation_id, Recalculated.dossier_id > after, which
    )
    return list(await session.scalars(query.order_by(Recalculated.dossier_id).limit(limit)))
