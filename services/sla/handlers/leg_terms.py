"""Deadlines and minutes of legs, brought up to the suspensions and the calendar of their dossier."""

from datetime import datetime

from services.sla.domain import due_after, due_by, merged, stood_minutes
from services.sla.handlers.terms import references
from services.sla.models import LegClock
from services.sla.repository import History
from shared.events.sla import LegDeadlineMoved
from shared.outbox import publish
from shared.retrace import was_said
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import Calendar, working_minutes


def judge_legs(session: Session, head: HeadRow, history: History, calendar: Calendar) -> None:
    """Bring every leg that was read up to what is known now."""
    for _, leg in sorted(history.legs.items()):
        judge_leg(session, head, history, leg, calendar)


def judge_leg(session: Session, head: HeadRow, history: History, leg: LegClock, calendar: Calendar) -> None:
    """Set what is left of a leg's time to the agency, and tell workflow; CalendarGap."""
    leg.due_at = _due_at(session, history, leg, calendar)
    if leg.ended_at is not None:
        stood = _stood(history, leg, leg.offered_at, calendar)
        leg.minutes = working_minutes(leg.offered_at, max(leg.offered_at, leg.ended_at), calendar) - stood
    if leg.due_at and leg.told_due_at and leg.due_at != leg.told_due_at and was_said(session, LegDeadlineMoved):
        publish(session, head, LegDeadlineMoved(leg_no=leg.leg_no, from_at=leg.told_due_at, to_at=leg.due_at))
        leg.told_due_at = leg.due_at


def see_covered(session: Session, history: History, calendar: Calendar) -> None:
    """CalendarGap where *calendar* ends before the deadline of a leg."""
    for leg in history.legs.values():
        _due_at(session, history, leg, calendar)


def _due_at(session: Session, history: History, leg: LegClock, calendar: Calendar) -> datetime | None:
    return due_of(session, leg, calendar, _stood(history, leg, leg.counted_from, calendar))


def due_of(session: Session, leg: LegClock, calendar: Calendar, stood: int) -> datetime | None:
    """Return until when a leg is to be done, of which *stood* working minutes did not count; CalendarGap."""
    due_at, version = leg.first_due_at, leg.calendar_version
    if due_at is None:
        return None
    if version not in {None, calendar.data.version}:
        made_with: Calendar = references(session).get("calendar", calendar.data.code, version)
        due_at = due_by(calendar, due_at, leg.counted_from, made_with)
    return due_after(due_at, stood, calendar)


def _stood(history: History, leg: LegClock, since: datetime, calendar: Calendar) -> int:
    """Return the working minutes of a leg *since* then in suspensions that are over; none, if it is one itself."""
    if leg.excluded_ground is not None:
        return 0
    spans = [(row.from_at, row.to_at or leg.ended_at) for row in history.suspensions.values()]
    ended = [(a, b) for a, b in spans if b is not None and b > since]
    until = leg.ended_at or max((b for _, b in ended), default=since)
    return stood_minutes((since, until), merged(ended), calendar)
