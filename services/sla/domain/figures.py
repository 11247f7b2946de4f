"""From sums of entries to the figures of form 06, by unit or field."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from services.sla.domain.clock import Verdict
from services.sla.domain.entries import RENEWED, Measure
from services.sla.domain.report06 import Counts
from services.sla.domain.story import Ending

PENDING = "pending"
"""Received less resolved: what a period begins with."""
UNFINISHED = frozenset({Ending.WITHDRAWN, Ending.STOPPED, Ending.NOT_GRANTED})
"""Ends that a report may count as on time, whenever they came (rules.md §4)."""
ONLINE = frozenset({"online", "assisted"})
NOTHING = Counts()


class Sum(NamedTuple):
    """How many dossiers of one unit or field fall under one kind of entry.

    *measure* is one of ``Measure`` for the period, ``pending`` and ``overdue`` for all that was before it
    (*is_before*).
    """

    code: str
    is_before: bool
    measure: str
    verdict: str
    ending: str
    judged_by: str
    channel: str
    is_saturday: bool
    n: int


class Judging(NamedTuple):
    """How a report judges: by which deadline, and whether what ended without a grant counts as on time."""

    by_renewed: bool = False
    unfinished_as_on_time: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of form 06, and what it does not print: filed online by officers, Saturdays, ends without a grant."""

    counts: Counts = NOTHING
    assisted: int = 0
    saturday_received: int = 0
    saturday_resolved: int = 0
    not_granted: int = 0
    withdrawn: int = 0
    stopped: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        beside = {name: getattr(self, name) + getattr(other, name) for name in BESIDE}
        return Figures(self.counts + other.counts, **beside)


BESIDE = tuple(name for name in Figures.__dataclass_fields__ if name != "counts")
"""What form 06 does not print."""


def figures(sums: Iterable[Sum], judging: Judging) -> dict[str, Figures]:
    """Return the figures by code; codes of which nothing is to be told are absent."""
    found: dict[str, Counter[str]] = {}
    judged_by = {"", RENEWED} if judging.by_renewed else {""}
    for one in sums:
        if one.judged_by in judged_by and one.measure != Measure.PAID:
            places = found.setdefault(one.code, Counter())
            for name in _places(one, judging):
                places[name] += one.n
    made = {code: _figures(places) for code, places in found.items()}
    return {code: row for code, row in made.items() if row != Figures()}


def _places(one: Sum, judging: Judging) -> Iterable[str]:
    """Return the figures that one sum is a part of."""
    if one.is_before:
        return ("overdue" if one.measure == Measure.OVERDUE else "carried_over",)
    if one.measure == Measure.OVERDUE:
        return ("overdue",)
    if one.measure == Measure.RECEIVED:
        column = "online" if one.channel in ONLINE else "counter_post"
        return (column, *(("assisted",) if one.channel == "assisted" else ()), *_on_saturday(one))
    is_on_time = judging.unfinished_as_on_time and one.ending in UNFINISHED
    ended = (one.ending,) if one.ending in UNFINISHED else ()
    return (Verdict.ON_TIME if is_on_time else one.verdict, *ended, *_on_saturday(one))


def _on_saturday(one: Sum) -> tuple[str, ...]:
    return (f"saturday_{one.measure}",) if one.is_saturday else ()


def _figures(n: Counter[str]) -> Figures:
    received = n["online"] + n["counter_post"] + n["carried_over"]
    pending = received - n[Verdict.EARLY] - n[Verdict.ON_TIME] - n[Verdict.LATE]
    counts = Counts(
        online=n["online"],
        counter_post=n["counter_post"],
        carried_over=n["carried_over"],
        early=n[Verdict.EARLY],
        on_time=n[Verdict.ON_TIME],
        late=n[Verdict.LATE],
        in_time=pending - n["overdue"],
        overdue=n["overdue"],
    )
    return Figures(counts, **{name: n[name] for name in BESIDE})
