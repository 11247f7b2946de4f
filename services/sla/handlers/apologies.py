"""Apologies: the agency says before the deadline that it can not keep it, why, and once until when it will."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.sla import repository
from services.sla.domain import Kept, Kind, Status, apology_key, is_apology_in_time
from services.sla.handlers.agencies import require_acting, responsible_for, seen_codes
from services.sla.handlers.clocks import note
from services.sla.handlers.deadlines import within_calendar
from services.sla.handlers.suspensions import decided, require_seen
from services.sla.handlers.terms import terms
from services.sla.repository import History
from services.sla.schemas.clocks import ApologyAsk
from shared.auth import Principal
from shared.errors import AlreadyDone, DomainError, IllegalTransition, Malformed, Text, wrong_field
from shared.events.sla import ApologyIssued
from shared.outbox import next_instant, publish
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import Calendar, local_date


class ReAppointmentUsed(DomainError):
    """The one re-appointment was promised before; a further apology promises nothing new."""

    status = 409
    code = "re_appointment_used"
    title = Text("Chỉ được hẹn lại một lần", "Only one re-appointment is allowed")


_WHO_APOLOGISES = Text(
    "Chỉ cơ quan đang giữ hồ sơ hoặc bộ phận Một cửa nơi tiếp nhận được xin lỗi và hẹn lại",
    "only the agency that holds the dossier, or its receiving unit, apologises",
)
_WRONG_DATE: Mapping[str, tuple[str, str]] = {
    "not_later": ("Ngày hẹn lại phải sau ngày hẹn trả và sau hôm nay", "later than the promised day and than today"),
    "not_a_working_day": ("Ngày hẹn lại không phải là ngày làm việc", "this is not a working day"),
    "moved_by_law": (
        "Hạn trả đã được dời theo luật; phiếu xin lỗi này không hẹn ngày mới",
        "the law has moved the day since: this apology promises none",
    ),
    "required": ("Lần đầu phải nêu ngày hẹn lại", "the first apology promises a new day"),
}


async def issue_apology(session: Session, dossier_id: UUID, ask: ApologyAsk, seen: int, by: Principal) -> History:
    """Apologise for the deadline that can not be kept, and promise another day, once.

    Forbidden unless by the agency that holds the dossier or by its receiving unit; ReAppointmentUsed, AlreadyDone,
    IllegalTransition where nothing is late, Malformed for a day that can not be promised.
    """
    head, history = await repository.lock(session, dossier_id, seen_codes(session, by))
    clock, at = history.clock, next_instant(session, head)
    assert clock is not None  # noqa: S101 - the query that locked it asked for the clock
    require_acting(session, by, responsible_for(history), _WHO_APOLOGISES)
    deadline_at = _require_late(history)
    require_seen(history, seen)
    calendar = terms(session, clock).calendar
    in_time = is_apology_in_time(at, deadline_at, calendar)
    promised_at = _promise(history, deadline_at, ask.new_due_on, calendar, at)
    issued = ApologyIssued(
        apology_no=1 + len(history.apologies),
        agency_code=by.agency_code or "",
        deadline_at=deadline_at,
        in_time=in_time,
        new_deadline_at=promised_at,
        issued_at=at,
    )
    data = {**data_of(issued), "reason": ask.reason, "by": by.subject}
    apologise(session, head, history, decided(head, at, Kind.APOLOGISED, issued.apology_no, data), issued)
    return history


def apologise(session: Session, head: HeadRow, history: History, fact: Kept, issued: ApologyIssued) -> None:
    """Announce an apology and keep what it promises."""
    clock = history.clock
    assert clock is not None  # noqa: S101 - an apology is about a clock
    publish(session, head, issued)
    clock.apologies = {**clock.apologies, apology_key(issued.deadline_at): issued.in_time}
    note(session, head, history, fact)


def data_of(issued: ApologyIssued) -> dict[str, Any]:
    """Return what the event itself holds of an apology."""
    kept = issued.model_dump(mode="json", include={"agency_code", "deadline_at", "in_time", "new_deadline_at"})
    return {name: value for name, value in kept.items() if value is not None}


def uncovered(history: History, also: Iterable[datetime] = ()) -> list[datetime]:
    """Return the missed deadlines, and *also*, that no apology is about, nor one that promised a later day before."""
    clock = history.clock
    assert clock is not None  # noqa: S101 - a deadline is a clock's
    promises = [
        (fact.at, datetime.fromisoformat(fact.data["new_deadline_at"]))
        for fact in history.apologies
        if fact.data.get("new_deadline_at")
    ]
    missed = sorted({*clock.missed_deadlines, *also})
    open_ones = [at for at in missed if apology_key(at) not in clock.apologies]
    return [at for at in open_ones if not any(given <= at < promised for given, promised in promises)]


def _require_late(history: History) -> datetime:
    """Return the deadline that can not be, or was not, kept: first the oldest that is owed an apology."""
    clock, owed = history.clock, uncovered(history)
    assert clock is not None  # noqa: S101 - checked by the caller
    if owed:
        return owed[0]
    promised_at = clock.promised_deadline_at
    is_late = clock.status == Status.FINISHED and clock.finished_at and promised_at and clock.finished_at > promised_at
    if promised_at is None or not (clock.status == Status.RUNNING or is_late):
        why = Text("Hồ sơ không có hạn trả nào bị trễ", "there is no deadline that can not be kept")
        raise IllegalTransition(why, extra={"status_now": clock.status, "allowed": []})
    if apology_key(promised_at) in clock.apologies:
        raise AlreadyDone(Text("Đã xin lỗi cho hạn trả này", "an apology for this deadline was issued"))
    return promised_at


def _promise(
    history: History, deadline_at: datetime, on: date | None, calendar: Calendar, at: datetime
) -> datetime | None:
    """Return the close of office of the day that is promised; None where nothing more may be."""
    clock = history.clock
    assert clock is not None  # noqa: S101 - checked by the caller
    if clock.status != Status.FINISHED and deadline_at != clock.promised_deadline_at:
        if on is not None:
            raise _wrong("moved_by_law")
        return None
    is_used = any(fact.data.get("new_deadline_at") for fact in history.apologies)
    if is_used or clock.status == Status.FINISHED:
        if on is not None and is_used:
            raise ReAppointmentUsed(Text("Phiếu xin lỗi này không hẹn ngày mới", "this apology promises no new day"))
        return None
    if on is None:
        raise _wrong("required")
    if on <= max(local_date(at), local_date(clock.deadline_at or at)):
        raise _wrong("not_later")
    with within_calendar("/new_due_on"):
        if not calendar.is_working_day(on):
            raise _wrong("not_a_working_day")
        return calendar.close_of_day(on)


def _wrong(code: str) -> Malformed:
    vi, en = _WRONG_DATE[code]
    return Malformed(extra={"errors": [wrong_field("/new_due_on", code, vi, en)]})
