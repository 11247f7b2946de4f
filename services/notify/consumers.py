"""What notify does with the facts of the others: one table in ``domain`` says what is told, the rest is ignored."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.notify import handlers
from services.notify.domain import TOLD
from shared.consumer import Consumer, Received
from shared.events import intake, sla, workflow
from shared.session import Session
from shared.timeline import Event

consumer = Consumer("notify")


async def tell(session: Session, got: Received[Any]) -> None:
    """Note what the fact changes and make the messages about it."""
    handlers.tell(session, got.fact, got.event)


for fact in TOLD:
    consumer.on(fact)(tell)


@consumer.on(intake.ApplicantChanged)
async def change_applicant(session: Session, got: Received[intake.ApplicantChanged]) -> None:
    """Read the newer version from now on."""
    handlers.change_applicant(session, got.dossier_id, got.fact.applicant_version)


consumer.ignore(
    workflow.RouteOpened,
    workflow.LegOffered,
    workflow.LegAcknowledged,
    workflow.LegRefused,
    workflow.LegAssigned,
    workflow.LegCompleted,
    workflow.LegReturned,
    workflow.LegCancelled,
    workflow.SupplementProposed,
    workflow.TaxNoticeIssued,
    sla.ClockStarted,
    sla.ClockSuspended,
    sla.ClockResumed,
    sla.ClockFinished,
    sla.ClockRecalculated,
    sla.LegDeadlineMoved,
)


async def preload(session: Session, ids: Collection[UUID]) -> None:
    """Bring the dossiers of a batch and all subscriptions into the session."""
    await handlers.open_batch(session, ids)


async def write(session: Session, events: list[Event]) -> None:  # noqa: ARG001 - the shape of a witness
    """Write the messages of a batch, all in one statement."""
    await handlers.write_batch(session)


consumer.preload = preload
consumer.witness = write
