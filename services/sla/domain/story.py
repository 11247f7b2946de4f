"""From what was noted of the timeline, one row an event, to the facts a clock is a function of."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from services.sla.domain.facts import (
    OF_HOLDING,
    CalendarAdopted,
    Fact,
    Finished,
    Held,
    LegClosed,
    LegOpened,
    Reappointed,
    Reopened,
    Started,
    SuspensionBegan,
    SuspensionEnded,
)


class Kind(StrEnum):
    """What a noted event means to a clock."""

    STARTED = "started"
    LEG_OFFERED = "leg_offered"
    LEG_ENDED = "leg_ended"
    SUSPENSION_BEGAN = "suspension_began"
    SUSPENSION_ENDED = "suspension_ended"
    FINISHED = "finished"
    REOPENED = "reopened"
    APOLOGISED = "apologised"
    """With another instant, promised once, or without."""
    CALENDAR_ADOPTED = "calendar_adopted"
    SUPPLEMENT_ASKED = "supplement_asked"
    """Before there was a clock to stop."""
    PAID = "paid"


class Ending(StrEnum):
    """How processing ended."""

    GRANTED = "granted"
    NOT_GRANTED = "not_granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class Opening(StrEnum):
    """What opened a suspension."""

    OFFICER = "officer"
    SUPPLEMENT = "supplement"
    LEG = "leg"


_NUMBERS_AFTER: Mapping[Opening, int] = {Opening.OFFICER: 0, Opening.SUPPLEMENT: 10_000, Opening.LEG: 20_000}


def suspension_no(opening: Opening, number: int) -> int:
    """Return the number of the suspension that the officer's nth decision, a request or a leg opened.

    It follows from its cause, not from the order of arrival: an officer's are 1, 2 …, that of supplement
    request 1 is 10001, that of leg 5 is 20005.
    """
    return _NUMBERS_AFTER[opening] + number


def opening_of(no: int) -> Opening:
    """Return what opened suspension *no*."""
    return max((opening for opening, after in _NUMBERS_AFTER.items() if no > after), key=_NUMBERS_AFTER.__getitem__)


class Noted(Protocol):
    """One event as it was noted; *no* is the leg's or the suspension's number."""

    @property
    def source(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def no(self) -> int | None: ...
    @property
    def data(self) -> dict[str, Any]: ...


class Kept(NamedTuple):
    """One event as it is stored: a row of ``fact``, before it is written and after it was read."""

    dossier_id: UUID
    source: str
    seq: int
    at: datetime
    kind: str
    no: int | None
    data: dict[str, Any]


def facts_of(noted: Iterable[Noted]) -> list[Fact]:
    """Return the facts that *noted* amounts to, in no particular order."""
    rows = list(noted)
    excluded = {row.no for row in rows if row.kind == Kind.LEG_OFFERED and row.data.get("ground")}
    return [fact for row in rows for fact in _READERS[row.kind](row, row.no in excluded)]


def seen_until(facts: Iterable[Fact]) -> datetime:
    """Return the instant of the last of *facts* about the clock itself; ValueError without one."""
    return max(fact.at for fact in facts if not isinstance(fact, OF_HOLDING))


def n_changes(facts: Iterable[Fact]) -> int:
    """Return how many of *facts* concern the clock itself: the version of a clock, whatever the order of arrival."""
    return sum(not isinstance(fact, OF_HOLDING) for fact in facts)


def n_supplements(noted: Iterable[Noted]) -> int:
    """Return how often the applicant was asked for a supplement, on reception or in process."""
    return sum(row.kind == Kind.SUPPLEMENT_ASKED or _is_supplement(row) for row in noted)


def _is_supplement(row: Noted) -> bool:
    return row.kind == Kind.SUSPENSION_BEGAN and opening_of(row.no or 0) is Opening.SUPPLEMENT


def _started(row: Noted, _: bool) -> Iterable[Fact]:
    place = (row.source, row.seq)
    return Started(row.at, place), Held(row.at, row.data["receiving_unit_code"], place)


def _leg_offered(row: Noted, is_excluded: bool) -> Iterable[Fact]:
    place, leg_no = (row.source, row.seq), row.no or 0
    yield LegOpened(row.at, leg_no, row.data.get("agency_code"), is_excluded, place)
    if is_excluded:
        yield SuspensionBegan(row.at, suspension_no(Opening.LEG, leg_no), row.data["ground"], place)


def _leg_ended(row: Noted, is_excluded: bool) -> Iterable[Fact]:
    place, leg_no = (row.source, row.seq), row.no or 0
    yield LegClosed(row.at, leg_no, place)
    if is_excluded:
        yield SuspensionEnded(row.at, suspension_no(Opening.LEG, leg_no), place)


def _suspension_began(row: Noted, _: bool) -> Iterable[Fact]:
    return (SuspensionBegan(row.at, row.no or 0, row.data["ground"], (row.source, row.seq)),)


def _suspension_ended(row: Noted, _: bool) -> Iterable[Fact]:
    return (SuspensionEnded(row.at, row.no or 0, (row.source, row.seq)),)


def _finished(row: Noted, _: bool) -> Iterable[Fact]:
    return (Finished(row.at, (row.source, row.seq), row.data.get("ending", Ending.GRANTED)),)


def _reopened(row: Noted, _: bool) -> Iterable[Fact]:
    return (Reopened(row.at, (row.source, row.seq)),)


def _apologised(row: Noted, _: bool) -> Iterable[Fact]:
    promised = row.data.get("new_deadline_at")
    return (Reappointed(row.at, datetime.fromisoformat(promised), (row.source, row.seq)),) if promised else ()


def _nothing(_: Noted, __: bool) -> Iterable[Fact]:
    return ()


def _calendar_adopted(row: Noted, _: bool) -> Iterable[Fact]:
    data = row.data
    return (CalendarAdopted(row.at, data["version"], data.get("document", ""), (row.source, row.seq)),)


_READERS: Mapping[str, Callable[[Noted, bool], Iterable[Fact]]] = {
    Kind.STARTED: _started,
    Kind.LEG_OFFERED: _leg_offered,
    Kind.LEG_ENDED: _leg_ended,
    Kind.SUSPENSION_BEGAN: _suspension_began,
    Kind.SUSPENSION_ENDED: _suspension_ended,
    Kind.FINISHED: _finished,
    Kind.REOPENED: _reopened,
    Kind.APOLOGISED: _apologised,
    Kind.CALENDAR_ADOPTED: _calendar_adopted,
    Kind.SUPPLEMENT_ASKED: _nothing,
    Kind.PAID: _nothing,
}
