"""How a clock is shown: evaluated at the moment of reading, with its legs, and explained day by day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.sla.domain import (
    ClockState,
    Status,
    apology_day,
    apology_key,
    basis,
    evaluate,
    facts_of,
    is_missed,
    merged,
    opening_of,
    stood_minutes,
    verdict,
)
from services.sla.domain import Suspension as Span
from services.sla.domain.wording import limit_text, tell
from services.sla.handlers.apologies import uncovered
from services.sla.handlers.deadlines import within_calendar
from services.sla.handlers.leg_terms import due_of
from services.sla.handlers.terms import Terms, terms
from services.sla.models import Clock, LegClock
from services.sla.repository import History
from services.sla.schemas.clocks import (
    ApologyRead,
    ClockRead,
    DayRead,
    DueRead,
    ExplanationRead,
    HoldingRead,
    LegRead,
    LimitRead,
    MoveRead,
    SuspensionRead,
)
from shared.session import Session
from shared.worktime import Calendar, explain, local_date, working_minutes


def read_clock(session: Session, history: History, now: datetime) -> ClockRead:
    """Return the clock of a dossier at *now*."""
    clock, run_by, state = _evaluated(session, history, now)
    return ClockRead(
        dossier_id=clock.dossier_id,
        version=clock.version,
        status=state.status,
        deadline_at=clock.deadline_at,
        promised_deadline_at=clock.promised_deadline_at,
        first_deadline_at=state.first_deadline_at,
        is_provisional=state.is_provisional,
        started_at=state.started_at,
        finished_at=state.finished_at,
        verdict=clock.verdict,
        elapsed_minutes=state.elapsed_minutes,
        remaining_minutes=state.remaining_minutes,
        holder_agency_code=state.holder_agency_code,
        receiving_unit_code=clock.receiving_unit_code,
        limit=_limit(run_by),
        suspensions=[_suspension(history, span, run_by, now) for span in state.suspensions],
        moves=[MoveRead.model_validate(move) for move in state.moves],
        apologies=apologies(history),
        apology_is_owed=_owes_apology(history, state, run_by, now),
        holdings=[HoldingRead.model_validate(holding) for holding in state.holdings],
        legs=[_leg(session, leg, state, run_by, now) for _, leg in sorted(history.legs.items())],
        rule_version=_rule_version(clock),
        calendar_version=run_by.calendar.reference,
    )


def apologies(history: History) -> list[ApologyRead]:
    """Return the apologies of a dossier, in their order."""
    absent = {"new_deadline_at": None, "reason": ""}
    return [ApologyRead(**absent | row.data, apology_no=row.no or 0, issued_at=row.at) for row in history.apologies]


def read_due(session: Session, rows: Sequence[Clock], now: datetime) -> list[DueRead]:
    """Return open clocks as lists show them."""
    return [_due(clock, terms(session, clock).calendar, now) for clock in rows]


def _due(clock: Clock, calendar: Calendar, now: datetime) -> DueRead:
    promised_at = clock.announced_deadline_at
    return DueRead(
        dossier_id=clock.dossier_id,
        procedure_code=clock.procedure_code,
        receiving_unit_code=clock.receiving_unit_code,
        holder_agency_code=clock.holder_agency_code,
        promised_deadline_at=promised_at,
        status=clock.status,
        is_re_appointed=clock.renewed_deadline_at is not None,
        is_overdue=clock.status == Status.RUNNING and promised_at < now,
        apology_is_issued=apology_key(promised_at) in clock.apologies,
        apology_by_at=calendar.close_of_day(apology_day(promised_at, calendar)),
    )


def _owes_apology(history: History, state: ClockState, run_by: Terms, now: datetime) -> bool:
    """Say whether a deadline was missed that no apology covers; the last one may not be announced as missed yet."""
    last = state.promised_deadline_at
    late = [last] if (state.finished_at or now) > last else []
    missed = [at for at in late if is_missed(facts_of(history.facts), run_by.rule, run_by.calendar, at)]
    return bool(uncovered(history, missed))


def _evaluated(session: Session, history: History, now: datetime) -> tuple[Clock, Terms, ClockState]:
    clock = history.clock
    assert clock is not None  # noqa: S101 - the query that found it asked for the clock
    run_by = terms(session, clock)
    with within_calendar():
        state = evaluate(facts_of(history.facts), run_by.rule, run_by.calendar, now)
    assert state is not None  # noqa: S101 - a clock row begins with its start
    return clock, run_by, state


def _rule_version(clock: Clock) -> str:
    return f"{clock.procedure_code}@{clock.procedure_version}"


def _limit(run_by: Terms) -> LimitRead:
    limit = run_by.rule.limit
    return LimitRead(amount=float(limit.amount), unit=limit.unit, text_vi=limit_text(limit))


def _suspension(history: History, span: Span, run_by: Terms, now: datetime) -> SuspensionRead:
    to_at = span.to_at or max(now, span.from_at)
    given: dict[str, Any] = next((f.data for f in history.facts if f.no == span.no and "document_no" in f.data), {})
    return SuspensionRead(
        no=span.no,
        ground=span.ground.code,
        name=span.ground.name,
        citation=span.ground.citation,
        restarts=span.ground.restarts,
        opened_by=opening_of(span.no),
        document_no=given.get("document_no"),
        from_at=span.from_at,
        to_at=span.to_at,
        minutes=working_minutes(span.from_at, to_at, run_by.calendar),
    )


def _leg(session: Session, leg: LegClock, state: ClockState, run_by: Terms, now: datetime) -> LegRead:
    """Show a leg; suspensions of the dossier other than its own do not count in its minutes."""
    until = min(filter(None, (leg.ended_at, state.finished_at, max(now, leg.offered_at))))
    fields = {name: getattr(leg, name) for name in LegRead.model_fields if hasattr(LegClock, name)}
    stretch, calendar = (leg.offered_at, max(until, leg.offered_at)), run_by.calendar
    spans = merged((s.from_at, s.to_at or now) for s in state.suspensions) if leg.excluded_ground is None else []
    due_at = due_of(session, leg, calendar, stood_minutes((leg.counted_from, stretch[1]), spans, calendar))
    late = due_at is not None and leg.excluded_ground is None and until > due_at
    minutes = working_minutes(*stretch, calendar) - stood_minutes(stretch, spans, calendar)
    return LegRead(**fields | {"due_at": due_at, "minutes": minutes, "is_late": late})


def explain_clock(session: Session, history: History, now: datetime) -> ExplanationRead:
    """Return why the deadline is the one it is: as sentences, and day by day since the limit last began."""
    clock, run_by, state = _evaluated(session, history, now)
    limit, calendar = run_by.rule.limit, run_by.calendar
    counted_from_at, spans = basis(state.started_at, state.suspensions, state.finished_at or now)
    with within_calendar():
        days = explain(counted_from_at, limit, calendar, spans)
    if state.status is Status.SUSPENDED:
        days = [day for day in days if day.date < local_date(now)]
    judged = verdict(state.finished_at, state.standing_deadline_at) if state.finished_at else None
    return ExplanationRead(
        dossier_id=clock.dossier_id,
        status=state.status,
        deadline_at=clock.deadline_at,
        limit=_limit(run_by),
        counted_from_at=counted_from_at,
        rule_version=_rule_version(clock),
        calendar_version=calendar.reference,
        text_vi=tell(state, limit, judged),
        days=[DayRead.model_validate(day) for day in days],
    )
