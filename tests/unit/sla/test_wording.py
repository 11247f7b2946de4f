"""A clock told as a clerk would read it out: a tax determination, a swapped Saturday, an apology, a late end."""

from datetime import date, datetime
from decimal import Decimal

from deploy.province.make_calendars import calendars
from services.sla.domain import (
    CalendarAdopted,
    ClockRule,
    Fact,
    Finished,
    Ground,
    Reappointed,
    Started,
    SuspensionBegan,
    SuspensionEnded,
    basis,
    evaluate,
    verdict,
)
from services.sla.domain.wording import tell
from shared.worktime import Calendar, Limit, Unit, explain
from shared.worktime.calendar import LOCAL

VN = Calendar(calendars()["VN"])
LIMIT = Limit(amount=Decimal(8), unit=Unit.WORKING_DAYS)
TAX = Ground(code="tax", valid_from=date(2024, 8, 1), citation="101/2024/NĐ-CP", name="Cơ quan thuế xác định nghĩa vụ")
RULE = ClockRule(limit=LIMIT, grounds=(TAX,))


def at(text: str) -> datetime:
    """Return an instant of 2025, "21/4 09:00"."""
    day, clock = text.split()
    return datetime.strptime(f"{day}/2025 {clock}", "%d/%m/%Y %H:%M").replace(tzinfo=LOCAL)


# Received Mon 21/4. Counted: 22, 23 and 24 until 10:00. The span is 24 from 10:00 (90 + 210 = 300) and all of 25
# (450: its first day after does not count). Without it: 22 23 24 25, Sat 26 (worked for Fri 2/5), 28, 29, and, after
# 30/4 – 2/5, Mon 5/5 = 8. 750 minutes after 5/5 17:00: Tue 6/5 (450), Wed 7/5 14:30 – due on Wed 7/5 17:00.
LIFE: list[Fact] = [
    Started(at("21/4 09:00")),
    SuspensionBegan(at("24/4 10:00"), 20003, "tax"),
    SuspensionEnded(at("25/4 14:00"), 20003),
    Reappointed(at("6/5 09:00"), at("12/5 17:00")),
    Finished(at("9/5 10:00")),
]


def test_a_life_reads_right_to_someone_who_knows_the_law() -> None:
    state = evaluate(LIFE, RULE, VN, at("9/5 10:00"))
    assert state is not None
    assert tell(state, LIMIT, verdict(at("9/5 10:00"), state.standing_deadline_at)) == [
        "Thời hạn giải quyết: 8 ngày làm việc.",
        "Tiếp nhận lúc 09:00 ngày 21/04/2025; hạn trả ban đầu: 17:00 ngày 05/05/2025.",
        "Từ 10:00 ngày 24/04/2025 đến 14:00 ngày 25/04/2025: Cơ quan thuế xác định nghĩa vụ, "
        "không tính vào thời hạn [101/2024/NĐ-CP].",
        "Hạn trả chuyển từ 17:00 ngày 05/05/2025 sang 17:00 ngày 07/05/2025 [101/2024/NĐ-CP].",
        "Lúc 09:00 ngày 06/05/2025 cơ quan giải quyết xin lỗi và hẹn lại một lần, đến 17:00 ngày 12/05/2025; "
        "hạn theo quy định không đổi.",
        "Giải quyết xong lúc 10:00 ngày 09/05/2025: quá hạn.",
    ]


def test_each_day_of_it_says_why() -> None:
    state = evaluate(LIFE[:4], RULE, VN, at("6/5 10:00"))
    assert state is not None
    since, spans = basis(state.started_at, state.suspensions, at("6/5 10:00"))
    days = {row.date: row for row in explain(since, LIMIT, VN, spans)}
    assert (days[date(2025, 4, 24)].minutes, days[date(2025, 4, 25)].counted) == (150, False)
    swapped = days[date(2025, 4, 26)]
    assert (swapped.counted, swapped.citation) == (True, "6150/TB-BLĐTBXH (2024)")
    assert [days[date(2025, 5, n)].counted for n in (1, 2, 5, 6)] == [False, False, True, True]
    assert sum(row.minutes for row in days.values() if row.counted) == 8 * 450


def test_another_calendar_is_named_with_its_decision() -> None:
    adopted = CalendarAdopted(at("22/4 09:00"), 2, "12/QĐ-TTg")
    state = evaluate([LIFE[0], adopted], RULE, VN, at("23/4 09:00"))
    assert state is not None
    told = tell(state, LIMIT, None)
    assert "Từ 09:00 ngày 22/04/2025 tính theo lịch làm việc phiên bản 2 [12/QĐ-TTg]." in told
