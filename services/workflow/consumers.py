"""What workflow does with the facts of the others."""

from services.workflow import repository
from services.workflow.domain.legs import DossierStatus
from services.workflow.handlers import facts
from shared.consumer import Consumer, Received
from shared.events import intake, notify, sla
from shared.session import Session

consumer = Consumer("workflow")


@consumer.on(intake.DossierAccepted)
async def open_route(session: Session, got: Received[intake.DossierAccepted]) -> None:
    await facts.open_route(session, got.head, got.fact, got.event.time)


@consumer.on(intake.PaymentRecorded)
async def record_payment(session: Session, got: Received[intake.PaymentRecorded]) -> None:
    await facts.record_payment(session, got.head, got.fact)


@consumer.on(intake.DossierWithdrawn)
async def withdraw_dossier(session: Session, got: Received[intake.DossierWithdrawn]) -> None:
    await facts.end_dossier(session, got.head, DossierStatus.WITHDRAWN)


@consumer.on(intake.DossierStopped)
async def stop_dossier(session: Session, got: Received[intake.DossierStopped]) -> None:
    await facts.end_dossier(session, got.head, DossierStatus.STOPPED)


@consumer.on(intake.DossierReopened)
async def reopen_dossier(session: Session, got: Received[intake.DossierReopened]) -> None:
    await facts.reopen_dossier(session, got.head)


@consumer.on(intake.SupplementRequested)
async def wait_for_supplement(session: Session, got: Received[intake.SupplementRequested]) -> None:
    await facts.mark_waiting(session, got.head, is_waiting=True)


@consumer.on(intake.SupplementReceived)
async def go_on_after_supplement(session: Session, got: Received[intake.SupplementReceived]) -> None:
    await facts.mark_waiting(session, got.head, is_waiting=False)


consumer.ignore(
    intake.DossierSubmitted,
    intake.DossierRefused,
    intake.PaymentRequested,
    intake.ApplicantChanged,
    intake.ResultPosted,
    intake.ResultReturned,
    sla.ClockStarted,
    sla.ClockSuspended,
    sla.ClockResumed,
    sla.DeadlineMoved,
    sla.DeadlineApproaching,
    sla.DeadlineMissed,
    sla.DeadlineMissWithdrawn,
    sla.ClockFinished,
    notify.MessageSent,
    notify.MessageFailed,
)


consumer.preload = repository.preload
