"""The pure calculator: a deadline and its explanation, without a dossier."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from services.sla.schemas.clocks import DayRead, DeadlineAsk, DeadlineRead
from shared.errors import DomainError, Malformed, NotFound, Text, wrong_field
from shared.reference import References
from shared.worktime import Calendar, CalendarGap, Limit, due_at, explain


class OutsideCalendar(DomainError):
    """A day is needed that no calendar covers: no answer is better than a guess."""

    status = 422
    code = "calendar_gap"
    title = Text("Lịch làm việc chưa có ngày cần tính", "The calendar does not cover a day that is needed")


@contextmanager
def within_calendar(pointer: str | None = None) -> Iterator[None]:
    """Turn a gap of the calendar into the refusal that says which days are covered."""
    try:
        yield
    except CalendarGap as gap:
        wrong = {"pointer": pointer, "code": "calendar_gap", "detail": str(gap)}
        raise OutsideCalendar(str(gap), extra={"errors": [wrong]} if pointer else {}) from gap


def work_out_deadline(references: References, ask: DeadlineAsk) -> DeadlineRead:
    """Return the deadline of a limit; Malformed or OutsideCalendar name the field that is wrong."""
    try:
        calendar: Calendar = references.latest("calendar", ask.calendar_code)
    except NotFound:
        raise _wrong(
            "/calendar_code", "unknown_calendar", "Không có lịch làm việc này", "There is no such calendar"
        ) from None
    try:
        limit = Limit(amount=ask.limit, unit=ask.unit)
    except ValidationError:
        raise _wrong(
            "/limit", "no_time", "Thời hạn tính theo giờ phải lớn hơn 0", "A limit in hours is more than 0"
        ) from None
    with within_calendar("/received_at"):
        deadline = due_at(ask.received_at, limit, calendar)
        days = explain(ask.received_at, limit, calendar)
    return DeadlineRead(
        deadline_at=deadline.due_at,
        unrounded_at=deadline.unrounded_at,
        is_provisional=deadline.provisional,
        calendar_version=calendar.reference,
        explanation=[DayRead.model_validate(day) for day in days],
    )


def _wrong(pointer: str, code: str, vi: str, en: str) -> Malformed:
    return Malformed(extra={"errors": [wrong_field(pointer, code, vi, en)]})
