"""What a clock counts for in the reports: entries, each for one local date, that add up to every figure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from services.sla.domain.clock import ClockState, verdict
from services.sla.domain.story import Kind, Noted
from shared.worktime import local_date

RENEWED = "renewed"
"""What an entry with it says has to be added to the others to judge by the deadline promised with an apology."""

SUPPLEMENTED = "supplements:"
"""Begins what an entry says of a dossier that ended after several supplement requests: ``supplements:2``."""

OverdueSpan = Sequence[str | None]
"""From and to as local dates (ISO 8601): overdue at the end of the first, no longer at the end of the second."""


class Measure(StrEnum):
    """What an entry counts."""

    RECEIVED = "received"
    RESOLVED = "resolved"
    OVERDUE = "overdue"
    PAID = "paid"
    """Told by payments, not by the clock; its *verdict* says how (``methods_of``). No form of the law counts it."""


class Entry(NamedTuple):
    """One thing that happened on a local date; how many of it there were stands beside it and may be negative."""

    counts_on: date
    measure: str
    verdict: str = ""
    ending: str = ""
    judged_by: str = ""


class Counted(NamedTuple):
    """What of a row of ``clock`` is counted, as it stands at one moment; two that are equal count for the same."""

    is_settled: bool
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    ending: str | None
    overdue: Sequence[OverdueSpan]
    missed_deadlines: Sequence[datetime]
    renewed_deadline_at: datetime | None
    n_supplements: int = 0


def supplements_of(judged_by: str) -> int | None:
    """Return how many supplement requests an entry tells of, None if it tells of something else."""
    return int(judged_by.removeprefix(SUPPLEMENTED)) if judged_by.startswith(SUPPLEMENTED) else None


def entries(clock: Counted) -> dict[Entry, int]:
    """Return what *clock* counts for; nothing before its history was settled once.

    Pending at the end of a day = received less resolved up to it; overdue of these = the sum of ``overdue``.
    """
    counted: dict[Entry, int] = {}
    if not clock.is_settled:
        return counted
    counted[Entry(local_date(clock.started_at), Measure.RECEIVED)] = 1
    if clock.finished_at is not None:
        counted[_resolved(clock.finished_at, clock)] = 1
        if clock.n_supplements > 1:
            counted[_resolved(clock.finished_at, clock)._replace(judged_by=f"{SUPPLEMENTED}{clock.n_supplements}")] = 1
    _add_spans(counted, clock.overdue, "", 1)
    if clock.renewed_deadline_at is not None:
        _judge_again(counted, clock, clock.renewed_deadline_at)
    return {entry: n for entry, n in counted.items() if n}


def paid(noted: Iterable[Noted]) -> dict[Entry, int]:
    """Return what the payments among *noted* count for: one dossier, on the day of the first, by all their methods.

    That a payment is said again changes nothing; which methods are online, and what several of them make, is a
    scorecard's matter.
    """
    payments = [row for row in noted if row.kind == Kind.PAID]
    if not payments:
        return {}
    methods = " ".join(sorted({row.data["method"] for row in payments}))
    return {Entry(local_date(min(row.at for row in payments)), Measure.PAID, methods): 1}


def methods_of(paid_by: str) -> list[str]:
    """Return the methods that an entry of ``paid`` tells of; codes have no blanks."""
    return paid_by.split(" ")


def difference(after: Mapping[Entry, int], before: Mapping[Entry, int]) -> dict[Entry, int]:
    """Return what has to be added to *before* so that it becomes *after*."""
    changed = dict(after)
    for entry, n in before.items():
        _add(changed, entry, -n)
    return {entry: n for entry, n in changed.items() if n}


def overdue_spans(state: ClockState, missed: Collection[datetime], seen_until: datetime) -> list[list[str | None]]:
    """Return from which local date to which the dossier was overdue: until the law moved the deadline, or the end.

    A deadline that nothing has followed yet counts once it was announced as *missed*, or once facts of a later
    instant (*seen_until*) are known. One that passed while the clock stood still counts from when it runs again.
    """
    spans: list[list[str | None]] = []
    for since_at, deadline_at, until_at in _stood(state):
        begun_at = _running_at(max(since_at, deadline_at), state)
        is_known = deadline_at in missed or (begun_at is not None and deadline_at < begun_at <= seen_until)
        if begun_at is not None and _is_overdue(begun_at, until_at, is_known, seen_until):
            spans.append([_iso(begun_at), None if until_at is None else _iso(until_at)])
    return spans


def _stood(state: ClockState) -> Iterator[tuple[datetime, datetime, datetime | None]]:
    """Yield each deadline: since when it stood, itself, and when it was over: the law moved it, or processing ended."""
    moved = [move.at for move in state.moves]
    deadlines = [state.first_deadline_at, *(move.to_at for move in state.moves)]
    return zip([state.started_at, *moved], deadlines, [*moved, state.finished_at], strict=True)


def _is_overdue(begun_at: datetime, until_at: datetime | None, is_known: bool, seen_until: datetime) -> bool:
    if until_at is not None:
        return begun_at < until_at
    return is_known or begun_at < seen_until


def _running_at(instant: datetime, state: ClockState) -> datetime | None:
    """Return *instant*, or if the clock stood still then or processing had ended, when it ran again; None: not yet."""
    stood = [(span.from_at, span.to_at) for span in state.suspensions]
    for from_at, to_at in sorted([*stood, *state.gaps], key=lambda span: span[0]):
        if from_at <= instant and (to_at is None or instant < to_at):
            if to_at is None:
                return None
            instant = to_at
    return instant


def _iso(instant: datetime) -> str:
    return local_date(instant).isoformat()


def _resolved(finished_at: datetime, clock: Counted) -> Entry:
    return Entry(local_date(finished_at), Measure.RESOLVED, clock.verdict or "", clock.ending or "")


def _add_spans(counted: dict[Entry, int], spans: Sequence[OverdueSpan], judged_by: str, n: int) -> None:
    for from_on, to_on in spans:
        for on, sign in ((from_on, n), (to_on, -n)):
            if on is not None:
                _add(counted, Entry(date.fromisoformat(on), Measure.OVERDUE, judged_by=judged_by), sign)


def _add(counted: dict[Entry, int], entry: Entry, n: int) -> None:
    counted[entry] = counted.get(entry, 0) + n


def _judge_again(counted: dict[Entry, int], clock: Counted, deadline_at: datetime) -> None:
    """Add what differs if the last deadline is the one at *deadline_at*, which the agency promised instead."""
    if clock.finished_at is not None:
        stands = _resolved(clock.finished_at, clock)._replace(judged_by=RENEWED)
        _add(counted, stands, -1)
        _add(counted, stands._replace(verdict=verdict(clock.finished_at, deadline_at)), 1)
    last = clock.overdue[-1:]
    _add_spans(counted, last, RENEWED, -1)
    _add_spans(counted, [span for one in last for span in _renewed(one, clock, deadline_at)], RENEWED, 1)


def _renewed(span: OverdueSpan, clock: Counted, deadline_at: datetime) -> Iterator[OverdueSpan]:
    """Yield what is left of a span by the later deadline; an open one counts once that was missed, too."""
    from_on, to_on = max(_iso(deadline_at), span[0] or ""), span[1]
    if from_on < to_on if to_on is not None else deadline_at in clock.missed_deadlines:
        yield from_on, to_on
