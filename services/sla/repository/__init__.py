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
from services.sla.repository.entries import Asked, Sum, fold, forget_entries, sums

__all__ = [
    "FIRST",
    "Asked",
    "Due",
    "History",
    "Sum",
    "due_timers",
    "fold",
    "forget_entries",
    "history",
    "lock",
    "lock_due",
    "preload",
    "read",
    "see",
    "sums",
    "visible_to",
]
