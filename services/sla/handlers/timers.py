"""Timers: what is due is announced once, in the transaction that writes the event, if the history is complete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla import repository
from services.sla.domain import Status, apology_day, apology_key
from services.sla.handlers.clocks import FORGOTTEN, NEAR_BREACH, ask_about_next
from services.sla.handlers.entries import enter_miss
from services.sla.handlers.terms import terms
from services.sla.models import Clock, Timer
from services.sla.repository import Due
from shared.events.sla import DeadlineApproaching, DeadlineMissed, SuspensionForgotten
from shared.outbox import publish
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import working_minutes

PAGE = 500

Complete = Callable[[UUID, datetime], bool]
"""Says whether everything that happened to a dossier up to an instant is known here."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What one page of timers came to; *last* is where the next page begins, None after the last one."""

    n_fired: int
    last: Due | None


async def fire_timers(session: Session, now: datetime, complete: Complete, after: Due | None = None) -> Fired:
    """Fire one page of due timers; those of dossiers that are not in step, or whose history may lack a fact, wait.

    The order matters: completeness is asked first, then the heads are locked, then timers and holds are read.
    """
    page = await repository.due_timers(session, now, after, PAGE)
    ready = {(one.dossier_id, one.kind) for one in page if complete(one.dossier_id, one.due_at)}
    last = page[-1] if len(page) == PAGE else None
    if not ready:
        return Fired(0, last)
    heads, armed = await repository.lock_due(session, [one for one in page if (one.dossier_id, one.kind) in ready])
    firing = [pair for pair in armed if (pair[0].dossier_id, pair[1].kind) in ready and _is_due(*pair, now)]
    for clock, timer in firing:
        fire(session, heads[clock.dossier_id], clock, timer, now)
        if timer.kind == FORGOTTEN:
            await ask_about_next(session, clock)
    return Fired(len(firing), last)


def _is_due(clock: Clock, timer: Timer, now: datetime) -> bool:
    """Say whether the clock is still the one the timer was set by."""
    if timer.due_at is None or timer.due_at > now or timer.revision != clock.version:
        return False
    if timer.kind == FORGOTTEN:
        return clock.status == Status.SUSPENDED
    return clock.status == Status.RUNNING and timer.deadline_at in {clock.deadline_at, clock.renewed_deadline_at}


def fire(session: Session, head: HeadRow, clock: Clock, timer: Timer, now: datetime) -> None:
    """Announce what a timer is about; a warning that comes after its deadline is dropped."""
    deadline_at = timer.deadline_at
    assert deadline_at is not None  # noqa: S101 - one that is due is about a deadline
    timer.due_at, timer.fired_at = None, now
    if timer.kind == FORGOTTEN:
        holder = clock.holder_agency_code
        publish(session, head, SuspensionForgotten(suspension_no=timer.no or 0, holder_agency_code=holder))
    elif timer.kind != NEAR_BREACH:
        publish(session, head, _missed(clock, deadline_at))
        enter_miss(session, head, clock, deadline_at)
    elif now < deadline_at:
        publish(session, head, _approaching(session, clock, deadline_at, now))


def _missed(clock: Clock, deadline_at: datetime) -> DeadlineMissed:
    promised_at = clock.renewed_deadline_at
    in_time = clock.apologies.get(apology_key(deadline_at))
    if in_time is None and clock.apologies and promised_at and deadline_at < promised_at:
        in_time = clock.apologies[min(clock.apologies)]  # the law moved the deadline after the apology: it covers both
    return DeadlineMissed(
        deadline_at=deadline_at,
        holder_agency_code=clock.holder_agency_code,
        apology="none" if in_time is None else "in_time" if in_time else "late",
        promised_at=promised_at if promised_at and promised_at > deadline_at else None,
    )


def _approaching(session: Session, clock: Clock, deadline_at: datetime, now: datetime) -> DeadlineApproaching:
    calendar = terms(session, clock).calendar
    by_at = calendar.close_of_day(apology_day(deadline_at, calendar))
    return DeadlineApproaching(
        deadline_at=deadline_at,
        remaining_minutes=working_minutes(now, deadline_at, calendar),
        holder_agency_code=clock.holder_agency_code,
        apology_by_at=by_at if now <= by_at else None,
    )
