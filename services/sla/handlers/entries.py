"""The journal of entries: what a change of a clock adds to the reports, and takes from them."""

from collections.abc import Mapping
from datetime import date, datetime

from services.sla.domain import Counted, Entry, difference, entries
from services.sla.models import Clock, JournalEntry
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import local_date


def count(clock: Clock) -> Counted:
    """Return what of a clock counts as its row stands now; its lists are replaced, never changed."""
    return Counted._make((clock.version > 0, *map(vars(clock).get, _COUNTED)))


_COUNTED = Counted._fields[1:]
"""Columns by their names; read past the mapping, whose every look at an attribute is a call."""


def enter(session: Session, head: HeadRow, clock: Clock, counted: Counted) -> None:
    """Write what a clock counts for beyond what it *counted* for before it was changed.

    Known on the day of the latest event of the dossier: what is announced carries the instant at which it became
    known, so that a state derived anew has the same days. Rows are only added: sums are made later (``fold``).
    """
    counts = count(clock)
    if counts == counted:
        return
    assert head.time is not None  # noqa: S101 - a clock starts with an event
    write(session, clock, difference(entries(counts), entries(counted)), local_date(head.time))


def write(session: Session, clock: Clock, changed: Mapping[Entry, int], known_on: date) -> None:
    """Add to the journal what a dossier counts for from now on, and no longer."""
    for entry, n in changed.items():
        row = {
            **entry._asdict(),
            "known_on": max(known_on, entry.counts_on),
            "n": n,
            "dossier_id": clock.dossier_id,
            "unit_code": clock.receiving_unit_code,
            "field_code": clock.field_code,
            "procedure_code": clock.procedure_code,
            "channel": clock.channel,
        }
        session.insert(JournalEntry, row)


def enter_miss(session: Session, head: HeadRow, clock: Clock, deadline_at: datetime) -> None:
    """Note that a deadline was announced as missed, and count the dossier as overdue if it is the one by law."""
    counted = count(clock)
    clock.missed_deadlines = [*clock.missed_deadlines, deadline_at]
    is_counted = bool(clock.overdue) and clock.overdue[-1][1] is None
    if deadline_at == clock.deadline_at and not is_counted:
        clock.overdue = [*clock.overdue, [local_date(deadline_at).isoformat(), None]]
    enter(session, head, clock, counted)
