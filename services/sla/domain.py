"""The clock of a dossier or a leg as a pure function of its facts: deadline, what is left, who held it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil

from pydantic import BaseModel, ConfigDict

from shared.worktime import Calendar, Deadline, Limit, Span, Unit, due_at, local_date, working_minutes


class Ground(BaseModel):
    """A row of the closed list of lawful suspensions, in force from *valid_from* to *valid_to* (included).

    *restarts*: the limit begins anew when the suspension ends (a supplement); otherwise its span is excluded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    valid_from: date
    valid_to: date | None = None
    citation: str
    restarts: bool = False
    name: str = ""
    name_en: str = ""

    def is_in_force(self, on: date) -> bool:
        """Whether the ground may be used on *on*."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class ClockRule(BaseModel):
    """What a clock runs by, fixed when it starts; *from_moment* for legs (see ``shared.worktime.due_at``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit
    from_moment: bool = False
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The clock began to run *at* (aware); facts may arrive in any order."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """The dossier came into the hands of *agency_code*."""

    at: datetime
    agency_code: str


@dataclass(frozen=True, slots=True)
class SuspensionBegan:
    """Suspension *no* of this clock began on the ground *ground_code*."""

    at: datetime
    no: int
    ground_code: str


@dataclass(frozen=True, slots=True)
class SuspensionEnded:
    """Suspension *no* ended."""

    at: datetime
    no: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Processing ended."""

    at: datetime


Fact = Started | Held | SuspensionBegan | SuspensionEnded | Finished
_ORDER = (Started, Held, SuspensionBegan, SuspensionEnded, Finished)


class Status(StrEnum):
    """What a clock does."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    FINISHED = "finished"


class MootReason(StrEnum):
    """Why a fact has no effect."""

    ALREADY_STARTED = "already_started"
    AFTER_FINISH = "after_finish"
    BEFORE_START = "before_start"
    ALREADY_BEGUN = "already_begun"
    ALREADY_ENDED = "already_ended"
    ENDED_BEFORE_BEGINNING = "ended_before_beginning"
    NO_SUCH_SUSPENSION = "no_such_suspension"
    NO_GROUND_IN_FORCE = "no_ground_in_force"


@dataclass(frozen=True, slots=True)
class Moot:
    """A fact that is kept but changes nothing."""

    fact: Fact
    reason: MootReason


@dataclass(frozen=True, slots=True)
class Suspension:
    """A span in which the clock lawfully stands still; *to_at* is None while it is open."""

    no: int
    ground: Ground
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A stretch in one agency's hands (None: nobody's): working minutes while the clock ran, and stood."""

    agency_code: str | None
    from_at: datetime
    to_at: datetime
    minutes: int
    suspended_minutes: int


@dataclass(frozen=True, slots=True)
class Move:
    """The deadline moved by law when the suspension *suspension_no* ended."""

    at: datetime
    suspension_no: int
    ground_code: str
    citation: str
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class ClockState:
    """A clock at one instant; minutes are working minutes of its calendar.

    *deadline_at* is None while suspended. *elapsed_minutes* are those in which the clock ran, the sum over
    *holdings*. *remaining_minutes* lead to the deadline, negative once passed; while suspended they are what
    was left when the suspension began (a full limit, if it restarts).
    """

    status: Status
    started_at: datetime
    finished_at: datetime | None
    deadline_at: datetime | None
    first_deadline_at: datetime
    is_provisional: bool
    elapsed_minutes: int
    remaining_minutes: int
    holdings: tuple[Holding, ...]
    suspensions: tuple[Suspension, ...]
    moves: tuple[Move, ...]
    moot: tuple[Moot, ...]

    @property
    def holder_agency_code(self) -> str | None:
        """The agency that holds the dossier now, or held it last."""
        return self.holdings[-1].agency_code if self.holdings else None

    @property
    def minutes_by_holder(self) -> dict[str | None, int]:
        """Running minutes by agency; their sum is *elapsed_minutes*."""
        totals: dict[str | None, int] = {}
        for holding in self.holdings:
            totals[holding.agency_code] = totals.get(holding.agency_code, 0) + holding.minutes
        return totals


def evaluate(history: Iterable[Fact], rule: ClockRule, calendar: Calendar, now: datetime) -> ClockState | None:
    """Return the clock at *now*, or None if it has not started.

    Total over any set of facts in any order; one overtaken by another is listed as moot. A *now* before the
    last fact (a clock set back) counts as that fact's instant. Raises CalendarGap where the calendar ends.
    """
    facts = sorted(set(history), key=_order)
    reading = _Reading()
    for fact in facts:
        reading.take(fact, rule)
    reading.drop_those_ended_before_beginning()
    if reading.started_at is None:
        return None
    as_of = max(now, facts[-1].at)
    return _state(reading, reading.started_at, rule, calendar, as_of)


def near_breach_at(deadline_at: datetime, limit: Limit, calendar: Calendar, share: Fraction) -> datetime:
    """Return the instant (UTC) from which only *share* (0 to 1) of *limit* is left before *deadline_at*.

    In working units by office hours, a day being as long as that of the deadline; else by the clock.
    """
    if limit.unit in (Unit.CALENDAR_DAYS, Unit.HOURS):
        hours = limit.amount * (24 if limit.unit is Unit.CALENDAR_DAYS else 1)
        return deadline_at - timedelta(minutes=ceil(Fraction(hours) * 60 * share))
    of_one = 60 if limit.unit is Unit.WORKING_HOURS else calendar.minutes_on(local_date(deadline_at))
    left = ceil(Fraction(limit.amount) * of_one * share)
    return calendar.instant(max(0, calendar.position(deadline_at) - left))


def _order(fact: Fact) -> tuple[datetime, int, str]:
    return fact.at, _ORDER.index(type(fact)), repr(fact)


@dataclass(slots=True)
class _Reading:
    """Facts read in the order of their time: what each does to the clock, and which do nothing."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    held: list[Held] = field(default_factory=list)
    suspensions: dict[int, Suspension] = field(default_factory=dict)
    moot: list[Moot] = field(default_factory=list)

    def take(self, fact: Fact, rule: ClockRule) -> None:
        reason = MootReason.AFTER_FINISH if self.finished_at else self._read(fact, rule)
        if reason:
            self.moot.append(Moot(fact, reason))

    def drop_those_ended_before_beginning(self) -> None:
        """Drop what is open though its end is known, with an earlier time: empty rather than endless."""
        for number, moot in enumerate(self.moot):
            match moot:
                case Moot(SuspensionEnded(no=no), MootReason.NO_SUCH_SUSPENSION) if no in self.suspensions:
                    self.moot[number] = Moot(moot.fact, MootReason.ENDED_BEFORE_BEGINNING)
                    if self.suspensions[no].to_at is None:
                        del self.suspensions[no]

    def _read(self, fact: Fact, rule: ClockRule) -> MootReason | None:
        match fact:
            case Started():
                return self._start(fact)
            case Held():
                self.held.append(fact)
                return None
            case SuspensionBegan():
                return self._begin(fact, rule)
            case SuspensionEnded():
                return self._end(fact)
            case Finished():
                return self._finish(fact)

    def _start(self, fact: Started) -> MootReason | None:
        if self.started_at:
            return MootReason.ALREADY_STARTED
        self.started_at = fact.at
        return None

    def _begin(self, fact: SuspensionBegan, rule: ClockRule) -> MootReason | None:
        on = local_date(fact.at)
        ground = next((g for g in rule.grounds if g.code == fact.ground_code and g.is_in_force(on)), None)
        if fact.no in self.suspensions:
            return MootReason.ALREADY_BEGUN
        if ground is None:
            return MootReason.NO_GROUND_IN_FORCE
        self.suspensions[fact.no] = Suspension(fact.no, ground, fact.at, None)
        return None

    def _end(self, fact: SuspensionEnded) -> MootReason | None:
        suspension = self.suspensions.get(fact.no)
        if suspension is None:
            return MootReason.NO_SUCH_SUSPENSION
        if suspension.to_at:
            return MootReason.ALREADY_ENDED
        self.suspensions[fact.no] = replace(suspension, to_at=fact.at)
        return None

    def _finish(self, fact: Finished) -> MootReason | None:
        if self.started_at is None:
            return MootReason.BEFORE_START
        self.finished_at = fact.at
        return None


def _state(reading: _Reading, started_at: datetime, rule: ClockRule, calendar: Calendar, as_of: datetime) -> ClockState:
    suspensions = tuple(reading.suspensions.values())
    judged = _Judged(started_at, reading.finished_at or as_of, rule, calendar)
    is_open = reading.finished_at is None and any(s.to_at is None for s in suspensions)
    deadline, left_from = judged.last_deadline(suspensions, is_open=is_open)
    first, holdings = judged.deadline([]), judged.holdings(reading.held, suspensions)
    return ClockState(
        status=_status(reading.finished_at, is_open=is_open),
        started_at=started_at,
        finished_at=reading.finished_at,
        deadline_at=None if is_open else deadline.due_at,
        first_deadline_at=first.due_at,
        is_provisional=deadline.provisional,
        elapsed_minutes=sum(holding.minutes for holding in holdings),
        remaining_minutes=working_minutes(left_from, deadline.due_at, calendar),
        holdings=holdings,
        suspensions=suspensions,
        moves=judged.moves(suspensions, first),
        moot=tuple(reading.moot),
    )


def _status(finished_at: datetime | None, *, is_open: bool) -> Status:
    if finished_at:
        return Status.FINISHED
    return Status.SUSPENDED if is_open else Status.RUNNING


@dataclass(frozen=True, slots=True)
class _Judged:
    """A clock from *started_at* to *ends_at* (finished, or now), by its rule and calendar."""

    started_at: datetime
    ends_at: datetime
    rule: ClockRule
    calendar: Calendar

    def deadline(self, suspensions: Sequence[Suspension]) -> Deadline:
        """Return the deadline after *suspensions*; one that is open is taken to end now."""
        ends = {s.no: s.to_at or self.ends_at for s in suspensions}
        restarts = [ends[s.no] for s in suspensions if s.ground.restarts]
        spans = [Span(s.from_at, ends[s.no], s.ground.citation) for s in suspensions if not s.ground.restarts]
        starts_at = max([self.started_at, *restarts])
        return due_at(starts_at, self.rule.limit, self.calendar, spans, from_moment=self.rule.from_moment)

    def last_deadline(self, suspensions: Sequence[Suspension], *, is_open: bool) -> tuple[Deadline, datetime]:
        """Return the deadline and from when the rest is measured: while suspended, as if it were not."""
        if not is_open:
            return self.deadline(suspensions), self.ends_at
        begun_at = max(self.started_at, min(s.from_at for s in suspensions if s.to_at is None))
        cut = [replace(s, to_at=s.to_at or s.from_at) for s in suspensions]
        return self.deadline(cut), begun_at

    def moves(self, suspensions: Sequence[Suspension], first: Deadline) -> tuple[Move, ...]:
        """Return each change of the deadline at the end of a suspension that left none open."""
        moves: list[Move] = []
        before = first.due_at
        closed = sorted((s for s in suspensions if s.to_at), key=_end_of)
        for n, last in enumerate(closed, start=1):
            at = _end_of(last)
            due = before if _is_inside(at, suspensions) else self.deadline(closed[:n]).due_at
            if due != before:
                moves.append(Move(at, last.no, last.ground.code, last.ground.citation, before, due))
            before = due
        return tuple(moves)

    def holdings(self, held: Sequence[Held], suspensions: Sequence[Suspension]) -> tuple[Holding, ...]:
        """Return who held it when; before the first known holder, nobody."""
        known = [(max(h.at, self.started_at), h.agency_code) for h in held if h.at <= self.ends_at]
        stretches: list[tuple[datetime, str | None]] = [(self.started_at, None), *known]
        ends = [at for at, _ in stretches[1:]] + [self.ends_at]
        spans = _merged([(s.from_at, s.to_at or self.ends_at) for s in suspensions])
        return tuple(
            self._holding(code, (at, end), spans) for (at, code), end in zip(stretches, ends, strict=True) if at < end
        )

    def _holding(
        self, code: str | None, stretch: tuple[datetime, datetime], spans: Sequence[tuple[datetime, datetime]]
    ) -> Holding:
        starts_at, ends_at = stretch
        total = working_minutes(starts_at, ends_at, self.calendar)
        overlaps = [(max(starts_at, a), min(ends_at, b)) for a, b in spans]
        stood = sum(working_minutes(a, b, self.calendar) for a, b in overlaps if a < b)
        return Holding(code, starts_at, ends_at, total - stood, stood)


def _end_of(suspension: Suspension) -> datetime:
    return suspension.to_at or suspension.from_at


def _is_inside(at: datetime, suspensions: Iterable[Suspension]) -> bool:
    return any(s.from_at <= at and (s.to_at is None or at < s.to_at) for s in suspensions)


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for starts_at, ends_at in sorted(spans):
        if merged and starts_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends_at))
        else:
            merged.append((starts_at, ends_at))
    return merged
