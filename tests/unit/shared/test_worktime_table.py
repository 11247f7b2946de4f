"""Deadlines worked out by hand, each with its arithmetic: the days named are the working days that count."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.worktime import Calendar, CalendarData, Limit, Span, due_at, explain
from shared.worktime.calendar import LOCAL

FOLDER = Path(__file__).parents[3] / "deploy/province/calendars"
CALENDARS = {
    code: Calendar(CalendarData.model_validate_json((FOLDER / f"{code}.json").read_text(encoding="utf-8")))
    for code in ("VN", "VN-T7")
}
WD, WH, CD, H = "working_days", "working_hours", "calendar_days", "hours"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def limit(amount: str | int, unit: str) -> Limit:
    return Limit.model_validate({"amount": amount, "unit": unit})


# A day has 240 + 210 = 450 working minutes: 7:30–11:30, 13:30–17:00.
ROWS = [
    # Ordinary weeks of March 2026 (2/3 is a Monday)
    ("2026-03-02 09:00", 1, WD, "2026-03-03 17:00"),  # Tue 3
    ("2026-03-02 00:00", 1, WD, "2026-03-03 17:00"),  # midnight opens Monday: Tue 3
    ("2026-03-02 23:59:59", 1, WD, "2026-03-03 17:00"),  # still Monday: Tue 3
    ("2026-03-03 00:00:00", 1, WD, "2026-03-04 17:00"),  # already Tuesday: Wed 4
    ("2026-03-06 16:59", 1, WD, "2026-03-09 17:00"),  # Friday: Mon 9
    ("2026-03-07 10:00", 1, WD, "2026-03-09 17:00"),  # Saturday: Mon 9
    ("2026-03-08 22:00", 1, WD, "2026-03-09 17:00"),  # Sunday: Mon 9
    ("2026-03-06 23:59:59", 1, WD, "2026-03-09 17:00"),  # still Friday: Mon 9
    ("2026-03-07 00:00:00", 1, WD, "2026-03-09 17:00"),  # already Saturday: Mon 9
    ("2026-03-08 23:59:59", 1, WD, "2026-03-09 17:00"),  # still Sunday: Mon 9
    ("2026-03-09 00:00:00", 1, WD, "2026-03-10 17:00"),  # already Monday: Tue 10
    ("2026-03-02 09:00", 5, WD, "2026-03-09 17:00"),  # 3 4 5 6 | 9
    ("2026-03-02 09:00", 8, WD, "2026-03-12 17:00"),  # 3 4 5 6 | 9 10 11 12
    ("2026-03-02 09:00", 10, WD, "2026-03-16 17:00"),  # 3-6 (4) 9-13 (9) 16 (10)
    ("2026-03-02 16:30", 8, WD, "2026-03-12 17:00"),  # after 15:00 moves the hand-off, not the limit
    # Tết
    ("2018-02-13 09:00", 1, WD, "2018-02-21 17:00"),  # off 14-16, 19-20: Wed 21
    ("2019-02-01 09:00", 1, WD, "2019-02-11 17:00"),  # Fri; off 4-8: Mon 11
    ("2020-01-22 09:00", 1, WD, "2020-01-30 17:00"),  # off 23-24, 27-29: Thu 30
    ("2021-02-09 09:00", 1, WD, "2021-02-17 17:00"),  # off 10-12, 15-16: Wed 17
    ("2022-01-28 09:00", 1, WD, "2022-02-07 17:00"),  # Fri; off 31/1-4/2: Mon 7
    ("2023-01-19 09:00", 2, WD, "2023-01-30 17:00"),  # off 20, 23-26: Fri 27, Mon 30
    ("2024-02-07 09:00", 1, WD, "2024-02-15 17:00"),  # off 8-9, 12-14: Thu 15
    ("2025-01-24 10:00", 1, WD, "2025-02-03 17:00"),  # Fri; off 27-31: Mon 3/2
    ("2026-02-11 09:00", 8, WD, "2026-03-02 17:00"),  # 12 13 | off 16-20 | 23-27 (7) | Mon 2/3
    ("2026-02-13 16:00", 1, WD, "2026-02-23 17:00"),  # Fri before Tết: Mon 23
    ("2026-02-18 09:00", 1, WD, "2026-02-23 17:00"),  # filed online on the second day of Tết: Mon 23
    ("2026-02-18 09:00", 2, WD, "2026-02-24 17:00"),  # 23 24
    # Swapped Saturdays
    ("2018-12-28 09:00", 1, WD, "2019-01-02 17:00"),  # Fri; off 31/12 (swap), 1/1: Wed 2/1
    ("2019-01-04 09:00", 1, WD, "2019-01-05 17:00"),  # Fri; Sat 5 worked for 31/12
    ("2019-04-26 09:00", 1, WD, "2019-05-02 17:00"),  # Fri; off 29 (swap), 30, 1/5: Thu 2
    ("2019-05-03 09:00", 1, WD, "2019-05-04 17:00"),  # Fri; Sat 4 worked for 29/4
    ("2024-04-26 09:00", 1, WD, "2024-05-02 17:00"),  # Fri; off 29 (swap), 30, 1/5: Thu 2
    ("2024-05-03 09:00", 1, WD, "2024-05-04 17:00"),  # Fri; Sat 4 worked
    ("2025-04-25 09:00", 1, WD, "2025-04-26 17:00"),  # Fri; Sat 26 worked for 2/5
    ("2025-04-25 09:00", 2, WD, "2025-04-28 17:00"),  # Sat 26, Mon 28
    ("2025-04-26 09:00", 1, WD, "2025-04-28 17:00"),  # received on the worked Saturday: Mon 28
    ("2025-04-29 09:00", 1, WD, "2025-05-05 17:00"),  # off 30/4, 1/5, 2/5 (swap): Mon 5
    ("2025-12-31 09:00", 1, WD, "2026-01-05 17:00"),  # off 1/1, 2/1 (swap): Mon 5
    ("2026-01-09 09:00", 1, WD, "2026-01-10 17:00"),  # Fri; Sat 10 worked for 2/1
    ("2026-08-21 09:00", 1, WD, "2026-08-22 17:00"),  # Fri; Sat 22 worked for 31/8
    ("2026-08-28 09:00", 1, WD, "2026-09-03 17:00"),  # Fri; off 31/8 (swap), 1-2/9: Thu 3
    # Holidays, year ends, leap days
    ("2021-12-30 09:00", 2, WD, "2022-01-04 17:00"),  # Fri 31; Mon 3/1 off for Sat 1/1; Tue 4
    ("2022-12-30 09:00", 1, WD, "2023-01-03 17:00"),  # Fri; Mon 2/1 off for Sun 1/1; Tue 3
    ("2022-04-08 09:00", 1, WD, "2022-04-12 17:00"),  # Fri; Mon 11 off for Sun 10; Tue 12
    ("2022-08-31 09:00", 1, WD, "2022-09-05 17:00"),  # off 1-2/9: Mon 5
    ("2023-04-27 09:00", 2, WD, "2023-05-04 17:00"),  # Fri 28; off 1-3/5; Thu 4
    ("2023-08-31 09:00", 1, WD, "2023-09-05 17:00"),  # off Fri 1, Mon 4: Tue 5
    ("2026-04-24 09:00", 3, WD, "2026-05-04 17:00"),  # Fri; Mon 27 off; 28 29; off 30, 1/5; Mon 4
    ("2026-11-23 09:00", 1, WD, "2026-11-24 17:00"),  # 24/11 is worked until a law says otherwise
    ("2024-02-28 09:00", 1, WD, "2024-02-29 17:00"),  # leap day, Thu
    ("2024-02-29 09:00", 1, WD, "2024-03-01 17:00"),  # Fri
    ("2020-02-28 09:00", 1, WD, "2020-03-02 17:00"),  # Fri; leap day is a Saturday: Mon 2
    # 2026 has 261 weekdays - 13 off (2 + 5 + 1 + 2 + 3) + 2 worked Saturdays = 250 working days
    ("2025-12-31 09:00", 250, WD, "2026-12-31 17:00"),
    # 2025: 261 - 12 off (1 + 5 + 1 + 3 + 2) + 1 = 250; 2026: Jan 21, Feb 15, Mar 22, Apr 20, May 20 (98), June 17
    ("2024-12-31 09:00", 365, WD, "2026-06-23 17:00"),
    # Parts of a day
    ("2026-03-02 09:00", "0.5", WD, "2026-03-03 11:15"),  # Tue 7:30 + 225
    ("2026-03-02 09:00", "0.25", WD, "2026-03-03 09:23"),  # Tue 7:30 + 112.5, up to 113
    ("2026-03-02 09:00", "0.75", WD, "2026-03-03 15:08"),  # 337.5, up to 338 = 240 + 98: 13:30 + 98
    ("2026-03-02 09:00", "1.5", WD, "2026-03-04 11:15"),  # Tue 450, Wed 225
    ("2026-03-06 09:00", "0.5", WD, "2026-03-09 11:15"),  # Fri: Mon 7:30 + 225
    ("2026-03-08 23:59:59", "0.25", WD, "2026-03-09 09:23"),  # still Sunday: Mon 9
    ("2026-03-09 00:00:00", "0.25", WD, "2026-03-10 09:23"),  # already Monday: Tue 10
    # No days: within the day, unless it came after 15:00
    ("2026-03-02 09:00", 0, WD, "2026-03-02 17:00"),
    ("2026-03-02 06:00", 0, WD, "2026-03-02 17:00"),
    ("2026-03-02 15:00:00", 0, WD, "2026-03-02 17:00"),  # at 15:00 is not after
    ("2026-03-02 15:00:01", 0, WD, "2026-03-03 17:00"),  # is
    ("2026-03-07 09:00", 0, WD, "2026-03-09 17:00"),  # Saturday: Mon 9
    ("2026-03-06 23:59:59", 0, WD, "2026-03-09 17:00"),  # Friday after 15:00: Mon 9
    ("2026-03-09 00:00:00", 0, WD, "2026-03-09 17:00"),  # Monday, before the office opens
    ("2026-02-13 15:01", 0, WD, "2026-02-23 17:00"),  # Fri before Tết: Mon 23
    ("2026-03-02 09:00", 0, CD, "2026-03-02 17:00"),
    ("2026-03-07 09:00", 0, CD, "2026-03-09 17:00"),
    # Calendar days
    ("2026-03-02 09:00", 1, CD, "2026-03-03 17:00"),  # 24:00 of Tue 3, shown as its close
    ("2026-03-02 09:00", "0.5", CD, "2026-03-03 17:00"),  # a part is a day
    ("2026-03-06 09:00", 1, CD, "2026-03-09 17:00"),  # Sat 7 rolls to Mon 9
    ("2026-03-06 09:00", 3, CD, "2026-03-09 17:00"),  # Mon 9
    ("2026-02-02 09:00", 15, CD, "2026-02-23 17:00"),  # 2 + 15 = 17/2, Tết: Mon 23
    ("2025-04-25 09:00", 1, CD, "2025-04-26 17:00"),  # the Saturday is worked
    ("2025-12-01 09:00", 30, CD, "2025-12-31 17:00"),  # 1 + 30 = Wed 31/12
    ("2025-12-01 09:00", 31, CD, "2026-01-05 17:00"),  # 1/1; off 1/1, 2/1, weekend: Mon 5
    ("2024-02-28 09:00", 2, CD, "2024-03-01 17:00"),  # 29/2, 1/3
    ("2024-02-29 09:00", 365, CD, "2025-02-28 17:00"),  # Fri 28/2/2025
    # Working hours
    ("2026-03-02 10:30", 2, WH, "2026-03-02 14:30"),  # over lunch: 60 to 11:30, 60 from 13:30
    ("2026-03-02 09:30", 2, WH, "2026-03-02 11:30"),  # 120 to 11:30 sharp, not 13:30
    ("2026-03-02 09:31", 2, WH, "2026-03-02 13:31"),  # 119 to 11:30, 1 after lunch
    ("2026-03-02 12:00", 4, WH, "2026-03-03 08:00"),  # in lunch: 210 to 17:00, 30 on Tue
    ("2026-03-02 16:00", 2, WH, "2026-03-03 08:30"),  # 60 to 17:00, 60 on Tue
    ("2026-03-02 07:30", 8, WH, "2026-03-03 08:00"),  # a day has 450, not 480: 30 on Tue
    ("2026-03-06 16:30", 2, WH, "2026-03-09 09:00"),  # Fri 30, Mon 90
    ("2026-03-07 10:00", 1, WH, "2026-03-09 08:30"),  # Saturday: Mon 60
    ("2026-03-02 23:59:59", 2, WH, "2026-03-03 09:30"),  # Tue 120
    ("2026-03-06 16:59:59", 2, WH, "2026-03-09 09:29"),  # seconds are dropped: Fri 1, Mon 119
    ("2026-02-13 16:00", 2, WH, "2026-02-23 08:30"),  # Fri 60, Tết, Mon 60
    ("2026-03-02 11:20", "0.25", WH, "2026-03-02 13:35"),  # 10 to 11:30, 5 after lunch
    # Hours
    ("2026-03-02 10:30", 2, H, "2026-03-02 12:30"),  # round the clock: in lunch
    ("2026-03-02 10:00", 24, H, "2026-03-03 10:00"),
    ("2026-03-06 10:00", 24, H, "2026-03-07 10:00"),  # over the weekend too
    ("2026-02-13 10:00", 48, H, "2026-02-15 10:00"),
    ("2026-03-05 23:59:59", 24, H, "2026-03-06 23:59"),
    ("2026-03-06 00:00:00", 24, H, "2026-03-07 00:00"),
]


@pytest.mark.parametrize(("received", "amount", "unit", "due"), ROWS)
def test_a_deadline_is_what_the_hand_finds(received: str, amount: str | int, unit: str, due: str) -> None:
    found = due_at(at(received), limit(amount, unit), CALENDARS["VN"])

    assert found.due_at == at(due)
    assert not found.provisional


SATURDAY = [
    ("2026-03-06 09:00", 1, WD, "2026-03-09 17:00"),  # Fri: Sat 7 receives, does not count: Mon 9
    ("2026-03-07 09:00", 1, WD, "2026-03-09 17:00"),  # received on Sat: Mon 9
    ("2026-03-07 09:00", 0, WD, "2026-03-09 17:00"),
    ("2026-03-07 09:00", 1, WH, "2026-03-09 08:30"),  # Mon 60
    ("2025-04-25 09:00", 1, WD, "2025-04-26 17:00"),  # a swapped Saturday counts, with Friday's hours
    ("2025-04-25 09:00", "1.5", WD, "2025-04-28 11:15"),  # Sat 450 (not the morning's 240), Mon 225
]


@pytest.mark.parametrize(("received", "amount", "unit", "due"), SATURDAY)
def test_saturday_reception_does_not_count(received: str, amount: str | int, unit: str, due: str) -> None:
    assert due_at(at(received), limit(amount, unit), CALENDARS["VN-T7"]).due_at == at(due)


FROM_MOMENT = [
    ("2026-03-02 09:00", "0.5", "2026-03-02 14:45"),  # 90 + 225 = 315 = 240 + 75: 13:30 + 75
    ("2026-03-02 13:30", "0.5", "2026-03-03 07:45"),  # 210 to 17:00, 15 on Tue
    ("2026-03-02 09:00", 1, "2026-03-03 09:00"),
    ("2026-03-06 13:30", 1, "2026-03-09 11:30"),  # 240 into Friday: 240 into Monday, reached at 11:30
    ("2026-03-02 07:30", 4, "2026-03-05 17:00"),  # Mon Tue Wed Thu
    ("2026-03-07 10:00", "0.5", "2026-03-09 11:15"),  # Saturday: Mon 7:30 + 225
    ("2026-03-02 07:30", "0.25", "2026-03-02 09:23"),  # 112.5, up to 113
    ("2026-02-13 09:00", "1.5", "2026-02-23 14:45"),  # 90 + 675 = 450 + 315; Mon 23: 240 + 75
]


@pytest.mark.parametrize(("received", "amount", "due"), FROM_MOMENT)
def test_a_route_step_keeps_its_working_minutes(received: str, amount: str | int, due: str) -> None:
    assert due_at(at(received), limit(amount, WD), CALENDARS["VN"], from_moment=True).due_at == at(due)


MON = "2026-03-02 09:00"
EXCLUDED = [
    # The docstring's: 300 (Wed from 10:00) + 450 (Thu, the first day after) from Wed 17:00 is Fri 14:30
    (MON, 2, WD, [("2026-03-04 10:00", "2026-03-05 14:00")], "2026-03-06 17:00"),
    # Due Thu 12; Fri 6 450 + Mon 9 (first day after) 450: Fri 13, Mon 16
    (MON, 8, WD, [("2026-03-06 00:00", "2026-03-09 09:00")], "2026-03-16 17:00"),
    (MON, 8, WD, [("2026-03-02 10:00", "2026-03-02 11:00")], "2026-03-12 17:00"),  # on the reception day
    (MON, 8, WD, [("2026-03-06 17:00", "2026-03-08 20:00")], "2026-03-12 17:00"),  # over the weekend
    (MON, 8, WD, [("2026-03-12 17:00", "2026-03-20 17:00")], "2026-03-12 17:00"),  # after the deadline
    (MON, 8, WD, [("2026-03-12 16:59:59", "2026-03-12 23:59:59")], "2026-03-13 17:00"),  # its last minute: Fri 13
    (MON, 8, WD, [("2026-03-05 08:00", "2026-03-05 23:59:59")], "2026-03-13 17:00"),  # Thu from 8:00 420: Fri 13
    (MON, 8, WD, [("2026-03-05 08:00", "2026-03-06 00:00:00")], "2026-03-16 17:00"),  # ended on Fri: 420 + 450
    (MON, 8, WD, [("2026-03-06 23:59:59", "2026-03-08 23:59:59")], "2026-03-12 17:00"),  # no minute of an office
    (MON, 8, WD, [("2026-03-06 23:59:59", "2026-03-09 00:00:00")], "2026-03-13 17:00"),  # Mon is the first day after
    (MON, 8, WD, [("2026-02-20 08:00", "2026-02-25 08:00")], "2026-03-12 17:00"),  # before the reception
    (MON, 8, WD, [("2026-03-04 09:00", "2026-03-04 09:00")], "2026-03-12 17:00"),  # no length
    (MON, 8, WD, [("2026-03-03 10:00", "2026-03-03 11:00")], "2026-03-13 17:00"),  # Tue from 10:00: 300
    # Overlapping: Tue 3 10:00 – Thu 5: 300 + 450 + 450 = 2 days and 300 after Thu 12: Tue 17
    (
        MON,
        8,
        WD,
        [("2026-03-03 10:00", "2026-03-04 12:00"), ("2026-03-04 09:00", "2026-03-05 08:00")],
        "2026-03-17 17:00",
    ),
    # Used up Fri 6 14:30, due 17:00; the second begins before: the day after Tue 10 (first day after)
    (
        MON,
        2,
        WD,
        [("2026-03-04 10:00", "2026-03-05 14:00"), ("2026-03-06 15:00", "2026-03-10 10:00")],
        "2026-03-11 17:00",
    ),
    # Tết: Thu 12 (450), Fri 13 until 8:00 (30); Mon 23 is the first day after; Tue 24 (450), Wed 25 (420)
    ("2026-02-11 09:00", 3, WD, [("2026-02-13 08:00", "2026-02-23 09:00")], "2026-02-25 17:00"),
    # Half a day, Tue 11:15; Tue from 8:00 is 420: 225 + 420 = 645, Wed 195: 10:45
    (MON, "0.5", WD, [("2026-03-03 08:00", "2026-03-03 09:00")], "2026-03-04 10:45"),
    # Within the day: as if received when the span ended, Wed 14:00, or after 15:00
    (MON, 0, WD, [("2026-03-02 10:00", "2026-03-04 14:00")], "2026-03-04 17:00"),
    (MON, 0, WD, [("2026-03-02 10:00", "2026-03-04 15:30")], "2026-03-05 17:00"),
    # Hours keep their minutes: 11:00 + 60 = 11:30, 13:30 + 30
    (MON, 2, WH, [("2026-03-02 09:30", "2026-03-02 10:30")], "2026-03-02 14:00"),
    (MON, 2, H, [("2026-03-02 09:30", "2026-03-02 10:30")], "2026-03-02 12:00"),
    # Calendar days: 24:00 of Thu 5; Wed 14 h + Thu 24 h = 38 h: Sat 7 14:00, rolls to Mon 9
    (MON, 3, CD, [("2026-03-04 10:00", "2026-03-05 14:00")], "2026-03-09 17:00"),
]


@pytest.mark.parametrize(("received", "amount", "unit", "spans", "due"), EXCLUDED)
def test_an_excluded_span_moves_the_deadline(
    received: str, amount: str | int, unit: str, spans: Sequence[tuple[str, str]], due: str
) -> None:
    excluded = [Span(at(a), at(b)) for a, b in spans]
    assert due_at(at(received), limit(amount, unit), CALENDARS["VN"], excluded).due_at == at(due)


def test_the_unrounded_deadline_is_kept_beside_the_promised_one() -> None:
    span = Span(at("2026-03-04 10:00"), at("2026-03-05 14:00"))
    found = due_at(at(MON), limit(2, WD), CALENDARS["VN"], [span])
    assert found.unrounded_at == at("2026-03-06 14:30")


def test_a_step_moves_by_the_minutes_of_its_span() -> None:
    span = Span(at("2026-03-02 10:00"), at("2026-03-02 11:00"))  # 14:45 + 60
    found = due_at(at(MON), limit("0.5", WD), CALENDARS["VN"], [span], from_moment=True)
    assert found.due_at == at("2026-03-02 15:45")


def test_a_result_in_an_undecided_year_says_so() -> None:
    assert due_at(at("2026-12-31 09:00"), limit(1, WD), CALENDARS["VN"]).provisional
    assert not due_at(at("2026-12-30 09:00"), limit(1, WD), CALENDARS["VN"]).provisional
    assert due_at(at("2026-03-02 09:00"), limit(365, WD), CALENDARS["VN"]).provisional


@pytest.mark.parametrize(("received", "amount", "unit", "due"), [row for row in ROWS if row[1] != 250])
def test_an_explanation_ends_on_the_due_day(received: str, amount: str | int, unit: str, due: str) -> None:
    rows = explain(at(received), limit(amount, unit), CALENDARS["VN"])
    last = (at(due) - timedelta(minutes=1)).date()

    assert [row.date for row in rows] == [
        at(received).date() + timedelta(n) for n in range((last - at(received).date()).days + 1)
    ]
    assert rows[-1].text_vi.endswith(f"Hạn trả: {at(due):%H:%M}.")
