"""What people did at the counter and on the portal, done again from what was said of it (``shared.retrace``).

Particulars of people, papers that were handed in and officers' notes were never published: what a backup lacks of them
is gone, and ``recover`` says so.
"""

from collections.abc import Mapping
from typing import Any

from services.intake import repository
from services.intake.domain import Action, Status
from services.intake.handlers import ends, payment, reception, supplement
from services.intake.handlers.transitions import Call, open_dossier
from services.intake.models import Dossier
from services.intake.schemas import (
    PaymentAsk,
    PaymentProof,
    PostedResult,
    Reason,
    ReturnedResult,
    SupplementAsk,
    SupplementGiven,
)
from shared.auth import Principal, Role
from shared.consumer import Handler, Received
from shared.errors import DossierUnknown
from shared.events import Fact, intake
from shared.events.base import split_reference
from shared.outbox import publish
from shared.session import Session
from shared.worktime import local_date

RECOVERED = "recovered"
BY = Principal(RECOVERED, frozenset({Role.OPS}))


async def _call(session: Session, got: Received[Any]) -> Call:
    """Return the call of then, on the version of then."""
    dossier = await session.get(Dossier, got.dossier_id)
    if dossier is None:
        raise DossierUnknown(str(got.dossier_id))
    return Call(dossier.id, dossier.version, BY)


async def _submit(session: Session, got: Received[intake.DossierSubmitted]) -> None:
    """Let the dossier be there again, without its people and its papers."""
    fact = got.fact
    procedure_code, procedure_version = split_reference(fact.procedure)
    copied = ("field_code", "channel", "receiving_unit_code", "applicant_kind", "applicant_version", "result_delivery")
    session.add(
        Dossier(
            id=got.dossier_id, version=1, status=Status.SUBMITTED, procedure_code=procedure_code,
            procedure_version=procedure_version, is_assisted=fact.assisted, submitted_by=fact.filed_by or RECOVERED,
            attributes=fact.attributes, components=[], submitted_at=got.event.time, n_supplements=0, n_notices=0,
            **{name: getattr(fact, name) for name in copied},
        )
    )  # fmt: skip
    publish(session, got.head, fact)


async def _accept(session: Session, got: Received[intake.DossierAccepted]) -> None:
    """Keep the code and the appointment that were given, and let no other dossier get this number."""
    head, dossier = await open_dossier(session, await _call(session, got), Action.ACCEPT)
    dossier.accepted_at, dossier.code = got.event.time, got.fact.code
    dossier.appointment_at = dossier.first_appointment_at = got.fact.appointment_at
    await repository.keep_number(session, got.fact.code, local_date(got.event.time))
    publish(session, head, got.fact)


async def _refuse(session: Session, got: Received[intake.DossierRefused]) -> None:
    await reception.refuse_dossier(session, await _call(session, got), Reason(reason_code=got.fact.reason_code))


async def _ask(session: Session, got: Received[intake.SupplementRequested]) -> None:
    codes = got.fact.component_codes
    ask = SupplementAsk(ground=got.fact.ground, component_codes=codes, note="", approved_by=RECOVERED)
    await supplement.request_supplement(session, await _call(session, got), ask)


async def _supplement(session: Session, got: Received[intake.SupplementReceived]) -> None:
    given = SupplementGiven.model_construct(components=[])
    await supplement.supplement_dossier(session, await _call(session, got), given)


async def _request_payment(session: Session, got: Received[intake.PaymentRequested]) -> None:
    fact = got.fact
    ask = PaymentAsk(notice_no=fact.notice_no, kind=fact.kind, amount=fact.amount, due_on=fact.due_on)
    await payment.request_payment(session, await _call(session, got), ask)


async def _pay(session: Session, got: Received[intake.PaymentRecorded]) -> None:
    fact = got.fact
    copied = ("notice_no", "amount", "paid_at", "method")
    proof = PaymentProof.model_construct(reference="", **{name: getattr(fact, name) for name in copied})
    await payment.record_payment(session, got.dossier_id, proof, BY)


async def _change_applicant(session: Session, got: Received[intake.ApplicantChanged]) -> None:
    head, dossier = await open_dossier(session, await _call(session, got), Action.CHANGE_APPLICANT)
    dossier.applicant_version = got.fact.applicant_version
    publish(session, head, got.fact)


async def _withdraw(session: Session, got: Received[intake.DossierWithdrawn]) -> None:
    await ends.withdraw_dossier(session, await _call(session, got), Reason(reason_code=got.fact.reason_code))


async def _stop(session: Session, got: Received[intake.DossierStopped]) -> None:
    await ends.stop_dossier(session, await _call(session, got), Reason(reason_code=got.fact.reason_code))


async def _post(session: Session, got: Received[intake.ResultPosted]) -> None:
    await ends.post_result(session, await _call(session, got), PostedResult(carrier_code=got.fact.carrier_code))


async def _return(session: Session, got: Received[intake.ResultReturned]) -> None:
    await ends.return_result(session, await _call(session, got), ReturnedResult(delivery=got.fact.delivery))


async def _reopen(session: Session, got: Received[intake.DossierReopened]) -> None:
    await ends.reopen_dossier(session, await _call(session, got), Reason(reason_code=got.fact.reason_code))


AGAIN: Mapping[type[Fact], Handler] = {
    intake.DossierSubmitted: _submit,
    intake.DossierAccepted: _accept,
    intake.DossierRefused: _refuse,
    intake.SupplementRequested: _ask,
    intake.SupplementReceived: _supplement,
    intake.PaymentRequested: _request_payment,
    intake.PaymentRecorded: _pay,
    intake.ApplicantChanged: _change_applicant,
    intake.DossierWithdrawn: _withdraw,
    intake.DossierStopped: _stop,
    intake.ResultPosted: _post,
    intake.ResultReturned: _return,
    intake.DossierReopened: _reopen,
}
LOST: Mapping[type[Fact], str] = {
    intake.DossierSubmitted: "the applicant, private attributes, papers, and a person's account that may see it",
    intake.ApplicantChanged: "the applicant's new particulars",
    intake.SupplementReceived: "which papers came in",
}
"""What is in no event and in no backup: for a person to ask for again."""
