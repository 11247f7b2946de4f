"""What is missing is asked for and comes in."""

from collections.abc import Sequence
from typing import Any

from services.intake import repository
from services.intake.domain import Action, Status, next_status
from services.intake.handlers.transitions import Call, move, open_dossier
from services.intake.models import Dossier, SupplementRequest
from services.intake.schemas import SubmittedComponent, SupplementAsk, SupplementGiven
from shared.errors import Malformed, wrong_field
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.outbox import now, publish
from shared.session import Session
from shared.web import require_version


async def request_supplement(session: Session, call: Call, ask: SupplementAsk) -> Dossier:
    """Ask the applicant for what is missing (form 02); from the third time on the head has to approve."""
    head, dossier = await repository.lock_dossier(session, call.dossier_id, call.by)
    before = Status(dossier.status)
    following = next_status(before, Action.REQUEST_SUPPLEMENT)
    require_version(call.seen, dossier.version)
    if dossier.n_supplements >= 2 and ask.approved_by is None:
        words = "Cần người đứng đầu phê duyệt", "The head of the agency has to approve"
        error = wrong_field("/approved_by", "approval_required", *words)
        raise Malformed(extra={"errors": [error]})
    dossier.status_before = before
    dossier.n_supplements += 1
    move(dossier, following)
    fact = SupplementRequested(
        request_no=dossier.n_supplements,
        stage="reception" if dossier.accepted_at is None else "processing",
        ground=ask.ground,
        component_codes=ask.component_codes,
    )
    session.add(
        SupplementRequest(
            dossier_id=dossier.id, note=ask.note, requested_by=call.by.subject, approved_by=ask.approved_by,
            requested_at=now(session), **fact.model_dump(exclude={"respond_by"}),
        )
    )  # fmt: skip
    publish(session, head, fact)
    return dossier


async def supplement_dossier(session: Session, call: Call, given: SupplementGiven) -> Dossier:
    """Take what was missing; the dossier is complete again and goes on where it was."""
    head, dossier = await open_dossier(session, call, Action.SUPPLEMENT)
    dossier.status_before = None
    dossier.components = _merged(dossier.components, given.components)
    request = await repository.present_request(session, dossier)
    request.received_at = now(session)
    publish(session, head, SupplementReceived(request_no=request.request_no))
    return dossier


def _merged(there: Sequence[dict[str, Any]], given: Sequence[SubmittedComponent]) -> list[dict[str, Any]]:
    merged = {component["code"]: component for component in there}
    merged |= {component.code: component.model_dump() for component in given}
    return list(merged.values())
