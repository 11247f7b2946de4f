"""Leg clocks: since when a stretch is in whose hands, and until when it is to be done."""

from datetime import datetime

from services.sla import repository
from services.sla.domain import Kept, Kind
from services.sla.handlers.clocks import keep_fact
from services.sla.handlers.leg_terms import judge_leg
from services.sla.handlers.terms import terms
from services.sla.models import LegClock
from services.sla.repository import History
from shared.events.base import split_reference
from shared.events.workflow import LegAcknowledged, LegAssigned, LegOffered
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import add_working_minutes

OFFERED, IN_PROGRESS = "offered", "in_progress"


async def offer_leg(session: Session, head: HeadRow, offered: LegOffered, fact: Kept) -> None:
    """A stretch was offered: its clock runs, and the dossier has a holder."""
    history = await repository.history(session, head.dossier_id)
    if not any(known.kind == Kind.LEG_OFFERED and known.no == offered.leg_no for known in history.facts):
        due_at = _due_at(session, history, offered, fact.at)
        before = _handed_on(history, offered)
        leg = LegClock(
            dossier_id=head.dossier_id,
            leg_no=offered.leg_no,
            step_code=offered.step_code,
            agency_code=offered.agency_code,
            excluded_ground=offered.excluded_ground,
            limit_minutes=offered.limit_minutes,
            first_due_at=before.first_due_at if before else due_at,
            calendar_version=before.calendar_version if before else _calendar_version(offered),
            counted_from=before.counted_from if before else fact.at,
            due_at=due_at,
            told_due_at=due_at,
            offered_at=fact.at,
            status=OFFERED,
        )
        session.add(leg)
        history.put(leg)
        if history.clock is not None:
            judge_leg(session, head, history, leg, terms(session, history.clock).calendar)
    await keep_fact(session, head, fact)


def _handed_on(history: History, offered: LegOffered) -> LegClock | None:
    """Return the open leg whose stretch this one takes over, deadline and all: a step is open once otherwise."""
    open_legs = (leg for leg in history.legs.values() if leg.ended_at is None)
    return next((leg for leg in open_legs if leg.step_code == offered.step_code), None)


def _calendar_version(offered: LegOffered) -> int | None:
    return split_reference(offered.calendar)[1] if offered.calendar else None


def _due_at(session: Session, history: History, offered: LegOffered, at: datetime) -> datetime | None:
    """Return workflow's own deadline of the leg, else its working minutes in the receiving unit's calendar."""
    if offered.due_at is not None or offered.limit_minutes is None or history.clock is None:
        return offered.due_at
    return add_working_minutes(at, offered.limit_minutes, terms(session, history.clock).calendar)


async def acknowledge_leg(session: Session, head: HeadRow, taken: LegAcknowledged, at: datetime) -> None:
    """The agency took the stretch over; nothing else changes."""
    leg = (await repository.history(session, head.dossier_id)).legs.get(taken.leg_no)
    if leg is not None and leg.status == OFFERED:
        leg.acknowledged_at, leg.status, leg.officer = at, IN_PROGRESS, taken.officer


async def assign_leg(session: Session, head: HeadRow, assigned: LegAssigned) -> None:
    """An officer was named for the stretch; the last one named is who did it."""
    leg = (await repository.history(session, head.dossier_id)).legs.get(assigned.leg_no)
    if leg is not None and leg.ended_at is None:
        leg.officer = assigned.officer


async def end_leg(session: Session, head: HeadRow, status: str, fact: Kept) -> None:
    """The stretch ended with *status*."""
    history = await repository.history(session, head.dossier_id)
    leg = history.legs.get(fact.no or 0)
    if leg is not None and leg.ended_at is None:
        leg.ended_at, leg.status = fact.at, status
        if history.clock is not None:
            judge_leg(session, head, history, leg, terms(session, history.clock).calendar)
    await keep_fact(session, head, fact)
