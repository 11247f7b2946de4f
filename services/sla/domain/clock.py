"""The clock of a dossier or a leg as a pure function of its facts: deadline, what is left, who held it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from services.sla.domain.facts import OF_SUSPENSION, CalendarAdopted, ClockRule, Fact, Held, Reappointed, order
from services.sla.domain.reading import Moot, Reading, Suspension
from shared.worktime import Calendar, Deadline, Limit, Span, Unit, day_end, due_at, local_date, working_minutes

NEAR_BREACH_SHARE = Fraction(1, 4)
_NO_RULE = ClockRule(limit=Limit(amount=Decimal(1), unit=Unit.WORKING_DAYS))
MINUTE = timedelta(minutes=1)


class NearBreach(NamedTuple):
    """When little is left: *share* of the limit, or *working_days* before the deadline (0: only the share)."""

    share: Fraction = NEAR_BREACH_SHARE
    working_days: int = 0


class Status(StrEnum):
    """What a clock does."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    FINISHED = "finished"


class Verdict(StrEnum):
    """How processing ended, measured by the deadline."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Holding:
    """A stretch in one agency's hands (None: the applicant's, or nobody's).

    *minutes* are working minutes while the clock ran, *suspended_minutes* while it stood.
    """

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
    holder_agency_code: str | None
    """Who holds the dossier now, or held it last; None: nobody known, or the applicant."""
    ending: str = ""
    """How processing ended (``story.Ending``), once it has."""
    reappointed: Reappointed | None = None
    """With the instant that was promised as the law has moved it since."""
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    """From an end of processing to the reopening after it: no deadline is missed meanwhile."""
    adopted: tuple[CalendarAdopted, ...] = ()
    """Versions of the calendar that came into use while the clock ran, in their order."""

    @property
    def promised_deadline_at(self) -> datetime:
        """What the applicant is promised: the deadline by law, or after it the one that an apology promised."""
        standing = self.standing_deadline_at
        return max(standing, self.reappointed.deadline_at) if self.reappointed else standing

    @property
    def since_at(self) -> datetime:
        """Since when the present promise stands."""
        moved = [move.at for move in self.moves[-1:]] + ([self.reappointed.at] if self.reappointed else [])
        return max([self.started_at, *moved])

    @property
    def standing_deadline_at(self) -> datetime:
        """The deadline by law as it was last moved; while suspended, the one before the suspension."""
        return self.moves[-1].to_at if self.moves else self.first_deadline_at

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
    facts = sorted(set(history), key=order)
    reading = Reading()
    for fact in facts:
        reading.take(fact, rule)
    reading.drop_those_ended_before_beginning()
    if reading.started_at is None:
        return None
    as_of = max(now, facts[-1].at)
    return _state(reading, reading.started_at, rule, calendar, as_of)


def holder_of(history: Iterable[Fact]) -> str | None:
    """Return who holds the dossier by *history*, as `evaluate` does, without counting anything."""
    reading = Reading()
    for fact in sorted((fact for fact in history if not isinstance(fact, OF_SUSPENSION)), key=order):
        reading.take(fact, _NO_RULE)
    return reading.held[-1].agency_code if reading.held else None


def basis(started_at: datetime, suspensions: Iterable[Suspension], now: datetime) -> tuple[datetime, list[Span]]:
    """Return from when the limit counts (its last restart), and the spans that do not; an open one ends *now*.

    What lasted less than a minute (a leg that is over at once) is no span: it would cost the rest of a day.
    """
    ended = [(s, max(s.from_at, s.to_at or now)) for s in suspensions]
    restarts = [to_at for s, to_at in ended if s.ground.restarts]
    excluded = [(s, to_at) for s, to_at in ended if not s.ground.restarts]
    lasting = [(a, b) for a, b in merged((s.from_at, to_at) for s, to_at in excluded) if b - a >= MINUTE]
    spans = [
        Span(s.from_at, to_at, s.ground.citation, s.ground.name, s.ground.name_en)
        for s, to_at in excluded
        if any(a <= s.from_at and to_at <= b for a, b in lasting)
    ]
    return max([started_at, *restarts]), spans


def is_missed(history: Iterable[Fact], rule: ClockRule, calendar: Calendar, deadline_at: datetime) -> bool:
    """Say whether by *history* the clock ran past *deadline_at* while that was its deadline."""
    known = [fact for fact in history if fact.at <= deadline_at]
    state = evaluate(known, rule, calendar, deadline_at)
    if state is None or state.status is not Status.RUNNING:
        return False
    return deadline_at in {state.standing_deadline_at, state.promised_deadline_at}


def verdict(finished_at: datetime, deadline_at: datetime) -> Verdict:
    """Judge the end of processing: early on a local date before the deadline's, late after the deadline.

    Source: rules.md §4 (form 06).
    """
    if finished_at > deadline_at:
        return Verdict.LATE
    return Verdict.EARLY if local_date(finished_at) < local_date(deadline_at) else Verdict.ON_TIME


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


def lasts_until(suspension: Suspension, days: int) -> datetime:
    """Return the instant after which an open suspension is asked about: by its ground, else after *days*."""
    return suspension.from_at + timedelta(days=suspension.ground.longest_days or days)


def apology_day(deadline_at: datetime, calendar: Calendar) -> date:
    """Return the last day on which an apology is in time: the last working day before the deadline's.

    Source: rules.md §1.8 (decree 61/2018/NĐ-CP, art. 19; "1 day before" by practice).
    """
    return calendar.last_working_day_before(local_date(deadline_at))


def apology_key(deadline_at: datetime) -> str:
    """Return under which key it is kept that an apology for this deadline was issued."""
    return deadline_at.astimezone(UTC).isoformat()


def is_apology_in_time(at: datetime, deadline_at: datetime, calendar: Calendar) -> bool:
    """Say whether an apology issued *at* is in time."""
    return local_date(at) <= apology_day(deadline_at, calendar)


def warn_at(deadline_at: datetime, limit: Limit, calendar: Calendar, near: NearBreach, since_at: datetime) -> datetime:
    """Return the instant (UTC) of the warning before *deadline_at*, which stands since *since_at*.

    By share or by working days, the earlier; and while an apology can still be in time, unless the deadline is so
    short that this morning was over before it began.
    """
    found = [near_breach_at(deadline_at, limit, calendar, near.share)]
    if near.working_days:
        minutes = near.working_days * calendar.minutes_on(local_date(deadline_at))
        found.append(calendar.instant(max(0, calendar.position(deadline_at) - minutes)))
    morning = calendar.open_of_day(apology_day(deadline_at, calendar))
    return min([*found, morning] if morning > since_at else found)


def _state(reading: Reading, started_at: datetime, rule: ClockRule, calendar: Calendar, as_of: datetime) -> ClockState:
    suspensions = tuple(reading.suspensions.values())
    judged = _Judged(started_at, reading.finished_at or as_of, rule, calendar)
    is_open = reading.finished_at is None and any(s.to_at is None for s in suspensions)
    deadline, left_from = judged.last_deadline(suspensions, is_open=is_open)
    first, holdings = judged.deadline([]), judged.holdings(reading.held, suspensions)
    moves = judged.moves(suspensions, first)
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
        moves=moves,
        moot=tuple(reading.moot),
        holder_agency_code=reading.held[-1].agency_code if reading.held else None,
        ending=reading.ending,
        reappointed=judged.promise(reading.reappointed, suspensions, moves[-1].to_at if moves else first.due_at),
        gaps=tuple(reading.gaps),
        adopted=tuple(reading.adopted),
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
        starts_at, spans = basis(self.started_at, suspensions, self.ends_at)
        return due_at(starts_at, self.rule.limit, self.calendar, spans, from_moment=self.rule.from_moment)

    def last_deadline(self, suspensions: Sequence[Suspension], *, is_open: bool) -> tuple[Deadline, datetime]:
        """Return the deadline and from when the rest is measured: while suspended, as if it were not."""
        if not is_open:
            return self.deadline(suspensions), self.ends_at
        begun_at = max(self.started_at, min(s.from_at for s in suspensions if s.to_at is None))
        cut = [replace(s, to_at=s.to_at or s.from_at) for s in suspensions]
        return self.deadline(cut), begun_at

    def promise(
        self, given: Reappointed | None, suspensions: Sequence[Suspension], standing: datetime
    ) -> Reappointed | None:
        """Return the re-appointment as the law has moved it: by spans that began before it, and to a working day.

        A span that began before the deadline by law, *standing*, moved that one, and the promise no further. As for the
        deadline: by the working minutes of the span and of the rest of its last day, to the close of the day reached.
        """
        if given is None:
            return None
        calendar, promised = self.calendar, self.calendar.close_from(local_date(given.deadline_at))
        ended = ((s.from_at, s.to_at) for s in suspensions if s.to_at)
        for from_at, to_at in merged((a, day_end(b)) for a, b in ended if b - a >= MINUTE):
            if max(given.at, standing) <= from_at < promised:
                minutes = working_minutes(from_at, to_at, calendar)
                promised = calendar.close_at(calendar.position(promised) + minutes)
        return replace(given, deadline_at=promised)

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
        spans = merged([(s.from_at, s.to_at or self.ends_at) for s in suspensions])
        return tuple(
            self._holding(code, (at, end), spans) for (at, code), end in zip(stretches, ends, strict=True) if at < end
        )

    def _holding(
        self, code: str | None, stretch: tuple[datetime, datetime], spans: Sequence[tuple[datetime, datetime]]
    ) -> Holding:
        starts_at, ends_at = stretch
        total = working_minutes(starts_at, ends_at, self.calendar)
        stood = stood_minutes(stretch, spans, self.calendar)
        return Holding(code, starts_at, ends_at, total - stood, stood)


def _end_of(suspension: Suspension) -> datetime:
    return suspension.to_at or suspension.from_at


def _is_inside(at: datetime, suspensions: Iterable[Suspension]) -> bool:
    return any(s.from_at <= at and (s.to_at is None or at < s.to_at) for s in suspensions)


def stood_minutes(
    stretch: tuple[datetime, datetime], spans: Iterable[tuple[datetime, datetime]], calendar: Calendar
) -> int:
    """Return the working minutes of *stretch* that lie in *spans*, which do not touch (``merged``)."""
    overlaps = [(max(stretch[0], a), min(stretch[1], b)) for a, b in spans]
    return sum(working_minutes(a, b, calendar) for a, b in overlaps if a < b)


def merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return what *spans* cover as spans that do not touch, in order."""
    found: list[tuple[datetime, datetime]] = []
    for starts_at, ends_at in sorted(spans):
        if found and starts_at <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends_at))
        else:
            found.append((starts_at, ends_at))
    return found
