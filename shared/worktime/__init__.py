"""Working-time arithmetic of intake and sla: calendars as data, time limits, deadlines, explanations."""

from shared.worktime.calendar import (
    LOCAL,
    Calendar,
    CalendarGap,
    Day,
    DayKind,
    NaiveInstant,
    at_local,
    day_end,
    local_date,
)
from shared.worktime.data import (
    FIRST_DAY,
    LAST_DAY,
    TO_BE_CONFIRMED,
    CalendarChange,
    CalendarData,
    CoveredDay,
    DayOverride,
    WeeklyHours,
)
from shared.worktime.explanation import DayRow, Reason, explain
from shared.worktime.limits import Deadline, Limit, Span, Unit, due_at
from shared.worktime.minutes import add_working_minutes, working_minutes

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "LOCAL",
    "TO_BE_CONFIRMED",
    "Calendar",
    "CalendarChange",
    "CalendarData",
    "CalendarGap",
    "CoveredDay",
    "Day",
    "DayKind",
    "DayOverride",
    "DayRow",
    "Deadline",
    "Limit",
    "NaiveInstant",
    "Reason",
    "Span",
    "Unit",
    "WeeklyHours",
    "add_working_minutes",
    "at_local",
    "day_end",
    "due_at",
    "explain",
    "local_date",
    "working_minutes",
]
