"""The time of one leg: it stands while the dossier's clock lawfully stands, and its deadline moves by as much."""

from datetime import datetime

from shared.worktime import Calendar, add_working_minutes, working_minutes


def due_after(due_at: datetime, stood: int, calendar: Calendar) -> datetime:
    """Return the deadline of a leg of which *stood* working minutes did not count.

    A supplement gives the dossier a whole new limit, a leg only what the applicant took: the stretch is the same one.
    """
    return add_working_minutes(due_at, stood, calendar) if stood else due_at


def due_by(calendar: Calendar, due_at: datetime, since: datetime, made_with: Calendar) -> datetime:
    """Return the deadline that is as many working minutes of *calendar* after *since* as *due_at* was."""
    return add_working_minutes(since, working_minutes(since, due_at, made_with), calendar)
