"""What officers and timers did, done again from what was said of it (``shared.retrace``)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from services.sla import repository
from services.sla.domain import Kept, Kind
from services.sla.handlers.apologies import apologise, data_of
from services.sla.handlers.calendars import adopt
from services.sla.handlers.clocks import BREACH, FORGOTTEN, NEAR_BREACH, RENEWED_BREACH, note
from services.sla.handlers.timers import fire
from services.sla.models import Clock, Fact, Holding, LegClock, Suspension, Timer
from shared.consumer import Handler, Received
from shared.errors import DossierUnknown
from shared.events import Fact as Said
from shared.events.base import split_reference
from shared.events.sla import (
    ApologyIssued,
    ClockRecalculated,
    ClockResumed,
    ClockSuspended,
    DeadlineApproaching,
    DeadlineMissed,
    SuspensionForgotten,
)
from shared.retrace import recalled
from shared.session import Session

OWN = "sla"


async def forget(session: Session, dossier_id: UUID) -> dict[int, dict[str, Any]]:
    """Delete what was derived of a dossier; return, by sequence number, what officers gave with their decisions."""
    own = select(Fact.seq, Fact.data).where(Fact.dossier_id == dossier_id, Fact.source == OWN)
    kept = {seq: data for seq, data in await session.execute(own)}  # noqa: C416 - rows are typed as tuples
    await repository.forget_entries(session, dossier_id)
    for table in (Timer, LegClock, Suspension, Holding, Fact, Clock):
        await session.execute(delete(table).where(table.dossier_id == dossier_id))
    return kept


async def _suspend(session: Session, got: Received[ClockSuspended]) -> None:
    known = {"ground": got.fact.ground, "by_agency": got.fact.agency_code}
    await _decide(session, got, Kind.SUSPENSION_BEGAN, known)


async def _resume(session: Session, got: Received[ClockResumed]) -> None:
    await _decide(session, got, Kind.SUSPENSION_ENDED, {})


async def _decide(session: Session, got: Received[Any], kind: Kind, known: dict[str, Any]) -> None:
    """Keep the fact of an officer's decision; the document and the note are there only if they were put aside."""
    recall = recalled(session)
    data = ((recall.kept if recall else None) or {}).get(got.event.seq, known)
    fact = got.fact
    at = (fact.from_at if isinstance(fact, ClockSuspended) else fact.to_at) or got.event.time
    kept = Kept(got.dossier_id, OWN, got.event.seq, at, kind, fact.suspension_no, data)
    note(session, got.head, await repository.history(session, got.dossier_id), kept)


async def _warn(session: Session, got: Received[DeadlineApproaching]) -> None:
    await _fire(session, got, NEAR_BREACH)


async def _miss(session: Session, got: Received[DeadlineMissed]) -> None:
    history = await repository.history(session, got.dossier_id)
    is_renewed = history.clock is not None and history.clock.renewed_deadline_at == got.fact.deadline_at
    await _fire(session, got, RENEWED_BREACH if is_renewed else BREACH)


async def _ask_about(session: Session, got: Received[SuspensionForgotten]) -> None:
    await _fire(session, got, FORGOTTEN)


async def _apologise(session: Session, got: Received[ApologyIssued]) -> None:
    """Keep an apology again; its reason in words is there only if it was put aside."""
    recall, event, fact = recalled(session), got.event, got.fact
    data = ((recall.kept if recall else None) or {}).get(event.seq, data_of(fact))
    kept = Kept(got.dossier_id, OWN, event.seq, fact.issued_at or event.time, Kind.APOLOGISED, fact.apology_no, data)
    apologise(session, got.head, await repository.history(session, got.dossier_id), kept, fact)


async def _recalculate(session: Session, got: Received[ClockRecalculated]) -> None:
    _, version = split_reference(got.fact.calendar)
    history = await repository.history(session, got.dossier_id)
    adopt(session, got.head, history, version, got.event.time)


async def _fire(session: Session, got: Received[Any], kind: str) -> None:
    history = await repository.history(session, got.dossier_id)
    if history.clock is None or kind not in history.timers:
        raise DossierUnknown(str(got.dossier_id))
    fire(session, got.head, history.clock, history.timers[kind], got.event.time)


AGAIN: Mapping[type[Said], Handler] = {
    ClockSuspended: _suspend,
    ClockResumed: _resume,
    DeadlineApproaching: _warn,
    DeadlineMissed: _miss,
    ApologyIssued: _apologise,
    ClockRecalculated: _recalculate,
    SuspensionForgotten: _ask_about,
}
