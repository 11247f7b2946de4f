"""Time limits and their deadlines: what counts from when, what is excluded, how the end is rounded."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.worktime.calendar import Calendar, day_end, instant_at, local_date, local_minute


class Unit(StrEnum):
    """What a time limit is counted in."""

    WORKING_DAYS = "working_days"
    WORKING_HOURS = "working_hours"
    CALENDAR_DAYS = "calendar_days"
    HOURS = "hours"


PARTS = 10_000
_DAY_UNITS = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)


class Limit(BaseModel):
    """An amount (up to four decimals) of a unit; 0 days means the same day, 0 hours is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[Decimal, Field(ge=0, le=36_500, decimal_places=4)]
    unit: Unit

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if not self.amount and self.unit not in _DAY_UNITS:
            raise ValueError("a limit of no hours is over before it begins; no days means the same day")
        return self

    @cached_property
    def whole(self) -> int:
        """The amount as an integer if it is one and not 0, else 0."""
        return int(self.amount) if self.amount == int(self.amount) else 0

    @cached_property
    def parts(self) -> int:
        """The amount in parts of 1/10,000."""
        return int(self.amount * PARTS)


class Span(NamedTuple):
    """Time that does not count, from *start_at* up to *end_at*, and the law and ground that say so."""

    start_at: datetime
    end_at: datetime
    citation: str = ""
    name: str = ""
    name_en: str = ""


class Deadline(NamedTuple):
    """*due_at* is promised; *unrounded_at* is when the time itself is used up (both UTC)."""

    due_at: datetime
    unrounded_at: datetime
    provisional: bool


class Measure(Protocol):
    """Time as one increasing number: working minutes (a Calendar) or the minutes of the clock (Around)."""

    def position(self, instant: datetime) -> int: ...
    def instant(self, position: int) -> datetime: ...


class Around:
    """The measure in which nights and weekends count, within the coverage of *calendar*."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def position(self, instant: datetime) -> int:
        """Return local minutes since 1970."""
        self._calendar.position(instant)
        return local_minute(instant)

    def instant(self, position: int) -> datetime:
        """Return the instant of local minute *position*; CalendarGap outside the coverage."""
        instant = instant_at(position)
        self._calendar.position(instant)
        return instant


class Bounds(NamedTuple):
    """Positions between which a limit runs if nothing is excluded."""

    starts: int
    ends: int


class Counting(NamedTuple):
    """One way to count: the measure, the bounds, the rounding; *by_day*: first days do not count."""

    measure: Callable[[Calendar], Measure]
    bounds: Callable[[datetime, Limit, Calendar], Bounds]
    rounded: Callable[[int, Calendar], datetime]
    by_day: bool


class Count(NamedTuple):
    """A limit counted out, in positions: *bounds* include what was *excluded*."""

    counting: Counting
    measure: Measure
    bounds: Bounds
    excluded: Sequence[tuple[int, int]]
    due_at: datetime


def due_at(
    received_at: datetime,
    limit: Limit,
    calendar: Calendar,
    excluded: Sequence[Span] = (),
    *,
    from_moment: bool = False,
) -> Deadline:
    """Return the deadline of *limit* for what was received at *received_at*, not counting *excluded*.

    All instants are aware; seconds are dropped (form 01 states hh:mm). Raises CalendarGap if a day outside
    the calendar is needed, NaiveInstant, ValueError for a span that ends before it begins.

    - ``working_days``, whole: the reception day does not count, due at the close of working day N after it.
      A part of a day is that part of its own working minutes (half of 450 is 225) and the end stays there:
      1.5 days received on Monday end on Wednesday 11:15. 0 is "within the day", in which first days do count:
      the close of the reception day, or of the next working day if it came after 15:00 or on no working day.
    - ``calendar_days``: end at 24:00 of day N after the reception day (a part counts as a day), shown as the
      close of office hours; a last day that is off rolls to the next working day. 0 as above.
    - ``working_hours``: from the moment, only office hours. ``hours``: from the moment, round the clock, also
      over days off: art. 148(5) rolls the last day of a term in days, and a term in hours has none.
    - *from_moment* (route steps): working days are counted from the moment, in parts of each day's minutes,
      without rounding: 0.5 from 9:00 ends at 14:45 (90 + 225 = 315 minutes into the day).

    An excluded span takes its time (working minutes; for calendar units, minutes) out of the limit;
    overlapping spans merge, and the end is rounded once, after all of them. In limits of days, counting
    begins again the day after the span ended: the rest of that first day belongs to the span. A span that
    begins after the deadline changes nothing; one that begins on the last day, when the time is used up but
    the deadline not reached, moves the deadline to the working day after its first day. What is due within
    the day is due as if received when the span ended.

    Example, 2 working days received Mon 9:00, excluded Wed 10:00 – Thu 14:00. Without the span: Wed 17:00.
    The span is Wed 10:00–17:00 (90 + 210 = 300 min) and all of Thu (450), for Thu is the first day after it:
    750 min after Wed 17:00 is Fri 14:30, so it is due on Fri 17:00. Told the other way: Tue (450) and Wed
    until 10:00 (150) had counted, 300 of 900 min were left for Fri. Source: Civil Code 91/2015/QH13, arts
    147-148.
    """
    if limit.whole and not excluded and limit.unit is Unit.WORKING_DAYS and not from_moment:
        close = calendar.nth_close(calendar.n_working_days_to(received_at) + limit.whole - 1)
        return Deadline(close, close, calendar.is_provisional(close))
    count = count_out(received_at, limit, calendar, excluded, from_moment=from_moment)
    unrounded_at = count.measure.instant(count.bounds.ends)
    return Deadline(count.due_at, unrounded_at, calendar.is_provisional(count.due_at))


def count_out(
    received_at: datetime,
    limit: Limit,
    calendar: Calendar,
    excluded: Sequence[Span] = (),
    *,
    from_moment: bool = False,
) -> Count:
    """Return how *limit* is counted, as `due_at` describes, in positions of its measure."""
    counting = _counting(limit, from_moment=from_moment)
    if not limit.amount:
        received_at, excluded = _resumed(received_at, excluded, calendar), ()
    measure = counting.measure(calendar)
    starts, ends = counting.bounds(received_at, limit, calendar)
    stretches: list[tuple[int, int]] = []
    due = counting.rounded(ends, calendar)
    for span_begins, until in _stretches(excluded, counting, measure, received_at, starts):
        if span_begins >= measure.position(due):
            break
        begins = min(span_begins, ends - 1)  # in the rounded hours: the last minute is left for the day after
        stretches.append((begins, until))
        ends += until - begins
        due = counting.rounded(ends, calendar)
    return Count(counting, measure, Bounds(starts, ends), stretches, due)


def _stretches(
    spans: Iterable[Span], counting: Counting, measure: Measure, received_at: datetime, starts: int
) -> list[tuple[int, int]]:
    """Return *spans* after *starts*, merged, in positions; by day, each lasts to the end of its last day."""
    merged: list[tuple[int, int]] = []
    for begins, until in sorted(_positions(spans, counting, measure, received_at)):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        elif until > starts:
            merged.append((max(begins, starts), until))
    return merged


def _positions(
    spans: Iterable[Span], counting: Counting, measure: Measure, received_at: datetime
) -> Iterable[tuple[int, int]]:
    for span in map(_in_order, spans):
        if span.start_at < span.end_at and span.end_at > received_at:
            ends = day_end(span.end_at) if counting.by_day else span.end_at
            yield measure.position(max(span.start_at, received_at)), measure.position(ends)


def _in_order(span: Span) -> Span:
    if span.end_at < span.start_at:
        raise ValueError(f"a span must not end before it begins: {span.start_at} – {span.end_at}")
    return span


# How each unit is bounded


def _whole_working_days(received_at: datetime, limit: Limit, calendar: Calendar) -> Bounds:
    n_before = calendar.n_working_days_to(received_at)
    ends = calendar.position(calendar.nth_close(n_before + limit.whole - 1))
    return Bounds(calendar.position(day_end(received_at)), ends)


def _parts_of_working_days(received_at: datetime, limit: Limit, calendar: Calendar) -> Bounds:
    ends = calendar.position_after(calendar.n_working_days_to(received_at), limit.parts, PARTS)
    return Bounds(calendar.position(day_end(received_at)), ends)


def _working_days_from_moment(received_at: datetime, limit: Limit, calendar: Calendar) -> Bounds:
    starts = calendar.position(received_at)
    return Bounds(starts, calendar.position_later(starts, limit.parts, PARTS))


def _within_working_day(received_at: datetime, _limit: Limit, calendar: Calendar) -> Bounds:
    return Bounds(calendar.position(received_at), calendar.position(_close_of_reception(received_at, calendar)))


def _within_calendar_day(received_at: datetime, _limit: Limit, calendar: Calendar) -> Bounds:
    return Bounds(local_minute(received_at), local_minute(day_end(_close_of_reception(received_at, calendar))))


def _working_hours(received_at: datetime, limit: Limit, calendar: Calendar) -> Bounds:
    starts = calendar.position(received_at)
    return Bounds(starts, starts + _rounded_up(limit, 60))


def _calendar_days(received_at: datetime, limit: Limit, _calendar: Calendar) -> Bounds:
    starts = local_minute(day_end(received_at))
    return Bounds(starts, starts + 1440 * _rounded_up(limit, 1))


def _hours(received_at: datetime, limit: Limit, _calendar: Calendar) -> Bounds:
    starts = local_minute(received_at)
    return Bounds(starts, starts + _rounded_up(limit, 60))


def _rounded_up(limit: Limit, times: int) -> int:
    return -(-limit.parts * times // PARTS)


def _resumed(received_at: datetime, spans: Iterable[Span], calendar: Calendar) -> datetime:
    """Return when what is due within the day is taken up again: after the last span begun before it was due."""
    for span in sorted(map(_in_order, spans)):
        begins = max(span.start_at, received_at)
        if begins < span.end_at and begins < _close_of_reception(received_at, calendar):
            received_at = span.end_at
    return received_at


def _close_of_reception(received_at: datetime, calendar: Calendar) -> datetime:
    if calendar.closes_same_day(received_at):
        return calendar.close_of_day(local_date(received_at))
    return calendar.nth_close(calendar.n_working_days_to(received_at))


# How each unit is rounded


def _to_the_minute(position: int, calendar: Calendar) -> datetime:
    return calendar.instant(position)


def _to_close(position: int, calendar: Calendar) -> datetime:
    return calendar.close_at(position)


def _to_close_of_last_day(position: int, calendar: Calendar) -> datetime:
    return calendar.close_from(local_date(instant_at(position - 1)))


def _to_the_minute_of_the_clock(position: int, _calendar: Calendar) -> datetime:
    return instant_at(position)


def _working(calendar: Calendar) -> Measure:
    return calendar


_COUNTING: dict[tuple[Unit, str], Counting] = {
    (Unit.WORKING_DAYS, "whole"): Counting(_working, _whole_working_days, _to_close, by_day=True),
    (Unit.WORKING_DAYS, "part"): Counting(_working, _parts_of_working_days, _to_the_minute, by_day=True),
    (Unit.WORKING_DAYS, "none"): Counting(_working, _within_working_day, _to_close, by_day=False),
    (Unit.WORKING_DAYS, "from_moment"): Counting(_working, _working_days_from_moment, _to_the_minute, by_day=False),
    (Unit.CALENDAR_DAYS, "whole"): Counting(Around, _calendar_days, _to_close_of_last_day, by_day=True),
    (Unit.CALENDAR_DAYS, "part"): Counting(Around, _calendar_days, _to_close_of_last_day, by_day=True),
    (Unit.CALENDAR_DAYS, "none"): Counting(Around, _within_calendar_day, _to_close_of_last_day, by_day=False),
    (Unit.WORKING_HOURS, "whole"): Counting(_working, _working_hours, _to_the_minute, by_day=False),
    (Unit.WORKING_HOURS, "part"): Counting(_working, _working_hours, _to_the_minute, by_day=False),
    (Unit.HOURS, "whole"): Counting(Around, _hours, _to_the_minute_of_the_clock, by_day=False),
    (Unit.HOURS, "part"): Counting(Around, _hours, _to_the_minute_of_the_clock, by_day=False),
}


def _counting(limit: Limit, *, from_moment: bool) -> Counting:
    amount = "none" if not limit.amount else "whole" if limit.whole else "part"
    moment = _COUNTING.get((limit.unit, "from_moment")) if from_moment and limit.amount else None
    return moment or _COUNTING[limit.unit, amount]
