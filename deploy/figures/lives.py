"""Dossiers drawn to a place's totals: when each is received, by when it is due, when and how it ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Literal

from deploy.figures.place import OPEN, Outcome, Place
from shared.worktime import Calendar, at_local

LIMITS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40)
"""In working days."""
BEFORE, AFTER = 45, 60
"""Working days around the period in which dossiers are carried over, or still due."""
TRIES = 500
Channel = Literal["online", "counter"]


@dataclass(frozen=True)
class Slot:
    """What one dossier has to be for the totals to come out."""

    unit_code: str
    channel: Channel
    is_carried_over: bool
    outcome: Outcome
    is_granted: bool = True
    is_saturday: bool = False


@dataclass(frozen=True)
class Life:
    """One dossier; *ended_at* None: still open at the end of the period. *holder_code*: who holds it then."""

    slot: Slot
    procedure_code: str
    field_code: str
    received_at: datetime
    limit_days: int
    due_at: datetime
    ended_at: datetime | None
    holder_code: str | None = None


def slots(place: Place, rng: Random) -> list[Slot]:
    """Return the dossiers of a place, their outcomes dealt at random: what was carried over is resolved."""
    births: list[tuple[str, Channel, bool]] = []
    for unit in place.units:
        births += _born(unit.online, (unit.code, "online", False))
        births += _born(unit.counter, (unit.code, "counter", False))
        births += _born(unit.carried_over, (unit.code, "counter", True))
    rng.shuffle(births)
    births.sort(key=lambda birth: birth[2])  # what is still open is dealt first, and never to the carried over
    outcomes: list[Outcome] = [each for each in OPEN for _ in range(place.outcomes.get(each, 0))]
    resolved: list[Outcome] = [each for each, n in place.outcomes.items() if each not in OPEN for _ in range(n)]
    rng.shuffle(resolved)
    dealt = zip(births, [*outcomes, *resolved], strict=True)
    return _marked([Slot(*birth, outcome) for birth, outcome in dealt], place)


def _born(n: int, birth: tuple[str, Channel, bool]) -> list[tuple[str, Channel, bool]]:
    return [birth] * n


def _marked(found: list[Slot], place: Place) -> list[Slot]:
    """Mark those that are not granted, and those of Saturdays, among the ones that are resolved."""
    marked, n_refused, n_saturdays = [], place.not_granted, place.saturdays
    for slot in found:
        is_resolved = slot.outcome not in OPEN
        refused = is_resolved and n_refused > 0
        saturday = slot.outcome == "early" and not refused and not slot.is_carried_over and n_saturdays > 0
        n_refused -= refused
        n_saturdays -= saturday
        marked.append(replace(slot, is_granted=not refused, is_saturday=saturday))
    return marked


class Drawer:
    """Draws the life of a slot within the period of a place, by the days of a calendar."""

    def __init__(self, place: Place, calendar: Calendar, rng: Random) -> None:
        self.place, self.calendar, self.rng = place, calendar, rng
        self.days = _working_days(place, calendar)
        self.low = next(n for n, on in enumerate(self.days) if on >= place.from_on)
        self.high = max(n for n, on in enumerate(self.days) if on <= place.to_on)
        span = range((place.to_on - place.from_on).days + 1)
        self.saturdays = [on for n in span if (on := place.from_on + timedelta(n)).weekday() == 5]
        self.procedures = [(field.code, code) for field in place.fields for code in field.procedure_codes]
        self._next = 0

    def draw(self, slot: Slot) -> Life:
        """Return a life that fits *slot*; RuntimeError if the period has no room for one."""
        field_code, procedure_code = self.procedures[self._next % len(self.procedures)]
        self._next += 1
        for _ in range(TRIES):
            found = self._saturday() if slot.is_saturday else self._weekday(slot)
            if found is not None:
                received_at, limit, due_at, ended_at = found
                return Life(slot, procedure_code, field_code, received_at, limit, due_at, ended_at)
        raise RuntimeError(f"{self.place.code}: no room for {slot}")

    def _saturday(self) -> tuple[datetime, int, datetime, datetime] | None:
        """Receive and resolve on one Saturday morning; it is due on the next working day."""
        on = self.rng.choice(self.saturdays)
        if self.calendar.is_working_day(on):
            return None
        at = at_local(on, time(7, 30)) + timedelta(minutes=self.rng.randrange(60))
        following = next(day for day in self.days if day > on)
        return at, 1, self.calendar.close_of_day(following), at + timedelta(minutes=60 + self.rng.randrange(60))

    def _weekday(self, slot: Slot) -> tuple[datetime, int, datetime, datetime | None] | None:
        first, last = (self.low - BEFORE, self.low - 1) if slot.is_carried_over else (self.low, self.high)
        if slot.outcome == "in_time":
            first = max(first, last + 1 - LIMITS[-1])
        received, limit = self.rng.randint(first, last), self.rng.choice(LIMITS)
        due = received + limit
        ended = self._end(slot.outcome, max(received, self.low), due)
        if ended is None:
            return None
        received_at = self._moment(self.days[received], 8 * 60, 11 * 60)
        due_at = self.calendar.close_of_day(self.days[due])
        if ended < 0:
            return received_at, limit, due_at, None
        return received_at, limit, due_at, self._moment(self.days[ended], 13 * 60 + 30, 16 * 60 + 50)

    def _end(self, outcome: Outcome, first: int, due: int) -> int | None:
        """Return the day on which it ends, -1 for one that stays open, None if *outcome* can not be."""
        last_days: dict[Outcome, Sequence[int]] = {
            "early": range(first, min(due - 1, self.high) + 1),
            "on_time": range(due, due + 1) if first <= due <= self.high else range(0),
            "late": range(max(first, due + 1), min(due + 15, self.high) + 1),
            "in_time": range(-1, 0) if due > self.high else range(0),
            "overdue": range(-1, 0) if due <= self.high else range(0),
        }
        return self.rng.choice(last_days[outcome]) if last_days[outcome] else None

    def _moment(self, on: date, first: int, last: int) -> datetime:
        """Return an instant of a day between two minutes of it."""
        return at_local(on, time()) + timedelta(minutes=self.rng.randint(first, last), seconds=self.rng.randrange(60))


def _working_days(place: Place, calendar: Calendar) -> list[date]:
    """Return the working days around the period: enough before it, enough after."""
    first = place.from_on - timedelta(days=2 * BEFORE)
    n_days = (place.to_on - first).days + 2 * AFTER
    return [on for n in range(n_days) if calendar.is_working_day(on := first + timedelta(n))]


def lives(place: Place, calendar: Calendar, seed: int) -> Iterator[Life]:
    """Yield the dossiers of a place; the same seed draws the same ones."""
    rng = Random(seed)  # noqa: S311 - drawn to be the same again
    drawer = Drawer(place, calendar, rng)
    drawn = [drawer.draw(slot) for slot in slots(place, rng)]
    yield from _held(place, sorted(drawn, key=lambda life: life.received_at))


def _held(place: Place, drawn: list[Life]) -> Iterator[Life]:
    """Let agencies hold those that the inspection found suspended."""
    holders = iter([unit.code for unit in place.units for _ in range(unit.suspended)])
    for life in drawn:
        holder = next(holders, None) if life.ended_at is None else None
        yield replace(life, holder_code=holder)
    if next(holders, None) is not None:
        raise RuntimeError(f"{place.code}: more were suspended than are open")
