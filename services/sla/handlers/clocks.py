"""The clock itself: every fact is kept, the history evaluated anew, and what changed announced."""

from datetime import datetime

from services.sla import repository
from services.sla.domain import (
    CalendarAdopted,
    ClockState,
    Fact,
    Kept,
    Status,
    evaluate,
    facts_of,
    holder_of,
    is_missed,
    lasts_until,
    n_changes,
    n_supplements,
    order,
    overdue_spans,
    seen_until,
    verdict,
    warn_at,
)
from services.sla.handlers.announcements import announce_finish, announce_move, announce_start, announce_suspensions
from services.sla.handlers.entries import count, enter
from services.sla.handlers.holdings import keep_holdings
from services.sla.handlers.leg_terms import judge_legs
from services.sla.handlers.terms import Terms, forgotten_days, near_breach, terms
from services.sla.models import Clock, Timer
from services.sla.models import Fact as FactRow
from services.sla.repository import History
from shared.events.base import split_reference
from shared.events.intake import DossierAccepted
from shared.events.sla import DeadlineMissWithdrawn
from shared.outbox import publish
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import Limit

NEAR_BREACH, BREACH, RENEWED_BREACH = "near_breach", "breach", "renewed_breach"
FORGOTTEN = "forgotten"


async def start_clock(session: Session, head: HeadRow, accepted: DossierAccepted, fact: Kept) -> None:
    """Start the clock of an accepted dossier, by the calendar and the limit that the appointment was made with."""
    history = await repository.history(session, head.dossier_id)
    if history.clock is None:
        clock = _new_clock(head, accepted, fact)
        session.add(clock)
        history.put(clock)
    note(session, head, history, fact)


def _new_clock(head: HeadRow, accepted: DossierAccepted, fact: Kept) -> Clock:
    procedure_code, procedure_version = split_reference(accepted.procedure)
    calendar_code, calendar_version = split_reference(accepted.calendar)
    limit = Limit.model_validate(accepted.limit.model_dump())
    return Clock(
        dossier_id=head.dossier_id,
        version=0,
        status=Status.RUNNING,
        dossier_code=accepted.code,
        procedure_code=procedure_code,
        procedure_version=procedure_version,
        field_code=accepted.field_code,
        channel="assisted" if accepted.assisted else accepted.channel,
        receiving_unit_code=accepted.receiving_unit_code,
        limit_amount=limit.amount,
        limit_unit=limit.unit,
        calendar_code=calendar_code,
        calendar_version=calendar_version,
        started_at=fact.at,
        missed_deadlines=[],
        apologies={},
        finished_at=None,
        verdict=None,
        ending=None,
        overdue=[],
        n_supplements=0,
    )


async def keep_fact(session: Session, head: HeadRow, fact: Kept) -> None:
    """Keep one more fact of a dossier; total: whatever the state, it is kept, and moot where it comes too late."""
    history = await repository.history(session, head.dossier_id)
    if any(fact.at < known.at for known in history.facts):
        await repository.read_ended_legs(session, history)
    note(session, head, history, fact)


def note(session: Session, head: HeadRow, history: History, fact: Kept) -> None:
    """Add a fact to a history that was read, and settle what follows from it."""
    session.insert(FactRow, fact._asdict())
    history.facts.append(fact)
    settle(session, head, history)


def settle(session: Session, head: HeadRow, history: History) -> None:
    """Evaluate the whole history, announce what is new, and bring the cached state and the timers up to it.

    The result depends on the set of facts only, never on the order in which they arrived.
    """
    clock, facts = history.clock, facts_of(history.facts)
    if clock is None:
        return
    if clock.version == (version := n_changes(facts)):
        _hand_over(session, history, clock, facts)
        return
    counted, adopted = count(clock), [fact for fact in facts if isinstance(fact, CalendarAdopted)]
    clock.calendar_version = max(adopted, key=order).version if adopted else clock.calendar_version
    run_by = terms(session, clock)
    state = _state(clock, facts, run_by)
    clock.version = version
    announce_start(session, head, clock, state)
    announce_suspensions(session, head, history, state, run_by.calendar)
    announce_move(session, head, clock, state)
    announce_finish(session, head, clock, state)
    _withdraw_misses(session, head, clock, facts, run_by)
    _copy(clock, state)
    clock.n_supplements = n_supplements(history.facts)
    clock.overdue = overdue_spans(state, clock.missed_deadlines, seen_until(facts))
    enter(session, head, clock, counted)
    judge_legs(session, head, history, run_by.calendar)
    keep_holdings(session, history, state, run_by)
    _arm(session, history, state, run_by, _spared(facts, state, run_by, clock.missed_deadlines))


def _hand_over(session: Session, history: History, clock: Clock, facts: list[Fact]) -> None:
    """Note who holds the dossier; if that becomes known after the end, who held it how long may be another."""
    clock.holder_agency_code = holder_of(facts)
    if clock.finished_at is not None:
        run_by = terms(session, clock)
        keep_holdings(session, history, _state(clock, facts, run_by), run_by)


def _state(clock: Clock, facts: list[Fact], run_by: Terms) -> ClockState:
    """Return what the history amounts to, as of its last fact."""
    state = evaluate(facts, run_by.rule, run_by.calendar, clock.started_at)
    assert state is not None  # noqa: S101 - a clock row begins with its start
    return state


def _withdraw_misses(session: Session, head: HeadRow, clock: Clock, facts: list[Fact], run_by: Terms) -> None:
    """Take back what later knowledge of earlier facts shows not to have been missed."""
    for deadline_at in clock.missed_deadlines:
        if not is_missed(facts, run_by.rule, run_by.calendar, deadline_at):
            publish(session, head, DeadlineMissWithdrawn(deadline_at=deadline_at))
            clock.missed_deadlines = [other for other in clock.missed_deadlines if other != deadline_at]


def _copy(clock: Clock, state: ClockState) -> None:
    clock.status = state.status
    clock.holder_agency_code = state.holder_agency_code
    clock.started_at = state.started_at
    clock.first_deadline_at = state.first_deadline_at
    clock.deadline_at = None if state.status is Status.SUSPENDED else state.standing_deadline_at
    promised = state.promised_deadline_at
    clock.renewed_deadline_at = promised if promised > state.standing_deadline_at else None
    clock.finished_at, clock.ending = state.finished_at, state.ending or None
    clock.elapsed_minutes = state.elapsed_minutes if state.finished_at else None
    clock.verdict = verdict(state.finished_at, state.standing_deadline_at) if state.finished_at else None


def _spared(facts: list[Fact], state: ClockState, run_by: Terms, missed: list[datetime]) -> set[datetime]:
    """Return the deadlines that passed and were not missed: while the clock stood, or the dossier counted as ended."""
    until = seen_until(facts)
    passed = {at for at in (state.standing_deadline_at, state.promised_deadline_at) if at < until} - {*missed}
    return {at for at in passed if not is_missed(facts, run_by.rule, run_by.calendar, at)}


def _arm(session: Session, history: History, state: ClockState, run_by: Terms, spared: set[datetime]) -> None:
    """Set the timers by the present deadlines; a suspended, finished, missed or spared one fires nothing."""
    clock, standing, promised = history.clock, state.standing_deadline_at, state.promised_deadline_at
    assert clock is not None  # noqa: S101 - settled just before
    warned = warn_at(promised, run_by.rule.limit, run_by.calendar, near_breach(session), state.since_at)
    due = {NEAR_BREACH: (warned, promised), BREACH: (standing, standing)}
    if clock.renewed_deadline_at:
        due[RENEWED_BREACH] = (promised, promised)
    else:
        _drop_timer(session, history, RENEWED_BREACH)
    for kind, (due_at, deadline_at) in due.items():
        runs = state.status is Status.RUNNING and deadline_at not in {*clock.missed_deadlines, *spared}
        timer = history.timers.get(kind) or _new_timer(session, history, kind)
        if timer.deadline_at != deadline_at:
            timer.deadline_at, timer.fired_at = deadline_at, None
        timer.due_at = due_at if runs and timer.fired_at is None else None
        timer.revision = clock.version
    _arm_forgotten(session, history, state, clock)


def _arm_forgotten(session: Session, history: History, state: ClockState, clock: Clock) -> None:
    """Ask about the suspension that has lasted too long first, once each; nothing while the clock runs."""
    spans = [span for span in state.suspensions if span.to_at is None]
    if not spans:
        _drop_timer(session, history, FORGOTTEN)
        return
    timer = history.timers.get(FORGOTTEN) or _new_timer(session, history, FORGOTTEN)
    asked = (timer.deadline_at, timer.no or 0) if timer.fired_at and timer.deadline_at else None
    ends = sorted((lasts_until(span, forgotten_days(session)), span.no) for span in spans)
    following = next((end for end in ends if asked is None or end > asked), None)
    timer.due_at = following[0] if following else None
    if following is not None:
        (timer.deadline_at, timer.no), timer.fired_at = following, None
    timer.revision = clock.version


async def ask_about_next(session: Session, clock: Clock) -> None:
    """Of several suspensions that are open, the next one is asked about once the one before was."""
    history = await repository.history(session, clock.dossier_id)
    _arm_forgotten(session, history, _state(clock, facts_of(history.facts), terms(session, clock)), clock)


def _drop_timer(session: Session, history: History, kind: str) -> None:
    if timer := history.timers.pop(kind, None):
        session.delete(timer)


def _new_timer(session: Session, history: History, kind: str) -> Timer:
    timer = Timer(dossier_id=history.dossier_id, kind=kind)
    session.add(timer)
    history.put(timer)
    return timer
