"""A deadline explained day by day: what counted, what did not, why, and by which rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.worktime.calendar import LOCAL, Calendar, Day, DayKind, at_local, day_end, local_date
from shared.worktime.data import TO_BE_CONFIRMED
from shared.worktime.limits import Count, Limit, Span, count_out


class Reason(StrEnum):
    """Why a day counted or did not."""

    RECEPTION_DAY = "reception_day"
    EXCLUDED = "excluded"
    FIRST_DAY_AFTER = "first_day_after"
    PARTLY_EXCLUDED = "partly_excluded"
    HOLIDAY = "holiday"
    RECEPTION_ONLY = "reception_only"
    WEEKEND = "weekend"
    USED_UP = "used_up"
    WORKED = "worked"
    WORKING = "working"
    CALENDAR_DAY = "calendar_day"


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of an explanation; *minutes* are those that counted towards the limit, in its measure."""

    date: date
    counted: bool
    minutes: int
    reason: Reason
    citation: str
    name: str
    text_vi: str
    text_en: str


class _Wording(NamedTuple):
    vi: str
    en: str
    citation: str = ""


_CIVIL_CODE = "Bộ luật Dân sự 91/2015/QH13, Điều 147–148"
_WORDINGS: dict[Reason, _Wording] = {
    Reason.RECEPTION_DAY: _Wording(
        "ngày tiếp nhận, không tính vào thời hạn", "reception day, not counted", _CIVIL_CODE
    ),
    Reason.EXCLUDED: _Wording("không tính vào thời hạn{name}", "not counted{name}"),
    Reason.FIRST_DAY_AFTER: _Wording(
        "ngày đầu tiên sau khoảng thời gian không tính vào thời hạn, không tính",
        "first day after a span that does not count, not counted",
        _CIVIL_CODE,
    ),
    Reason.PARTLY_EXCLUDED: _Wording(
        "tính {minutes} phút, phần còn lại không tính vào thời hạn{name}",
        "{minutes} minutes counted, the rest not{name}",
    ),
    Reason.HOLIDAY: _Wording("ngày nghỉ{name}, không tính", "day off{name}, not counted"),
    Reason.RECEPTION_ONLY: _Wording(
        "có tiếp nhận hồ sơ nhưng không tính vào thời hạn",
        "dossiers are received, but the day is not counted",
    ),
    Reason.WEEKEND: _Wording(
        "ngày nghỉ hằng tuần, không tính",
        "weekly day off, not counted",
        "Bộ luật Lao động 45/2019/QH14, Điều 111",
    ),
    Reason.USED_UP: _Wording(
        "đã đủ thời hạn, hạn trả là lúc hết giờ làm việc ngày này",
        "the time is used up, due at the close of this day",
        _CIVIL_CODE,
    ),
    Reason.WORKED: _Wording("ngày làm việc{name}, tính {minutes} phút", "working day{name}, {minutes} minutes counted"),
    Reason.WORKING: _Wording("ngày làm việc, tính {minutes} phút", "working day, {minutes} minutes counted"),
    Reason.CALENDAR_DAY: _Wording("tính {minutes} phút theo lịch", "{minutes} minutes of the clock counted"),
}
_DAYS_VI = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class _Facts(NamedTuple):
    """What is known of one day before it is worded; *is_around*: every minute of the clock counts."""

    day: Day
    minutes: int
    received: bool
    span: Span | None
    is_first_after: bool
    is_around: bool

    def is_off(self, *kinds: DayKind) -> bool:
        """Whether nothing counted on a day of *kinds*."""
        return not self.minutes and self.day.kind in kinds


_ABOUT_SPANS = (Reason.EXCLUDED, Reason.PARTLY_EXCLUDED)

# The first that holds is the reason.
_REASONS: tuple[tuple[Reason, Callable[[_Facts], bool]], ...] = (
    (Reason.RECEPTION_DAY, lambda f: f.received and not f.minutes),
    (Reason.HOLIDAY, lambda f: not f.is_around and f.is_off(DayKind.HOLIDAY)),
    (Reason.RECEPTION_ONLY, lambda f: not f.is_around and f.is_off(DayKind.RECEPTION_ONLY)),
    (Reason.WEEKEND, lambda f: not f.is_around and f.is_off(DayKind.WEEKEND)),
    (Reason.FIRST_DAY_AFTER, lambda f: not f.minutes and f.is_first_after),
    (Reason.EXCLUDED, lambda f: not f.minutes and f.span is not None),
    (Reason.HOLIDAY, lambda f: f.is_off(DayKind.HOLIDAY)),
    (Reason.WEEKEND, lambda f: f.is_off(DayKind.WEEKEND, DayKind.RECEPTION_ONLY)),
    (Reason.USED_UP, lambda f: not f.minutes),
    (Reason.PARTLY_EXCLUDED, lambda f: f.span is not None),
    (Reason.CALENDAR_DAY, lambda f: f.is_around),
    (Reason.WORKED, lambda f: f.day.kind is DayKind.WORKED),
    (Reason.WORKING, lambda _: True),
)


def explain(
    received_at: datetime,
    limit: Limit,
    calendar: Calendar,
    excluded: Sequence[Span] = (),
    *,
    from_moment: bool = False,
) -> list[DayRow]:
    """Return one row a day from the reception day to the due day, for the deadline that `due_at` gives.

    The minutes of the rows add up to the limit: working minutes, or minutes of the clock for calendar units.
    Raises as `due_at` does.
    """
    count = count_out(received_at, limit, calendar, excluded, from_moment=from_moment)
    first, last = local_date(received_at), local_date(count.due_at - timedelta(minutes=1))
    days = [first + timedelta(n) for n in range((max(first, last) - first).days + 1)]
    facts = [_facts(calendar.day(on), count, calendar, excluded, received=on == first) for on in days]
    return [_row(fact, count.due_at if fact.day.date == last else None) for fact in facts]


def _facts(day: Day, count: Count, calendar: Calendar, excluded: Sequence[Span], *, received: bool) -> _Facts:
    starts_at = at_local(day.date, time())
    ends_at = day_end(starts_at)
    whole = count.measure.position(starts_at), count.measure.position(ends_at)
    minutes = _overlap(whole, count.bounds) - sum(_overlap(s, whole, count.bounds) for s in count.excluded)
    spans = [s for s in excluded if s.start_at < ends_at and s.end_at > starts_at]
    begun_before = [s for s in spans if count.counting.by_day and s.start_at <= starts_at and s.end_at < ends_at]
    return _Facts(
        day,
        minutes,
        received=received,
        span=spans[0] if spans else None,
        is_first_after=bool(begun_before),
        is_around=count.measure is not calendar,
    )


def _overlap(*ranges: tuple[int, int]) -> int:
    return max(0, min(end for _, end in ranges) - max(start for start, _ in ranges))


def _row(facts: _Facts, due_at: datetime | None) -> DayRow:
    reason = next(reason for reason, holds in _REASONS if holds(facts))
    wording, names, citation = _WORDINGS[reason], _names(facts, reason), _citation(facts, reason)
    on, weekday = facts.day.date, facts.day.date.weekday()
    due = f"{due_at.astimezone(LOCAL):%H:%M}" if due_at else ""
    vi, en = (
        text.format(minutes=facts.minutes, name=f" ({name})" if name else "")
        for text, name in zip((wording.vi, wording.en), names, strict=True)
    )
    law = f" [{citation}]" if citation and reason is not Reason.WORKING else ""
    return DayRow(
        date=on,
        counted=facts.minutes > 0,
        minutes=facts.minutes,
        reason=reason,
        citation=citation,
        name=names[0],
        text_vi=f"{_DAYS_VI[weekday]} {on:%d/%m/%Y}: {vi}{law.replace(TO_BE_CONFIRMED, 'chờ xác nhận')}."
        + (f" Hạn trả: {due}." if due else ""),
        text_en=f"{_DAYS_EN[weekday]} {on}: {en}{law}." + (f" Due: {due}." if due else ""),
    )


def _names(facts: _Facts, reason: Reason) -> tuple[str, str]:
    source = facts.span if reason in _ABOUT_SPANS else facts.day.override
    return (source.name, source.name_en or source.name) if source else ("", "")


def _citation(facts: _Facts, reason: Reason) -> str:
    if reason in _ABOUT_SPANS and facts.span and facts.span.citation:
        return facts.span.citation
    return _WORDINGS[reason].citation or facts.day.citation
