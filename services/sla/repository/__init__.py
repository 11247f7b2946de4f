"""Every query of sla: clocks here, entries and what is reported of them in ``entries`` and ``reports``."""

from services.sla.repository.clocks import (
    FIRST,
    Due,
    History,
    due_timers,
    history,
    lock,
    lock_due,
    preload,
    read,
    see,
    visible_to,
)
from services.sla.repository.entries import Asked, fold, forget_entries, sums
from services.sla.repository.reports import (
    completeness,
    legs_ended,
    minutes_held,
    refused_suspensions,
    register,
    suspensions,
)

__all__ = [
    "FIRST",
    "Asked",
    "Due",
    "History",
    "completeness",
    "due_timers",
    "fold",
    "forget_entries",
    "history",
    "legs_ended",
    "lock",
    "lock_due",
    "minutes_held",
    "preload",
    "read",
    "refused_suspensions",
    "register",
    "see",
    "sums",
    "suspensions",
    "visible_to",
]
