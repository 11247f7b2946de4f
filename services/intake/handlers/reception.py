"""Reception at the one-stop unit: a dossier is accepted with a code and an appointment, or refused."""

from services.intake import repository
from services.intake.domain import Action, dossier_code
from services.intake.handlers.catalogue import limit_of, references
from services.intake.handlers.submission import submitted
from services.intake.handlers.transitions import Call, end, open_dossier
from services.intake.models import Dossier
from services.intake.schemas import Reason
from shared import worktime
from shared.events.intake import DossierAccepted, DossierRefused
from shared.outbox import next_instant, publish
from shared.session import Session


async def accept_dossier(session: Session, call: Call) -> Dossier:
    """Issue the official code and promise the appointment (form 01)."""
    head, dossier = await open_dossier(session, call, Action.ACCEPT)
    at = next_instant(session, head)
    today = worktime.local_date(at)
    _, unit = references(session).in_force("agency", dossier.receiving_unit_code, today)
    calendar: worktime.Calendar = references(session).latest("calendar", unit.calendar_code)
    limit = limit_of(session, dossier)
    dossier.accepted_at = at
    dossier.appointment_at = dossier.first_appointment_at = worktime.due_at(
        at, worktime.Limit.model_validate(limit.model_dump()), calendar
    ).due_at
    number = await repository.next_number(session, unit.dossier_code_prefix, today)
    dossier.code = dossier_code(unit.dossier_code_prefix, today, number)
    fact = DossierAccepted(
        **submitted(dossier).model_dump(exclude={"applicant_version", "filed_by"}),
        code=dossier.code,
        calendar=calendar.reference,
        limit=limit,
        appointment_at=dossier.appointment_at,
    )
    publish(session, head, fact, at)
    return dossier


async def refuse_dossier(session: Session, call: Call, why: Reason) -> Dossier:
    """Refuse at reception (form 03)."""
    head, dossier = await open_dossier(session, call, Action.REFUSE)
    end(session, dossier, Action.REFUSE, why, call.by)
    publish(session, head, DossierRefused(reason_code=why.reason_code))
    return dossier
