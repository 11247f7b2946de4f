"""A calendar compiled for arithmetic: working minutes as one growing number, and back, without loops."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from shared.worktime.data import (
    WEEKDAYS,
    CalendarData,
    DayOverride,
    Shifts,
    WeeklyHours,
    minute_of_day,
)

# Viet Nam has kept +07:00 without summer time since 13/6/1975; a test compares it with the zone database.
LOCAL = timezone(timedelta(hours=7))
DAY_MINUTES = 1440
_EPOCH = datetime(1970, 1, 1, tzinfo=LOCAL)
_EPOCH_UTC = _EPOCH.astimezone(UTC)
_EPOCH_DATE = date(1970, 1, 1)


class CalendarGap(LookupError):
    """A day outside the calendar's coverage is needed; no answer is better than a guess."""


class NaiveInstant(ValueError):
    """An instant without an offset was given."""


class DayKind(StrEnum):
    """Why a day has hours or has none."""

    WORKING = "working"
    WORKED = "worked"
    HOLIDAY = "holiday"
    RECEPTION_ONLY = "reception_only"
    WEEKEND = "weekend"


class Day(NamedTuple):
    """What a calendar says of one date; *minutes* are the working minutes."""

    date: date
    kind: DayKind
    minutes: int
    override: DayOverride | None
    citation: str


def local_minute(instant: datetime) -> int:
    """Return whole local minutes since 1970 (form 01 states hh:mm); NaiveInstant without an offset."""
    try:
        passed = instant - _EPOCH
    except TypeError:
        raise NaiveInstant(f"an instant needs an offset: {instant.isoformat()}") from None
    return passed.days * DAY_MINUTES + passed.seconds // 60


def local_date(instant: datetime) -> date:
    """Return the date in Asia/Ho_Chi_Minh."""
    return _EPOCH_DATE + timedelta(local_minute(instant) // DAY_MINUTES)


def instant_at(minute: int) -> datetime:
    """Return the instant (UTC) of a local minute since 1970."""
    return _EPOCH_UTC + timedelta(minutes=minute)


class _Pattern:
    """A day's hours as tables: minutes worked *before* each minute, the minute each amount is *reached*."""

    def __init__(self, shifts: Shifts) -> None:
        ranges = [(minute_of_day(opens), minute_of_day(closes)) for opens, closes in shifts]
        worked = [0] * (DAY_MINUTES + 1)
        for opens, closes in ranges:
            worked[opens + 1 : closes + 1] = [1] * (closes - opens)
        self.before = tuple(accumulate(worked))
        self.minutes = self.before[-1]
        self.opens = ranges[0][0] if ranges else 0
        self.closes = ranges[-1][1] if ranges else 0
        self.reached = (self.opens, *(bisect_left(self.before, n) for n in range(1, self.minutes + 1)))


class Calendar:
    """Working-time arithmetic over one version of a calendar; immutable.

    A *position* is the number of working minutes since the coverage began: it never falls, stands still
    outside office hours, and differences of positions add up exactly. Look-ups are O(1) forwards, O(log
    days) back.
    """

    def __init__(self, data: CalendarData) -> None:
        self.data = data
        self._first = (data.covers_from - _EPOCH_DATE).days
        self._n_days = (data.covers_to - data.covers_from).days + 1
        self._hours, self._reception = (sorted(periods, key=_begins) for periods in (data.hours, data.reception))
        self._overrides = {override.date: override for override in data.overrides}
        dates = [data.covers_from + timedelta(n) for n in range(self._n_days)]
        shifts = [self._shifts(on) for on in dates]
        known = {one: _Pattern(one) for one in set(shifts)}
        patterns = [known[one] for one in shifts]
        self._patterns = [*patterns, _Pattern(())]
        self._before = list(accumulate((p.minutes for p in patterns), initial=0))
        self._n_before = list(accumulate((p.minutes > 0 for p in patterns), initial=0))
        self._working = [n for n, p in enumerate(patterns) if p.minutes]
        self._ends = [self._before[n + 1] for n in self._working]
        self._closes = [self._at(n, patterns[n].closes) for n in self._working]
        starts = data.provisional_from or data.covers_to + timedelta(1)
        self._provisional_at = instant_at((starts - _EPOCH_DATE).days * DAY_MINUTES)

    def __repr__(self) -> str:
        return f"Calendar({self.reference})"

    @property
    def reference(self) -> str:
        """The version as events name it, ``VN@7``."""
        return f"{self.data.code}@{self.data.version}"

    # Dates

    def day(self, on: date) -> Day:
        """Return what the calendar says of *on*."""
        minutes = self.minutes_on(on)
        override = self._overrides.get(on)
        period = _period(self._hours, on)
        kind = self._kind(on, minutes, override)
        reception = _period(self._reception, on) if kind is DayKind.RECEPTION_ONLY else None
        citation = next((x for x in (override and override.document, reception and reception.citation) if x), "")
        return Day(on, kind, minutes, override, citation or (period.citation if period else ""))

    def minutes_on(self, on: date) -> int:
        """Return the working minutes of *on*."""
        return self._patterns[self._index_of(on)].minutes

    def is_working_day(self, on: date) -> bool:
        """Whether *on* counts in limits of working days."""
        return self.minutes_on(on) > 0

    def is_open_for_reception(self, instant: datetime) -> bool:
        """Whether the unit receives at *instant*, in office hours or hours of reception only."""
        index, minute = self._index(instant)
        on = self.date_at(index)
        pattern = self._patterns[index]
        if self.day(on).kind is DayKind.RECEPTION_ONLY:
            pattern = _Pattern(_hours(self._reception, on))
        return minute < DAY_MINUTES and pattern.before[minute + 1] > pattern.before[minute]

    def last_working_day_before(self, on: date) -> date:
        """Return the last working day before *on*."""
        index = self._n_before[self._index_of(on)] - 1
        if index < 0:
            raise self._gap(on - timedelta(1))
        return self.date_at(self._working[index])

    def close_of_day(self, on: date) -> datetime:
        """Return the instant the office closes on *on*; ValueError if it is no working day."""
        if not self.is_working_day(on):
            raise ValueError(f"{on} is not a working day in {self.reference}")
        return self._closes[self._n_before[self._index_of(on)]]

    def open_of_day(self, on: date) -> datetime:
        """Return the instant the office opens on *on*; ValueError if it is no working day."""
        if not self.is_working_day(on):
            raise ValueError(f"{on} is not a working day in {self.reference}")
        index = self._index_of(on)
        return self._at(index, self._patterns[index].opens)

    def close_from(self, on: date) -> datetime:
        """Return the close of *on*, or of the next working day if *on* is none."""
        return self.nth_close(self._n_before[self._index_of(on)])

    def next_working_day_start(self, instant: datetime) -> datetime:
        """Return the opening of the first working day after the day of *instant*."""
        index, _ = self._index(instant)
        day = self._nth(self._n_before[index + 1])
        return self._at(day, self._patterns[day].opens)

    def start_for_forwarding(self, received_at: datetime, *, electronic: bool = False) -> datetime:
        """Return when a dossier goes on to the next agency: the same day, after 15:00 the next working day.

        Electronic dossiers go at once. The hour is the calendar's *forwarding_until*. This moves the first
        hand-off, never the limit. Source: decree 61/2018/NĐ-CP, art. 18.
        """
        if electronic or self.closes_same_day(received_at):
            index, minute = self._index(received_at)
            return received_at if electronic else self._at(index, max(minute, self._patterns[index].opens))
        return self.next_working_day_start(received_at)

    def closes_same_day(self, received_at: datetime) -> bool:
        """Whether what comes then is dealt with that day: a working day, still open, not after 15:00."""
        index, minute = self._index(received_at)
        past_minute = received_at.second or received_at.microsecond
        until = minute_of_day(self.data.forwarding_until)
        return minute < self._patterns[index].closes and minute + bool(past_minute) <= until

    # Positions

    def position(self, instant: datetime) -> int:
        """Return the working minutes from the beginning of the coverage to *instant*."""
        index, minute = self._index(instant)
        return self._before[index] + self._patterns[index].before[minute]

    def instant(self, position: int) -> datetime:
        """Return the earliest instant (UTC) at *position*: 11:30 before 13:30, 17:00 before 7:30."""
        index = bisect_left(self._ends, position)
        day = self._nth(index)
        return self._at(day, self._patterns[day].reached[position - self._before[day]])

    def close_at(self, position: int) -> datetime:
        """Return the close of the working day in which *position* is reached."""
        return self.nth_close(bisect_left(self._ends, position))

    def position_after(self, n_days: int, parts: int, whole: int) -> int:
        """Return the position *parts*/*whole* (> 0) working days after the first *n_days* of the coverage.

        A part of a day is that part of its own minutes; the result is rounded up to a minute.
        """
        n_full, rest = divmod(parts - 1, whole)
        day = self._nth(n_days + n_full)
        return self._before[day] - (-(rest + 1) * self._patterns[day].minutes // whole)

    def position_later(self, since: int, parts: int, whole: int) -> int:
        """Return the position *parts*/*whole* (> 0) working days after *since*, as `position_after`."""
        n_days = bisect_right(self._ends, since)
        day = self._nth(n_days)
        minutes = self._patterns[day].minutes
        worked = since - self._before[day]
        return self.position_after(n_days, parts * minutes + worked * whole, whole * minutes)

    def n_working_days_to(self, instant: datetime) -> int:
        """Return the number of working days since the coverage began, the day of *instant* included."""
        index, _ = self._index(instant)
        return self._n_before[index + 1]

    def nth_close(self, index: int) -> datetime:
        """Return the close of working day *index*, counted from 0 at the beginning of the coverage."""
        try:
            return self._closes[index]
        except IndexError:
            raise self._gap(self.data.covers_to + timedelta(1)) from None

    def is_provisional(self, due_at: datetime) -> bool:
        """Whether *due_at* lies in a year whose decision is still awaited."""
        return due_at > self._provisional_at

    # Inside

    def _shifts(self, on: date) -> Shifts:
        override = self._overrides.get(on)
        if override is None:
            return _hours(self._hours, on)
        if override.kind == "off":
            return ()
        weekday = WEEKDAYS.index(override.like_weekday) if override.like_weekday else None
        shifts = override.shifts or _hours(self._hours, on, weekday)
        if not shifts:
            raise ValueError(f"{on} is worked but has no hours: give like_weekday or shifts")
        return shifts

    def _kind(self, on: date, minutes: int, override: DayOverride | None) -> DayKind:
        if override:
            return DayKind.WORKED if minutes else DayKind.HOLIDAY
        if minutes:
            return DayKind.WORKING
        return DayKind.RECEPTION_ONLY if _hours(self._reception, on) else DayKind.WEEKEND

    def _index(self, instant: datetime) -> tuple[int, int]:
        day, minute = divmod(local_minute(instant), DAY_MINUTES)
        index = day - self._first
        if 0 <= index < self._n_days:
            return index, minute
        if index == self._n_days and not minute:
            return index - 1, DAY_MINUTES
        raise self._gap(_EPOCH_DATE + timedelta(day))

    def _index_of(self, on: date) -> int:
        index = (on - self.data.covers_from).days
        if not 0 <= index < self._n_days:
            raise self._gap(on)
        return index

    def _nth(self, index: int) -> int:
        if index >= len(self._working):
            raise self._gap(self.data.covers_to + timedelta(1))
        return self._working[index]

    def date_at(self, index: int) -> date:
        """Return the date *index* days after the coverage began."""
        return self.data.covers_from + timedelta(index)

    def _at(self, index: int, minute: int) -> datetime:
        return instant_at((self._first + index) * DAY_MINUTES + minute)

    def _gap(self, on: date) -> CalendarGap:
        covers = f"{self.data.covers_from} to {self.data.covers_to}"
        return CalendarGap(f"{self.reference} covers {covers}, {on} or later is needed")


def _begins(period: WeeklyHours) -> date:
    return period.valid_from


def _period(periods: Sequence[WeeklyHours], on: date) -> WeeklyHours | None:
    """Return which of *periods* covers *on*; they are in order and do not overlap."""
    n_begun = bisect_right(periods, on, key=_begins)
    last = periods[n_begun - 1] if n_begun else None
    return None if last is None or (last.valid_to is not None and last.valid_to < on) else last


def _hours(periods: Sequence[WeeklyHours], on: date, weekday: int | None = None) -> Shifts:
    period = _period(periods, on)
    day = WEEKDAYS[on.weekday() if weekday is None else weekday]
    return period.week.get(day, ()) if period else ()


def day_end(instant: datetime) -> datetime:
    """Return 24:00 (UTC) of the local day of *instant*."""
    return instant_at((local_minute(instant) // DAY_MINUTES + 1) * DAY_MINUTES)


def at_local(on: date, clock: time) -> datetime:
    """Return the instant (UTC) of a local date and time."""
    return datetime.combine(on, clock, LOCAL).astimezone(UTC)
