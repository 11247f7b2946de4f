"""A second, slow implementation of deadlines that walks minute by minute and cannot be clever, and random cases."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from deploy.province.make_calendars import calendars
from shared.worktime import Calendar, CalendarData, Limit, Span, Unit, due_at
from shared.worktime.calendar import LOCAL
from shared.worktime.data import WEEKDAYS

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Stretch = tuple[datetime, datetime]


def by_day(limit: Limit) -> bool:
    return limit.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)


class Oracle:
    """The rules of rules.md §2 told minute by minute, in naive local time."""

    def __init__(self, data: CalendarData, since: date, until: date) -> None:
        self.hours: dict[date, list[tuple[str, str]]] = {}
        overrides = {o.date: o for o in data.overrides}
        for n in range((until - since).days + 1):
            on = since + timedelta(n)
            period = next(p for p in data.hours if p.valid_from <= on and (not p.valid_to or on <= p.valid_to))
            shifts = period.week.get(WEEKDAYS[on.weekday()], ())
            if (o := overrides.get(on)) is not None:
                like = period.week.get(o.like_weekday, ()) if o.like_weekday else shifts
                shifts = () if o.kind == "off" else (o.shifts or like)
            self.hours[on] = list(shifts)
        self.worked = {minute for on in self.hours for minute in self._minutes_of(on)}

    def _minutes_of(self, on: date) -> Iterator[datetime]:
        for opens, closes in self.hours[on]:
            now = datetime.combine(on, datetime.strptime(opens, "%H:%M").time())  # noqa: DTZ007
            end = datetime.combine(on, datetime.strptime(closes, "%H:%M").time())  # noqa: DTZ007
            while now < end:
                yield now
                now += MINUTE

    def length(self, on: date) -> int:
        return sum(1 for _ in self._minutes_of(on))

    def close(self, on: date) -> datetime:
        while not self.hours[on]:
            on += DAY
        return datetime.combine(on, datetime.strptime(self.hours[on][-1][1], "%H:%M").time())  # noqa: DTZ007

    def working_days_after(self, on: date, amount: Fraction) -> int:
        """Return the minutes of the next *amount* working days after *on*."""
        needed, left = 0, amount
        while left > 0:
            on += DAY
            if self.hours[on]:
                needed += ceil(min(left, Fraction(1)) * self.length(on))
                left -= 1
        return needed

    def due(self, received: datetime, limit: Limit, spans: Sequence[Stretch]) -> datetime:
        """Return the deadline; a span that begins once it has passed is none of its business."""
        applied: list[Stretch] = []
        due = self.due_with(received, limit, applied)
        for span in sorted(spans):
            if span[0] < due and span[1] > received:
                applied.append(span)
                due = self.due_with(received, limit, applied)
        return due

    def due_with(self, received: datetime, limit: Limit, spans: Sequence[Stretch]) -> datetime:
        received = received.replace(second=0, microsecond=0)
        amount = Fraction(limit.amount)
        midnight = datetime.combine(received.date(), datetime.min.time()) + DAY
        if by_day(limit):
            spans = [(a, datetime.combine(b.date(), datetime.min.time()) + DAY) for a, b in spans]
        if limit.unit is Unit.WORKING_DAYS:
            used = self.walk(midnight, self.working_days_after(received.date(), amount), spans, office=True)
        elif limit.unit is Unit.CALENDAR_DAYS:
            used = self.walk(midnight, 1440 * ceil(amount), spans, office=False)
        else:
            used = self.walk(received, ceil(amount * 60), spans, office=limit.unit is Unit.WORKING_HOURS)
        return self.settle(used, limit, spans)

    def settle(self, used: datetime, limit: Limit, spans: Sequence[Stretch]) -> datetime:
        """Round; a span that begins between the used-up time and the rounded one leaves a minute after it."""
        while True:
            due = self.rounded(used, limit)
            begun = sorted(span for span in spans if used <= span[0] < due)
            if not begun:
                return due
            office = limit.unit in (Unit.WORKING_DAYS, Unit.WORKING_HOURS)
            used = self.walk(begun[0][0], 1, spans, office=office)

    def rounded(self, used: datetime, limit: Limit) -> datetime:
        last = (used - MINUTE).date()
        if not by_day(limit) or (limit.unit is Unit.WORKING_DAYS and limit.amount % 1):
            return used
        return self.close(last)

    def walk(self, now: datetime, needed: int, spans: Sequence[Stretch], *, office: bool) -> datetime:
        """Return the end of the last of *needed* minutes from *now* that count."""
        while needed:
            if not office or now in self.worked:
                for begins, ends in spans:
                    if begins <= now < ends:
                        break
                else:
                    needed -= 1
            now += MINUTE
        return now


AMOUNTS = {
    Unit.WORKING_DAYS: ["0.25", "0.5", "1", "1.5", "2", "3", "5", "8", "10"],
    Unit.WORKING_HOURS: ["0.25", "1", "2", "4", "7.5", "8", "24"],
    Unit.CALENDAR_DAYS: ["0.5", "1", "2", "3", "7", "15"],
    Unit.HOURS: ["0.5", "1", "2", "24", "48", "100"],
}


def seasonal() -> CalendarData:
    """VN-T7 with shorter Fridays and other hours in the summer."""
    raw = calendars()["VN-T7"].model_dump(mode="json")
    winter = raw["hours"][0]
    summer = {**winter["week"], "mon": [["07:00", "11:00"]], "fri": [["07:00", "11:30"], ["14:00", "16:10"]]}
    periods = [
        {**winter, "valid_to": "2025-04-15"},
        {**winter, "valid_from": "2025-04-16", "valid_to": "2025-10-15", "week": summer},
        {**winter, "valid_from": "2025-10-16"},
    ]
    return CalendarData.model_validate({**raw, "hours": periods})


def random_span(rng: random.Random, received: datetime) -> Stretch:
    begins = received + timedelta(minutes=rng.randrange(-2_000, 15_000))
    return begins, begins + timedelta(minutes=rng.choice([0, 1, 60, 300, rng.randrange(10_000)]))


class Case(NamedTuple):
    """One question, as it is put to both."""

    received: datetime
    limit: Limit
    stretches: list[Stretch]


def random_case(rng: random.Random) -> Case:
    received = datetime(2024, 12, 20) + timedelta(seconds=rng.randrange(640 * 86_400))  # noqa: DTZ001
    unit = rng.choice(list(Unit))
    limit = Limit(amount=Decimal(rng.choice(AMOUNTS[unit])), unit=unit)
    stretches = [random_span(rng, received) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]
    return Case(received, limit, [(a.replace(second=0), b.replace(second=0)) for a, b in stretches])


def ours(case: Case, calendar: Calendar) -> datetime:
    """Return what `due_at` answers, in naive local time."""
    spans = [Span(a.replace(tzinfo=LOCAL), b.replace(tzinfo=LOCAL)) for a, b in case.stretches]
    found = due_at(case.received.replace(tzinfo=LOCAL), case.limit, calendar, spans).due_at
    return found.astimezone(LOCAL).replace(tzinfo=None)


def disagreements(n: int, seed: int) -> Iterator[str]:
    """Yield each of *n* random cases to which the two give different answers."""
    rng = random.Random(seed)
    since, until = date(2024, 12, 1), date(2026, 12, 31)
    pairs = [(Calendar(data), Oracle(data, since, until)) for data in (calendars()["VN"], seasonal())]
    for number in range(n):
        calendar, oracle = rng.choice(pairs)
        case = random_case(rng)
        found, lasting = ours(case, calendar), [(a, b) for a, b in case.stretches if a < b]
        if found != (expected := oracle.due(case.received, case.limit, lasting)):
            yield f"case {number}, seed {seed}: {case} by {calendar} is {expected}, not {found}"
