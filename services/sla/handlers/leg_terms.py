"""Deadlines and minutes of legs, brought up to the suspensions of their dossier."""

from services.sla.domain import due_after, merged, stood_minutes
from services.sla.models import LegClock
from services.sla.repository import History
from shared.worktime import Calendar, working_minutes


def judge_legs(history: History, calendar: Calendar) -> None:
    """Bring every leg that was read up to the suspensions that are known now."""
    for leg in history.legs.values():
        judge_leg(history, leg, calendar)


def judge_leg(history: History, leg: LegClock, calendar: Calendar) -> None:
    """Set what is left of a leg's time to the agency: nothing of a suspension is, unless the leg is one itself."""
    stood = 0
    if leg.excluded_ground is None:
        spans = [(row.from_at, row.to_at or leg.ended_at) for row in history.suspensions.values()]
        ended = [(a, b) for a, b in spans if b is not None and b > leg.offered_at]
        until = leg.ended_at or max((b for _, b in ended), default=leg.offered_at)
        stood = stood_minutes((leg.offered_at, until), merged(ended), calendar)
    if leg.first_due_at is not None:
        leg.due_at = due_after(leg.first_due_at, stood, calendar)
    if leg.ended_at is not None:
        leg.minutes = working_minutes(leg.offered_at, max(leg.offered_at, leg.ended_at), calendar) - stood
