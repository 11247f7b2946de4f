"""The time of one leg: it stands while the dossier's clock lawfully stands, and its deadline moves by as much."""

from collections.abc import Iterable
from datetime import datetime

from services.sla.domain.clock import merged
from shared.worktime import Calendar, add_working_minutes, working_minutes

Stretch = tuple[datetime, datetime]


def stood_minutes(leg: Stretch, suspended: Iterable[Stretch], calendar: Calendar) -> int:
    """Return the working minutes of *leg* (from its offer to its end, or now) in which the clock stood."""
    overlaps = [(max(leg[0], a), min(leg[1], b)) for a, b in merged(suspended)]
    return sum(working_minutes(a, b, calendar) for a, b in overlaps if a < b)


def due_after(due_at: datetime, stood: int, calendar: Calendar) -> datetime:
    """Return the deadline of a leg of which *stood* working minutes did not count.

    A supplement gives the dossier a whole new limit, a leg only what the applicant took: the stretch is the same one.
    """
    return add_working_minutes(due_at, stood, calendar) if stood else due_at
