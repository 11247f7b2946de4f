"""What an explanation says of each kind of day."""

from datetime import datetime
from pathlib import Path

from shared.worktime import Calendar, CalendarData, Limit, Reason, Span, explain
from shared.worktime.calendar import LOCAL

FOLDER = Path(__file__).parents[3] / "deploy/province/calendars"


def calendar(code: str = "VN") -> Calendar:
    return Calendar(CalendarData.model_validate_json((FOLDER / f"{code}.json").read_text(encoding="utf-8")))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def limit(amount: int, unit: str = "working_days") -> Limit:
    return Limit.model_validate({"amount": amount, "unit": unit})


def test_each_day_says_why_it_counted_or_not() -> None:
    tax = Span(at("2026-02-23 10:00"), at("2026-02-25 10:00"), "126/2020/NĐ-CP", "Xác định nghĩa vụ tài chính")
    rows = explain(at("2026-02-12 09:00"), limit(3), calendar(), [tax])

    assert [(row.date.day, row.reason, row.minutes) for row in rows] == [
        (12, Reason.RECEPTION_DAY, 0),
        (13, Reason.WORKING, 450),
        (14, Reason.WEEKEND, 0),
        (15, Reason.WEEKEND, 0),
        *((day, Reason.HOLIDAY, 0) for day in range(16, 21)),
        (21, Reason.WEEKEND, 0),
        (22, Reason.WEEKEND, 0),
        (23, Reason.PARTLY_EXCLUDED, 150),
        (24, Reason.EXCLUDED, 0),
        (25, Reason.FIRST_DAY_AFTER, 0),
        (26, Reason.WORKING, 450),
        (27, Reason.WORKING, 300),
    ]
    assert sum(row.minutes for row in rows) == 3 * 450
    assert rows[4].text_vi == (
        "Thứ Hai 16/02/2026: ngày nghỉ (Giao thừa Tết Nguyên Đán), không tính "
        "[Bộ luật Lao động 45/2019/QH14, Điều 112]."
    )
    assert rows[4].text_en.startswith("Mon 2026-02-16: day off (Lunar New Year's Eve), not counted")
    assert rows[12].citation == "126/2020/NĐ-CP"
    assert rows[-1].text_vi.endswith("Hạn trả: 17:00.")


def test_a_swapped_saturday_names_its_decision() -> None:
    rows = explain(at("2025-04-25 09:00"), limit(4), calendar())

    assert (rows[1].reason, rows[1].minutes, rows[1].citation) == (
        Reason.WORKED,
        450,
        "6150/TB-BLĐTBXH (2024)",
    )
    assert rows[7].reason is Reason.HOLIDAY
    assert rows[7].citation == "6150/TB-BLĐTBXH (2024)"


def test_saturday_reception_is_named_with_its_decision() -> None:
    rows = explain(at("2026-03-06 09:00"), limit(1), calendar("VN-T7"))
    assert (rows[1].reason, rows[1].counted, rows[1].citation) == (
        Reason.RECEPTION_ONLY,
        False,
        "14/2010/QĐ-TTg",
    )


def test_a_decision_still_awaited_reads_so_in_both_languages() -> None:
    row = explain(at("2026-01-09 09:00"), limit(1), calendar())[1]
    assert "[chờ xác nhận]" in row.text_vi
    assert "[to be confirmed]" in row.text_en


def test_calendar_days_count_weekends_and_roll_a_last_day_that_is_off() -> None:
    rows = explain(at("2026-03-05 09:00"), limit(3, "calendar_days"), calendar())  # Fri 6, Sat 7, Sun 8; Mon 9

    assert [(row.date.day, row.counted, row.reason) for row in rows] == [
        (5, False, Reason.RECEPTION_DAY),
        (6, True, Reason.CALENDAR_DAY),
        (7, True, Reason.CALENDAR_DAY),
        (8, True, Reason.CALENDAR_DAY),
        (9, False, Reason.USED_UP),
    ]


def test_a_span_in_the_last_rounded_hours_leaves_one_minute_for_the_day_after() -> None:
    tax = Span(at("2026-03-04 10:00"), at("2026-03-05 10:00"))  # leaves 300 minutes: Fri 6 at 14:30, due at 17:00
    late = Span(at("2026-03-06 16:00"), at("2026-03-06 16:30"))
    rows = explain(at("2026-03-02 09:00"), limit(2), calendar(), [tax, late])

    assert [(row.date.day, row.minutes) for row in rows if row.counted] == [(3, 450), (4, 150), (6, 299), (9, 1)]
    assert sum(row.minutes for row in rows) == 2 * 450
