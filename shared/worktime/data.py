"""The immutable, versioned form in which a working calendar is stored, published and compiled."""

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TO_BE_CONFIRMED = "to be confirmed"
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
"""Between which days anything is worked out: a calendar is compiled day by day, and no law plans further."""
CoveredDay = Annotated[
    dt.date,
    Field(
        ge=FIRST_DAY,
        le=LAST_DAY,
        json_schema_extra={"formatMinimum": FIRST_DAY.isoformat(), "formatMaximum": LAST_DAY.isoformat()},
    ),
]


def minute_of_day(text: str) -> int:
    """Return the minutes after midnight of ``HH:MM``, 00:00 to 24:00; ValueError for anything else."""
    hours, colon, minutes = text.partition(":")
    well_formed = colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii()
    if not (well_formed and (hours + minutes).isdigit()):
        raise ValueError(f"not a time HH:MM: {text!r}")
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > 1440:
        raise ValueError(f"no such time: {text!r}")
    return minute


def _is_time(text: str) -> str:
    try:
        minute_of_day(text)
    except ValueError as error:
        raise PydanticCustomError("no_such_time", "A time is HH:MM, from 00:00 to 24:00") from error
    return text


def _in_order(shifts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    edges = [minute_of_day(edge) for shift in shifts for edge in shift]
    if any(opens >= closes for opens, closes in zip(edges[::2], edges[1::2], strict=True)):
        raise ValueError("a shift must close after it opens")
    if any(closes > opens for closes, opens in zip(edges[1::2], edges[2::2], strict=False)):
        raise ValueError("shifts must be in order and must not overlap")
    return shifts


Time = Annotated[str, AfterValidator(_is_time)]
Shifts = Annotated[tuple[tuple[Time, Time], ...], AfterValidator(_in_order)]
"""Office hours of one day, ``[["07:30", "11:30"], ["13:30", "17:00"]]``; local time, minutes."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeeklyHours(_Frozen):
    """The hours of each weekday from *valid_from* to *valid_to* (both included, None: to the end).

    A weekday that is absent has no hours.
    """

    valid_from: dt.date
    valid_to: dt.date | None = None
    week: dict[Weekday, Shifts]
    citation: str

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("a period must not end before it begins")
        return self


class DayOverride(_Frozen):
    """One date that differs: ``off``, or ``worked`` like its own or another weekday or by its own hours.

    *document* is the number of the decision, or "to be confirmed".
    """

    date: dt.date
    kind: Literal["off", "worked"]
    like_weekday: Weekday | None = None
    shifts: Shifts | None = None
    document: str = Field(min_length=1)
    name: str
    name_en: str = ""

    @model_validator(mode="after")
    def _hours_only_once(self) -> Self:
        n_sources = (self.like_weekday is not None) + (self.shifts is not None)
        if n_sources > (self.kind == "worked"):
            raise ValueError("a day off has no hours; a worked day has like_weekday or shifts, not both")
        return self


class CalendarData(_Frozen):
    """A version of a unit's calendar; it never changes once published, a correction is a new version.

    *hours* covers every day from *covers_from* to *covers_to*, both included. *reception* are hours in which
    the unit receives dossiers though the day does not count in limits (Saturday reception, decision
    14/2010/QĐ-TTg). Days from *provisional_from* on await their decision. *forwarding_until* is the local
    time after which a dossier is forwarded on the next working day.
    """

    code: str = Field(min_length=1)
    version: int = Field(ge=1)
    time_zone: Literal["Asia/Ho_Chi_Minh"] = "Asia/Ho_Chi_Minh"
    covers_from: CoveredDay
    covers_to: CoveredDay
    provisional_from: CoveredDay | None = None
    forwarding_until: Time
    document: str = ""
    """The decision behind this version, where it differs from the one before."""
    hours: tuple[WeeklyHours, ...] = Field(min_length=1)
    reception: tuple[WeeklyHours, ...] = ()
    overrides: tuple[DayOverride, ...] = ()

    @model_validator(mode="after")
    def _periods_neither_overlap_nor_leave_gaps(self) -> Self:
        _refuse_overlaps("hours", self.hours)
        _refuse_overlaps("reception", self.reception)
        ordered = sorted(self.hours, key=lambda period: period.valid_from)
        starts = [period.valid_from for period in ordered[1:]]
        ends = [period.valid_to or self.covers_to for period in ordered]
        joined = all(start - end == dt.timedelta(1) for end, start in zip(ends, starts, strict=False))
        if not joined or ordered[0].valid_from > self.covers_from or ends[-1] < self.covers_to:
            raise ValueError("hours must cover every day from covers_from to covers_to")
        return self

    @model_validator(mode="after")
    def _dates_are_unique_and_covered(self) -> Self:
        dates = [override.date for override in self.overrides]
        if self.covers_to < self.covers_from:
            raise ValueError("covers_to must not be before covers_from")
        if len(set(dates)) < len(dates):
            raise ValueError("a date has more than one override")
        if any(not self.covers_from <= date <= self.covers_to for date in dates):
            raise ValueError("an override lies outside the coverage")
        return self


class CalendarChange(_Frozen):
    """What a decision changes of a calendar: days that get (or lose) an override, and what is given of the rest."""

    document: str = Field(min_length=1)
    overrides: tuple[DayOverride, ...] = ()
    remove: tuple[dt.date, ...] = ()
    """Days that are as their weekday again."""
    hours: tuple[WeeklyHours, ...] | None = None
    reception: tuple[WeeklyHours, ...] | None = None
    covers_to: CoveredDay | None = None
    provisional_from: CoveredDay | None = None

    def applied_to(self, before: CalendarData) -> CalendarData:
        """Return the next version of *before*; ValueError if that would be no calendar, or would cover less."""
        if self.covers_to is not None and self.covers_to < before.covers_to:
            raise ValueError("a version covers no less than the one before")
        fields = self.model_dump(include={"hours", "reception", "covers_to", "provisional_from"}, exclude_none=True)
        gone = {override.date for override in self.overrides} | set(self.remove)
        kept = [override for override in before.overrides if override.date not in gone]
        days = sorted([*kept, *self.overrides], key=lambda override: override.date)
        whole = {"document": self.document, "overrides": [day.model_dump() for day in days], **fields}
        return CalendarData.model_validate({**before.model_dump(), "version": before.version + 1, **whole})


def _refuse_overlaps(name: str, periods: Iterable[WeeklyHours]) -> None:
    ordered = sorted(periods, key=lambda period: period.valid_from)
    if any(a.valid_to is None or a.valid_to >= b.valid_from for a, b in pairwise(ordered)):
        raise ValueError(f"periods of {name} overlap")
