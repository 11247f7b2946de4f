"""What workflow does with the facts of the others: outside systems are told, the planner does its part."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from services.workflow import repository
from services.workflow.domain.legs import DossierStatus
from services.workflow.handlers import facts, telling
from shared.consumer import Consumer, Received
from shared.events import Fact, intake, notify, sla
from shared.session import Session

consumer = Consumer("workflow")
Part = Callable[[Session, Received[Any]], Awaitable[None]]


@consumer.on(intake.DossierSubmitted)
async def begin(session: Session, got: Received[intake.DossierSubmitted]) -> None:
    await telling.begin(session, got.dossier_id, got.fact, got.event)


async def _open_route(session: Session, got: Received[intake.DossierAccepted]) -> None:
    await facts.open_route(session, got.head, got.fact, got.event.time)


async def _record_payment(session: Session, got: Received[intake.PaymentRecorded]) -> None:
    await facts.record_payment(session, got.head, got.fact)


async def _withdraw_dossier(session: Session, got: Received[intake.DossierWithdrawn]) -> None:
    await facts.end_dossier(session, got.head, DossierStatus.WITHDRAWN)


async def _stop_dossier(session: Session, got: Received[intake.DossierStopped]) -> None:
    await facts.end_dossier(session, got.head, DossierStatus.STOPPED)


async def _reopen_dossier(session: Session, got: Received[intake.DossierReopened]) -> None:
    await facts.reopen_dossier(session, got.head)


async def _wait_for_supplement(session: Session, got: Received[intake.SupplementRequested]) -> None:
    await facts.mark_waiting(session, got.head, is_waiting=True)


async def _go_on_after_supplement(session: Session, got: Received[intake.SupplementReceived]) -> None:
    await facts.mark_waiting(session, got.head, is_waiting=False)


async def _stand_still(session: Session, got: Received[sla.ClockSuspended]) -> None:
    await facts.stand_still(session, got.head, got.fact, got.event.time)


async def _run_on(session: Session, got: Received[sla.ClockResumed]) -> None:
    await facts.run_on(session, got.head, got.fact)


async def _move_leg(session: Session, got: Received[sla.LegDeadlineMoved]) -> None:
    await facts.move_leg(session, got.head, got.fact)


async def _follow_calendar(session: Session, got: Received[sla.ClockRecalculated]) -> None:
    await facts.follow_calendar(session, got.head, got.fact)


_PARTS: Mapping[type[Fact], Part] = {
    intake.DossierAccepted: _open_route,
    intake.PaymentRecorded: _record_payment,
    intake.DossierWithdrawn: _withdraw_dossier,
    intake.DossierStopped: _stop_dossier,
    intake.DossierReopened: _reopen_dossier,
    intake.SupplementRequested: _wait_for_supplement,
    intake.SupplementReceived: _go_on_after_supplement,
    sla.ClockSuspended: _stand_still,
    sla.ClockResumed: _run_on,
    sla.LegDeadlineMoved: _move_leg,
    sla.ClockRecalculated: _follow_calendar,
}
"""What the planner does with a fact."""
_TOLD = (
    intake.DossierRefused,
    intake.PaymentRequested,
    intake.ApplicantChanged,
    intake.ResultPosted,
    intake.ResultReturned,
    sla.DeadlineMoved,
)
"""Facts that change nothing here but what outside systems are told."""


async def _take(session: Session, got: Received[Any]) -> None:
    """Tell the fact of another service before what the planner makes of it: a cause comes before its effects."""
    await telling.hear(session, got.dossier_id, got.fact, got.event)
    part = _PARTS.get(type(got.fact))
    if part is not None:
        await part(session, got)


for _fact in (*_PARTS, *_TOLD):
    consumer.on(cast(type[Fact], _fact))(_take)


consumer.ignore(
    sla.ClockStarted,
    sla.DeadlineApproaching,
    sla.DeadlineMissed,
    sla.DeadlineMissWithdrawn,
    sla.ClockFinished,
    sla.ApologyIssued,
    sla.SuspensionForgotten,
    notify.MessageSent,
    notify.MessageFailed,
)


consumer.preload = repository.preload
