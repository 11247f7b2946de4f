"""Working minutes between two instants, and the instant some working minutes later."""

from datetime import datetime

from shared.worktime.calendar import Calendar


def working_minutes(start: datetime, end: datetime, calendar: Calendar) -> int:
    """Return the working minutes from *start* to *end*, negative if *end* is earlier.

    Seconds are dropped from both, so that the minutes of adjoining stretches add up to those of the whole.
    """
    return calendar.position(end) - calendar.position(start)


def add_working_minutes(start: datetime, minutes: int, calendar: Calendar) -> datetime:
    """Return the earliest instant (UTC) with *minutes* worked since *start*; *start* itself for 0."""
    if minutes < 0:
        raise ValueError("minutes must not be negative")
    return calendar.instant(calendar.position(start) + minutes) if minutes else start
