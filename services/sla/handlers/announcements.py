"""What the others are told of a clock: the difference between what they know and what its history amounts to."""

from datetime import datetime

from services.sla.domain import ClockState, verdict
from services.sla.domain import Suspension as Span
from services.sla.handlers.terms import opened_by
from services.sla.models import Clock, Suspension
from services.sla.repository import History
from shared.events.base import Limit
from shared.events.sla import ClockFinished, ClockResumed, ClockStarted, ClockSuspended, DeadlineMoved, SlaFact
from shared.outbox import publish
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import Calendar, working_minutes

CORRECTED = "history_corrected"
"""Reason of a move that nothing explains: an earlier fact became known later."""
RE_APPOINTMENT, CALENDAR = "re_appointment", "calendar"


def announce_start(session: Session, head: HeadRow, clock: Clock, state: ClockState) -> None:
    """Tell the first deadline, once."""
    if clock.announced_deadline_at is None:
        clock.announced_deadline_at = state.first_deadline_at
        limit = Limit.model_validate({"amount": float(clock.limit_amount), "unit": clock.limit_unit})
        started = ClockStarted(
            calendar=f"{clock.calendar_code}@{clock.calendar_version}",
            limit=limit,
            deadline_at=state.first_deadline_at,
            started_at=state.started_at,
        )
        publish(session, head, started)


def announce_suspensions(
    session: Session, head: HeadRow, history: History, state: ClockState, calendar: Calendar
) -> None:
    """Tell which suspensions began and ended since, in the order in which they did."""
    told: list[tuple[datetime, SlaFact]] = []
    still = _open_ground(state)
    for span in state.suspensions:
        row = history.suspensions.get(span.no)
        if row is None:
            row = _new_row(history, span)
            session.add(row)
            history.put(row)
            told.append((span.from_at, _suspended(span, row.agency_code)))
        if span.to_at is not None and row.to_at is None:
            told.append((span.to_at, _resumed(span, span.to_at, calendar, still)))
        row.to_at = span.to_at
        row.minutes = working_minutes(span.from_at, span.to_at, calendar) if span.to_at else None
    for _, fact in sorted(told, key=lambda pair: pair[0]):
        publish(session, head, fact)
    for no in history.suspensions.keys() - {span.no for span in state.suspensions}:
        _take_back(session, head, history.suspensions.pop(no), still)


def _open_ground(state: ClockState) -> str | None:
    return next((span.ground.code for span in state.suspensions if span.to_at is None), None)


def _new_row(history: History, span: Span) -> Suspension:
    return Suspension(
        dossier_id=history.dossier_id,
        no=span.no,
        ground=span.ground.code,
        citation=span.ground.citation,
        from_at=span.from_at,
        to_at=None,
        agency_code=opened_by(history, span.no),
    )


def _suspended(span: Span, agency_code: str) -> ClockSuspended:
    return ClockSuspended(
        suspension_no=span.no,
        ground=span.ground.code,
        citation=span.ground.citation,
        from_at=span.from_at,
        agency_code=agency_code or None,
    )


def _resumed(span: Span, to_at: datetime, calendar: Calendar, still: str | None) -> ClockResumed:
    return ClockResumed(
        suspension_no=span.no,
        ground=span.ground.code,
        excluded_minutes=working_minutes(span.from_at, to_at, calendar),
        restarts=span.ground.restarts,
        to_at=to_at,
        still_suspended_by=still,
    )


def _take_back(session: Session, head: HeadRow, row: Suspension, still: str | None) -> None:
    """An earlier fact became known that leaves no room for this suspension: for the law it never was."""
    if row.to_at is None:
        void = ClockResumed(
            suspension_no=row.no,
            ground=row.ground,
            excluded_minutes=0,
            restarts=False,
            to_at=row.from_at,
            still_suspended_by=still,
        )
        publish(session, head, void)
    session.delete(row)


def announce_move(session: Session, head: HeadRow, clock: Clock, state: ClockState) -> None:
    """Tell where the promised deadline moved, and why."""
    promised, before = state.promised_deadline_at, clock.announced_deadline_at
    if promised == before:
        return
    reason, citation = _cause(state)
    moved = DeadlineMoved(
        from_at=before,
        to_at=promised,
        reason=reason,
        citation=citation,
        still_suspended_by=_open_ground(state),
        calendar=f"{clock.calendar_code}@{clock.calendar_version}",
    )
    publish(session, head, moved)
    clock.announced_deadline_at = promised


def _cause(state: ClockState) -> tuple[str, str]:
    """Return the reason and the citation of the latest thing that moves a deadline."""
    causes = [(move.at, move.ground_code, move.citation) for move in state.moves]
    causes += [(adopted.at, CALENDAR, adopted.document) for adopted in state.adopted]
    if (renewed := state.reappointed) and renewed.deadline_at == state.promised_deadline_at:
        causes.append((renewed.at, RE_APPOINTMENT, ""))
        ended = ((span.to_at, span) for span in state.suspensions if span.to_at and span.from_at >= renewed.at)
        causes += [(at, span.ground.code, span.ground.citation) for at, span in ended]
    _, reason, citation = max(causes, default=(None, CORRECTED, ""))
    return reason, citation


def announce_finish(session: Session, head: HeadRow, clock: Clock, state: ClockState) -> None:
    """Tell the verdict; again, if an earlier fact that became known later changes it."""
    if state.finished_at is None:
        return
    judged, deadline_at = verdict(state.finished_at, state.standing_deadline_at), state.standing_deadline_at
    told = (clock.finished_at, clock.deadline_at, clock.verdict, clock.elapsed_minutes)
    if told != (state.finished_at, deadline_at, judged, state.elapsed_minutes):
        finished = ClockFinished(
            verdict=judged.value,
            deadline_at=deadline_at,
            finished_at=state.finished_at,
            elapsed_minutes=state.elapsed_minutes,
        )
        publish(session, head, finished)
