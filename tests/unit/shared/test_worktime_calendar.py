"""Calendars: what data are refused, what a calendar answers, and the committed ones against the law."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from deploy.province.make_calendars import FOLDER, calendars, rendered
from shared.worktime import (
    Calendar,
    CalendarData,
    CalendarGap,
    DayKind,
    Limit,
    NaiveInstant,
    Span,
    Unit,
    add_working_minutes,
    due_at,
    working_minutes,
)
from shared.worktime.calendar import LOCAL
from shared.worktime.data import minute_of_day


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


@pytest.fixture(scope="module")
def vn() -> Calendar:
    return Calendar(calendars()["VN"])


@pytest.fixture(scope="module")
def vn_t7() -> Calendar:
    return Calendar(calendars()["VN-T7"])


# The committed files


@pytest.mark.parametrize("code", ["VN", "VN-T7"])
def test_the_committed_calendar_is_what_the_generator_makes(code: str) -> None:
    text = (FOLDER / f"{code}.json").read_text(encoding="utf-8")
    assert text == rendered(calendars()[code])
    assert CalendarData.model_validate_json(text) == calendars()[code]


# The table of rules.md §2: weekdays off as day/month or a range within a month, and Saturdays worked.
LAW = {
    2018: ("1/1 14-16/2 19-20/2 25/4 30/4 1/5 3/9 31/12", ""),
    2019: ("1/1 4-8/2 15/4 29-30/4 1/5 2/9", "5/1 4/5"),
    2020: ("1/1 23-24/1 27-29/1 2/4 30/4 1/5 2/9", ""),
    2021: ("1/1 10-12/2 15-16/2 21/4 30/4 3/5 2-3/9", ""),
    2022: ("3/1 31/1 1-4/2 11/4 2-3/5 1-2/9", ""),
    2023: ("2/1 20/1 23-26/1 1-3/5 1/9 4/9", ""),
    2024: ("1/1 8-9/2 12-14/2 18/4 29-30/4 1/5 2-3/9", "4/5"),
    2025: ("1/1 27-31/1 7/4 30/4 1-2/5 1-2/9", "26/4"),
    2026: ("1-2/1 16-20/2 27/4 30/4 1/5 31/8 1-2/9", "10/1 22/8"),
}


def dates(year: int, text: str) -> Iterator[date]:
    for part in text.split():
        days, month = part.split("/")
        first, _, last = days.partition("-")
        yield from (date(year, int(month), day) for day in range(int(first), int(last or first) + 1))


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(n) for n in range(366) if (date(year, 1, 1) + timedelta(n)).year == year]


@pytest.mark.parametrize("code", ["VN", "VN-T7"])
@pytest.mark.parametrize("year", LAW)
def test_every_row_of_the_law_is_in_the_calendar(year: int, code: str) -> None:
    calendar = Calendar(calendars()[code])
    off, worked = (set(dates(year, text)) for text in LAW[year])

    assert {d for d in days_of(year) if d.weekday() < 5 and not calendar.is_working_day(d)} == off
    assert {d for d in days_of(year) if d.weekday() > 4 and calendar.is_working_day(d)} == worked
    assert all(calendar.minutes_on(d) in (0, 450) for d in days_of(year))


def test_every_swap_names_its_weekday_and_document(vn: Calendar) -> None:
    swaps = [override for override in vn.data.overrides if override.like_weekday]
    assert [(str(s.date), s.like_weekday) for s in swaps] == [
        ("2019-01-05", "mon"),
        ("2019-05-04", "mon"),
        ("2024-05-04", "mon"),
        ("2025-04-26", "fri"),
        ("2026-01-10", "fri"),
        ("2026-08-22", "mon"),
    ]
    assert all(override.document for override in vn.data.overrides)


# What data are refused

WEEK = {"mon": [["07:30", "11:30"], ["13:30", "17:00"]]}


def raw(**changes: Any) -> dict[str, Any]:
    hours = [{"valid_from": "2026-01-01", "week": WEEK, "citation": "x"}]
    base = {"code": "X", "version": 1, "covers_from": "2026-01-01", "covers_to": "2026-12-31"}
    return {**base, "forwarding_until": "15:00", "hours": hours, **changes}


def hours(*periods: tuple[str, str | None]) -> list[dict[str, Any]]:
    return [{"valid_from": a, "valid_to": b, "week": WEEK, "citation": "x"} for a, b in periods]


def override(**changes: Any) -> dict[str, Any]:
    return {"date": "2026-03-07", "kind": "worked", "document": "1/QĐ", "name": "x", **changes}


REFUSED = {
    "25:00": raw(hours=[{"valid_from": "2026-01-01", "week": {"mon": [["07:30", "25:00"]]}, "citation": "x"}]),
    "7:5": raw(hours=[{"valid_from": "2026-01-01", "week": {"mon": [["7:5", "11:30"]]}, "citation": "x"}]),
    "07:60": raw(hours=[{"valid_from": "2026-01-01", "week": {"mon": [["07:60", "11:30"]]}, "citation": "x"}]),
    "closes before it opens": raw(hours=[{**hours(("2026-01-01", None))[0], "week": {"mon": [["11:30", "07:30"]]}}]),
    "shifts overlap": raw(
        hours=[{**hours(("2026-01-01", None))[0], "week": {"mon": [["07:30", "12:00"], ["11:30", "17:00"]]}}]
    ),
    "unknown weekday": raw(hours=[{**hours(("2026-01-01", None))[0], "week": {"t7": []}}]),
    "periods overlap": raw(hours=hours(("2026-01-01", "2026-06-30"), ("2026-06-30", None))),
    "an open period and another": raw(hours=hours(("2026-01-01", None), ("2026-07-01", None))),
    "a gap between periods": raw(hours=hours(("2026-01-01", "2026-06-30"), ("2026-07-02", None))),
    "begins too late": raw(hours=hours(("2026-01-02", None))),
    "ends too early": raw(hours=hours(("2026-01-01", "2026-12-30"))),
    "a period that ends before it begins": raw(hours=hours(("2026-01-01", "2025-12-31"))),
    "coverage of thousands of years": raw(covers_to="9999-12-31"),
    "coverage since before any law that is known": raw(covers_from="1999-12-31"),
    "coverage that ends before it begins": raw(covers_to="2025-12-31"),
    "no hours": raw(hours=[]),
    "a date twice": raw(overrides=[override(like_weekday="mon"), override(kind="off")]),
    "a date outside": raw(overrides=[override(date="2027-01-01", like_weekday="mon")]),
    "off with hours": raw(overrides=[override(kind="off", like_weekday="mon")]),
    "two sources of hours": raw(overrides=[override(like_weekday="mon", shifts=WEEK["mon"])]),
    "no document": raw(overrides=[override(like_weekday="mon", document="")]),
    "reception overlaps": raw(reception=hours(("2026-01-01", None), ("2026-02-01", None))),
    "unknown field": raw(holiday=[]),
    "another zone": raw(time_zone="UTC"),
    "version 0": raw(version=0),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_wrong_data_are_refused(reason: str) -> None:
    with pytest.raises(ValidationError):
        CalendarData.model_validate(REFUSED[reason])


def test_a_worked_day_without_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="give like_weekday or shifts"):
        Calendar(CalendarData.model_validate(raw(overrides=[override()])))


def test_a_worked_day_may_have_hours_of_its_own() -> None:
    data = CalendarData.model_validate(raw(overrides=[override(shifts=[["08:00", "11:00"]])]))
    assert Calendar(data).minutes_on(date(2026, 3, 7)) == 180


def test_24_00_closes_a_shift_at_midnight() -> None:
    assert minute_of_day("24:00") == 1440
    week = {"mon": [["22:00", "24:00"]]}
    calendar = Calendar(CalendarData.model_validate(raw(hours=[{**hours(("2026-01-01", None))[0], "week": week}])))
    assert calendar.close_of_day(date(2026, 3, 2)) == at("2026-03-03 00:00")


def test_hours_that_change_often_are_found_in_whatever_order_they_are_given() -> None:
    days = [date(2026, 1, 1) + timedelta(n) for n in range(365)]
    mondays = [day for day in days if day.weekday() == 0]
    periods = [
        {**hours((str(day), str(day + timedelta(6))))[0], "week": {"mon": [["00:00", f"00:{n:02}"]]}}
        for n, day in enumerate(mondays, start=1)
    ]
    first, last = hours(("2026-01-01", "2026-01-04"), (periods.pop()["valid_from"], None))
    for given in ([first, *periods, last], [last, *reversed(periods), first]):
        calendar = Calendar(CalendarData.model_validate(raw(hours=given)))
        assert [calendar.minutes_on(day) for day in mondays] == [*range(1, 52), 450]


def test_hours_change_on_the_day_they_are_dated() -> None:
    summer = {"mon": [["07:00", "11:30"], ["13:30", "17:00"]]}
    periods = hours(("2026-01-01", "2026-04-15"), ("2026-04-16", None))
    calendar = Calendar(CalendarData.model_validate(raw(hours=[periods[0], {**periods[1], "week": summer}])))
    assert [calendar.minutes_on(date(2026, 4, day)) for day in (13, 20)] == [450, 480]


@pytest.mark.parametrize("limit", [{"amount": 0, "unit": "hours"}, {"amount": 0, "unit": "working_hours"}])
def test_a_limit_of_no_hours_is_refused(limit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate(limit)


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "0.00001", "40000", "x"])
def test_a_senseless_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate({"amount": amount, "unit": "working_days"})


# What a compiled calendar answers


def test_the_fixed_offset_is_that_of_the_zone_database(vn: Calendar) -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    for n in range((vn.data.covers_to - vn.data.covers_from).days + 1):
        noon = datetime.combine(vn.data.covers_from + timedelta(n), time(12), LOCAL)
        assert noon.astimezone(zone).utcoffset() == timedelta(hours=7)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-03-02 07:30", "2026-03-02 17:00", 450),
        ("2026-03-02 11:00", "2026-03-02 14:00", 60),  # 30 + 30 around lunch
        ("2026-03-02 11:30", "2026-03-02 13:30", 0),
        ("2026-03-02 10:00:59", "2026-03-02 10:01:00", 1),  # seconds are dropped
        ("2026-03-02 10:00:00", "2026-03-02 10:00:59", 0),
        ("2026-03-06 16:00", "2026-03-09 08:30", 120),  # over the weekend
        ("2026-02-13 16:00", "2026-02-23 08:30", 120),  # over Tết
        ("2026-03-02 14:00", "2026-03-02 11:00", -60),
    ],
)
def test_working_minutes_between(vn: Calendar, start: str, end: str, minutes: int) -> None:
    assert working_minutes(at(start), at(end), vn) == minutes


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-02 09:00", 150, "2026-03-02 11:30"),
        ("2026-03-02 09:00", 151, "2026-03-02 13:31"),
        ("2026-03-02 12:00", 0, "2026-03-02 12:00"),
        ("2026-03-02 12:00", 210, "2026-03-02 17:00"),
        ("2026-03-06 17:00", 1, "2026-03-09 07:31"),
        ("2025-04-25 17:00", 450, "2025-04-26 17:00"),
    ],
)
def test_adding_working_minutes(vn: Calendar, start: str, minutes: int, end: str) -> None:
    assert add_working_minutes(at(start), minutes, vn) == at(end)


def test_negative_minutes_are_refused(vn: Calendar) -> None:
    with pytest.raises(ValueError, match="negative"):
        add_working_minutes(at("2026-03-02 09:00"), -1, vn)


@pytest.mark.parametrize(
    ("received", "starts"),
    [
        ("2026-03-02 14:59:59", "2026-03-02 14:59"),
        ("2026-03-02 15:00:00", "2026-03-02 15:00"),
        ("2026-03-02 15:00:01", "2026-03-03 07:30"),
        ("2026-03-02 06:00", "2026-03-02 07:30"),
        ("2026-03-06 15:30", "2026-03-09 07:30"),  # Fri: Mon
        ("2026-03-07 09:00", "2026-03-09 07:30"),  # Sat: Mon
        ("2026-02-13 16:00", "2026-02-23 07:30"),  # before Tết
        ("2025-04-25 15:30", "2025-04-26 07:30"),  # the worked Saturday
    ],
)
def test_a_dossier_received_after_15_00_goes_on_the_next_working_day(vn: Calendar, received: str, starts: str) -> None:
    assert vn.start_for_forwarding(at(received)) == at(starts)


def test_an_electronic_dossier_goes_on_at_once(vn: Calendar) -> None:
    assert vn.start_for_forwarding(at("2026-03-07 22:00"), electronic=True) == at("2026-03-07 22:00")


def test_neighbouring_days(vn: Calendar) -> None:
    assert vn.last_working_day_before(date(2026, 2, 23)) == date(2026, 2, 13)
    assert vn.last_working_day_before(date(2025, 4, 28)) == date(2025, 4, 26)
    assert vn.next_working_day_start(at("2026-02-13 09:00")) == at("2026-02-23 07:30")
    assert vn.close_of_day(date(2026, 2, 13)) == at("2026-02-13 17:00")
    with pytest.raises(ValueError, match="not a working day"):
        vn.close_of_day(date(2026, 2, 16))


def test_answers_are_utc(vn: Calendar) -> None:
    assert vn.close_of_day(date(2026, 2, 13)).tzinfo is UTC
    assert due_at(at("2026-03-02 09:00"), Limit(amount=1, unit=Unit.WORKING_DAYS), vn).due_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("code", "instant", "is_open"),
    [
        ("VN", "2026-03-02 07:30", True),
        ("VN", "2026-03-02 11:30", False),
        ("VN", "2026-03-07 09:00", False),
        ("VN-T7", "2026-03-07 09:00", True),
        ("VN-T7", "2026-03-07 11:30", False),
        ("VN-T7", "2026-03-08 09:00", False),
        ("VN-T7", "2025-04-26 14:00", True),  # worked like Friday
        ("VN-T7", "2025-02-01 09:00", False),  # a Saturday in Tết
    ],
)
def test_when_the_unit_receives(code: str, instant: str, is_open: bool) -> None:
    assert Calendar(calendars()[code]).is_open_for_reception(at(instant)) is is_open


def test_what_a_day_is(vn_t7: Calendar) -> None:
    assert vn_t7.reference == "VN-T7@1"
    kinds = {
        "2026-03-02": DayKind.WORKING,
        "2026-03-07": DayKind.RECEPTION_ONLY,
        "2026-03-08": DayKind.WEEKEND,
        "2026-02-16": DayKind.HOLIDAY,
        "2026-01-10": DayKind.WORKED,
    }
    assert {on: vn_t7.day(date.fromisoformat(on)).kind for on in kinds} == kinds


# Never a guess


@pytest.mark.parametrize(
    ("received", "amount", "unit"),
    [
        ("2017-12-31 23:59", 1, "working_days"),
        ("2028-01-01 00:01", 1, "working_days"),
        ("1900-01-01 09:00", 1, "hours"),
        ("2027-12-31 09:00", 1, "working_days"),
        ("2027-12-31 16:00", 2, "working_hours"),
        ("2027-12-31 09:00", 1, "calendar_days"),
        ("2027-12-31 09:00", 24, "hours"),
        ("2027-12-31 15:01", 0, "working_days"),
        ("2027-12-31 09:00", "0.5", "working_days"),
    ],
)
def test_outside_the_coverage_there_is_no_answer(vn: Calendar, received: str, amount: str, unit: str) -> None:
    with pytest.raises(CalendarGap, match="VN@1 covers"):
        due_at(at(received), Limit.model_validate({"amount": amount, "unit": unit}), vn)


def test_the_first_and_the_last_minute_are_covered(vn: Calendar) -> None:
    assert vn.position(at("2018-01-01 00:00")) == 0
    assert vn.instant(vn.position(at("2028-01-01 00:00"))) == at("2027-12-31 17:00")
    with pytest.raises(CalendarGap):
        vn.position(at("2028-01-01 00:01"))
    with pytest.raises(CalendarGap):
        vn.last_working_day_before(date(2018, 1, 1))


def test_a_naive_instant_is_refused(vn: Calendar) -> None:
    naive = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - what is tested
    with pytest.raises(NaiveInstant):
        due_at(naive, Limit(amount=1, unit=Unit.WORKING_DAYS), vn)
    with pytest.raises(NaiveInstant):
        vn.position(naive)


def test_a_span_that_ends_before_it_begins_is_refused(vn: Calendar) -> None:
    span = Span(at("2026-03-05 09:00"), at("2026-03-04 09:00"))
    with pytest.raises(ValueError, match="must not end before"):
        due_at(at("2026-03-02 09:00"), Limit(amount=1, unit=Unit.WORKING_DAYS), vn, [span])


def test_the_package_does_no_io() -> None:
    folder = Path(__file__).parents[3] / "shared/worktime"
    allowed = (
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "itertools",
    )
    for path in folder.glob("*.py"):
        lines = [
            line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("import ", "from "))
        ]
        for line in lines:
            assert line.split()[1].split(".")[0] in (*allowed, "typing", "pydantic", "pydantic_core", "shared"), line
