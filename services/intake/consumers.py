"""What intake does with the facts of the others; it ignores none of them: all are kept for the timeline view."""

from services.intake import handlers, repository
from shared.consumer import Consumer, Received
from shared.events import notify, sla, workflow
from shared.session import Session

consumer = Consumer("intake")


@consumer.on(workflow.LegAcknowledged)
async def start_processing(session: Session, got: Received[workflow.LegAcknowledged]) -> None:
    await handlers.start_processing(session, got.dossier_id)


@consumer.on(workflow.TaxNoticeIssued)
async def take_tax_notice(session: Session, got: Received[workflow.TaxNoticeIssued]) -> None:
    await handlers.take_tax_notice(session, got.head, got.fact)


@consumer.on(workflow.LegCompleted)
async def void_notices(session: Session, got: Received[workflow.LegCompleted]) -> None:
    if got.fact.voids_notices:
        await handlers.void_notices(session, got.head, got.fact.leg_no)


@consumer.on(workflow.RouteCompleted)
async def resolve_dossier(session: Session, got: Received[workflow.RouteCompleted]) -> None:
    await handlers.resolve_dossier(session, got.dossier_id, got.fact.outcome, got.event.time)


@consumer.on(sla.DeadlineMoved)
async def move_appointment(session: Session, got: Received[sla.DeadlineMoved]) -> None:
    moved = got.fact
    await handlers.copy_appointment(
        session, got.dossier_id, appointment_at=moved.to_at, suspended_ground=moved.still_suspended_by
    )


@consumer.on(sla.ClockSuspended)
async def suspend_appointment(session: Session, got: Received[sla.ClockSuspended]) -> None:
    await handlers.copy_appointment(session, got.dossier_id, suspended_ground=got.fact.ground)


@consumer.on(sla.ClockResumed)
async def resume_appointment(session: Session, got: Received[sla.ClockResumed]) -> None:
    await handlers.copy_appointment(session, got.dossier_id, suspended_ground=got.fact.still_suspended_by)


consumer.ignore(
    workflow.RouteOpened,
    workflow.LegOffered,
    workflow.LegRefused,
    workflow.LegAssigned,
    workflow.LegReturned,
    workflow.LegCancelled,
    workflow.SupplementProposed,
    sla.ClockStarted,
    sla.LegDeadlineMoved,
    sla.DeadlineApproaching,
    sla.DeadlineMissed,
    sla.DeadlineMissWithdrawn,
    sla.ClockFinished,
    sla.ApologyIssued,
    sla.ClockRecalculated,
    sla.SuspensionForgotten,
    notify.MessageSent,
    notify.MessageFailed,
)


consumer.witness = repository.keep_foreign
consumer.preload = repository.preload
