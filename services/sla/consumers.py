"""What sla does with the facts of the others: what concerns a clock is kept, everything else is ignored on purpose."""

from typing import Any

from services.sla import handlers, repository
from services.sla.domain import Ending, Kept, Kind, Opening, suspension_no
from shared.consumer import Consumer, Received
from shared.events import Fact, intake, notify, workflow
from shared.session import Session

consumer = Consumer("sla")

SUPPLEMENT = "supplement"
"""The ground of rules.md §1 (a); what exactly was missing is intake's matter."""


def _noted(got: Received[Any], kind: Kind, no: int | None = None, **data: Any) -> Kept:
    event = got.event
    return Kept(
        dossier_id=got.dossier_id, source=event.source, seq=event.seq, at=event.time, kind=kind, no=no, data=data
    )


@consumer.on(intake.DossierAccepted)
async def start_clock(session: Session, got: Received[intake.DossierAccepted]) -> None:
    fact = _noted(got, Kind.STARTED, receiving_unit_code=got.fact.receiving_unit_code)
    await handlers.start_clock(session, got.head, got.fact, fact)


@consumer.on(intake.SupplementRequested)
async def suspend_for_supplement(session: Session, got: Received[intake.SupplementRequested]) -> None:
    if got.fact.stage != "processing":
        await handlers.keep_fact(session, got.head, _noted(got, Kind.SUPPLEMENT_ASKED, got.fact.request_no))
        return
    no = suspension_no(Opening.SUPPLEMENT, got.fact.request_no)
    await handlers.keep_fact(session, got.head, _noted(got, Kind.SUSPENSION_BEGAN, no, ground=SUPPLEMENT))


@consumer.on(intake.SupplementReceived)
async def restart_after_supplement(session: Session, got: Received[intake.SupplementReceived]) -> None:
    no = suspension_no(Opening.SUPPLEMENT, got.fact.request_no)
    await handlers.keep_fact(session, got.head, _noted(got, Kind.SUSPENSION_ENDED, no))


_ENDINGS: dict[type[Fact], Ending] = {
    intake.DossierRefused: Ending.REFUSED,
    intake.DossierWithdrawn: Ending.WITHDRAWN,
    intake.DossierStopped: Ending.STOPPED,
}


async def _finish(session: Session, got: Received[Any]) -> None:
    ending = _ENDINGS.get(type(got.fact)) or Ending(got.fact.outcome)
    await handlers.keep_fact(session, got.head, _noted(got, Kind.FINISHED, ending=ending))


for _ending in (intake.DossierRefused, intake.DossierWithdrawn, intake.DossierStopped, workflow.RouteCompleted):
    consumer.on(_ending)(_finish)


@consumer.on(intake.DossierReopened)
async def reopen_clock(session: Session, got: Received[intake.DossierReopened]) -> None:
    await handlers.keep_fact(session, got.head, _noted(got, Kind.REOPENED))


@consumer.on(intake.PaymentRecorded)
async def note_payment(session: Session, got: Received[intake.PaymentRecorded]) -> None:
    await handlers.note_payment(session, _noted(got, Kind.PAID, method=got.fact.method))


@consumer.on(workflow.LegOffered)
async def offer_leg(session: Session, got: Received[workflow.LegOffered]) -> None:
    leg = got.fact
    fact = _noted(got, Kind.LEG_OFFERED, leg.leg_no, agency_code=leg.agency_code, ground=leg.excluded_ground)
    await handlers.offer_leg(session, got.head, leg, fact)


@consumer.on(workflow.LegAcknowledged)
async def acknowledge_leg(session: Session, got: Received[workflow.LegAcknowledged]) -> None:
    await handlers.acknowledge_leg(session, got.head, got.fact, got.event.time)


@consumer.on(workflow.LegAssigned)
async def assign_leg(session: Session, got: Received[workflow.LegAssigned]) -> None:
    await handlers.assign_leg(session, got.head, got.fact)


async def _end_leg(session: Session, got: Received[Any]) -> None:
    fact = _noted(got, Kind.LEG_ENDED, got.fact.leg_no)
    await handlers.end_leg(session, got.head, _ENDS[type(got.fact)], fact)


_ENDS: dict[type[workflow.WorkflowFact], str] = {
    workflow.LegCompleted: "completed",
    workflow.LegReturned: "returned",
    workflow.LegRefused: "refused",
    workflow.LegCancelled: "cancelled",
}
for _end in _ENDS:
    consumer.on(_end)(_end_leg)

consumer.ignore(
    intake.DossierSubmitted,
    intake.PaymentRequested,
    intake.ApplicantChanged,
    intake.ResultPosted,
    intake.ResultReturned,
    workflow.RouteOpened,
    workflow.SupplementProposed,
    workflow.TaxNoticeIssued,
    notify.MessageSent,
    notify.MessageFailed,
)


consumer.preload = repository.preload
