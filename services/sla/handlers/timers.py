"""Timers: what is due is announced once, in the transaction that writes the event, if the history is complete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla import repository
from services.sla.domain import Status
from services.sla.handlers.clocks import BREACH
from services.sla.handlers.entries import enter_miss
from services.sla.handlers.terms import terms
from services.sla.models import Clock, Timer
from services.sla.repository import Due
from shared.events.sla import DeadlineApproaching, DeadlineMissed
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
    return Fired(len(firing), last)


def _is_due(clock: Clock, timer: Timer, now: datetime) -> bool:
    """Say whether the clock is still the one the timer was set by."""
    return (
        timer.due_at is not None
        and timer.due_at <= now
        and timer.revision == clock.version
        and clock.status == Status.RUNNING
        and clock.deadline_at == timer.deadline_at
    )


def fire(session: Session, head: HeadRow, clock: Clock, timer: Timer, now: datetime) -> None:
    """Announce a missed deadline, or one that is near; a warning that comes after its deadline is dropped."""
    deadline_at, holder = clock.deadline_at, clock.holder_agency_code
    assert deadline_at is not None  # noqa: S101 - a running clock has one
    timer.due_at, timer.fired_at = None, now
    if timer.kind == BREACH:
        publish(session, head, DeadlineMissed(deadline_at=deadline_at, holder_agency_code=holder))
        enter_miss(session, head, clock, deadline_at)
    elif now < deadline_at:
        left = working_minutes(now, deadline_at, terms(session, clock).calendar)
        near = DeadlineApproaching(deadline_at=deadline_at, remaining_minutes=left, holder_agency_code=holder)
        publish(session, head, near)
