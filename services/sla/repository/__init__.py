"""Every query of sla: clocks and calendars."""

from services.sla.repository.calendars import (
    is_recalculating,
    lock_heads,
    moved_by,
    oldest_dry_run,
    open_clocks,
    open_on_older,
    unfinished,
)
from services.sla.repository.clocks import (
    FIRST,
    Due,
    History,
    due_soon,
    due_timers,
    history,
    lock,
    lock_due,
    preload,
    read,
    see,
    visible_to,
)

__all__ = [
    "FIRST",
    "Due",
    "History",
    "due_soon",
    "due_timers",
    "history",
    "is_recalculating",
    "lock",
    "lock_due",
    "lock_heads",
    "moved_by",
    "oldest_dry_run",
    "open_clocks",
    "open_on_older",
    "preload",
    "read",
    "see",
    "unfinished",
    "visible_to",
]
