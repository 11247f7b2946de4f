"""How a dossier ends: withdrawn, stopped, or with a result that is posted and handed over; and how it goes on again."""

from services.intake.domain import Action
from services.intake.handlers.transitions import Call, decide, end, open_dossier
from services.intake.models import Dossier
from services.intake.schemas import PostedResult, Reason, ReturnedResult
from shared.events.intake import DossierReopened, DossierStopped, DossierWithdrawn, ResultPosted, ResultReturned
from shared.outbox import now, publish
from shared.session import Session


async def withdraw_dossier(session: Session, call: Call, why: Reason) -> Dossier:
    """The applicant withdraws."""
    head, dossier = await open_dossier(session, call, Action.WITHDRAW)
    end(session, dossier, Action.WITHDRAW, why, call.by)
    publish(session, head, DossierWithdrawn(reason_code=why.reason_code))
    return dossier


async def stop_dossier(session: Session, call: Call, why: Reason) -> Dossier:
    """End without a result (form 05)."""
    head, dossier = await open_dossier(session, call, Action.STOP)
    end(session, dossier, Action.STOP, why, call.by)
    publish(session, head, DossierStopped(reason_code=why.reason_code))
    return dossier


async def post_result(session: Session, call: Call, how: PostedResult) -> Dossier:
    """Give the result to the post."""
    head, dossier = await open_dossier(session, call, Action.POST_RESULT)
    publish(session, head, ResultPosted(carrier_code=how.carrier_code))
    return dossier


async def return_result(session: Session, call: Call, how: ReturnedResult) -> Dossier:
    """Hand the result over: the dossier ends."""
    head, dossier = await open_dossier(session, call, Action.RETURN_RESULT)
    dossier.ended_at = now(session)
    publish(session, head, ResultReturned(delivery=how.delivery or dossier.result_delivery))
    return dossier


async def reopen_dossier(session: Session, call: Call, why: Reason) -> Dossier:
    """The result was found wrong: process again."""
    head, dossier = await open_dossier(session, call, Action.REOPEN)
    dossier.ended_at = dossier.resolved_at = dossier.outcome = None
    decide(session, dossier, Action.REOPEN, why, call.by)
    publish(session, head, DossierReopened(reason_code=why.reason_code))
    return dossier
