"""What officers do to the legs of their agency."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from services.workflow import repository
from services.workflow.domain.legs import DossierStatus, LegAction, allowed, giver, next_status, returnable
from services.workflow.domain.plan import Completed, SentBack
from services.workflow.domain.route import Outcome, Route
from services.workflow.handlers import catalogue
from services.workflow.handlers.moves import do_again, proceed
from services.workflow.handlers.telling import say
from services.workflow.models import Dossier, Leg, SupplementProposal
from services.workflow.repository import Journey, LegUnknown
from services.workflow.schemas.journeys import (
    Assignment,
    Completion,
    CompletionData,
    NoticeGiven,
    ProposalGiven,
    Reason,
    SendBack,
)
from shared.auth import Principal
from shared.errors import IllegalTransition, Malformed, Text, wrong_field
from shared.events.base import Fact
from shared.events.workflow import (
    LegAcknowledged,
    LegAssigned,
    LegCompleted,
    LegRefused,
    LegReturned,
    SupplementProposed,
    TaxNoticeIssued,
)
from shared.outbox import now
from shared.session import Session
from shared.web import require_version

SENT_BACK = "sent_back"


@dataclass(frozen=True, slots=True)
class LegCall:
    """A command on a leg: which one, the version the caller has seen, and who calls."""

    dossier_id: UUID
    leg_no: int
    seen: int
    by: Principal


@dataclass(frozen=True, slots=True)
class LegView:
    """A leg with what may be done with it."""

    leg: Leg
    allowed: list[str]
    outcomes: list[Outcome]
    returnable_to: list[str]


def view(route: Route, legs: list[Leg], leg: Leg) -> LegView:
    """Return a leg with the actions and outcomes that are open to its agency now."""
    back = returnable(route.after, legs, leg)
    may = allowed(leg, may_refuse=giver(legs, leg) is not None, may_return=bool(back))
    outcomes = list(route.by_code[leg.step_code].outcomes) if may else []
    return LegView(leg, may, outcomes, back if LegAction.RETURN in may else [])


async def _open(session: Session, call: LegCall, action: LegAction) -> tuple[Journey, Leg, LegView]:
    """Lock the journey and take the leg to the state after *action*: state first, then the version the caller saw."""
    journey = await _lock(session, call)
    leg = journey.leg(call.leg_no)
    before = view(catalogue.route_of(session, journey.dossier), journey.legs, leg)
    following = next_status(leg, action, before.allowed)
    require_version(call.seen, leg.version)
    leg.status = following
    leg.version += 1
    return journey, leg, before


async def _lock(session: Session, call: LegCall) -> Journey:
    """Lock the journey of a leg of the caller's agency, or (rare, so asked second) of one that it succeeded."""
    journey = await repository.lock_journey(session, call.dossier_id, call.leg_no, catalogue.own_codes(call.by))
    if journey is None:
        codes = catalogue.acting_codes(session, call.by, now(session))[1:]
        journey = await repository.lock_journey(session, call.dossier_id, call.leg_no, codes) if codes else None
    if journey is None:
        raise LegUnknown(f"{call.dossier_id} {call.leg_no}")
    return journey


def _view(session: Session, journey: Journey, leg: Leg) -> LegView:
    return view(catalogue.route_of(session, journey.dossier), journey.legs, leg)


def _announce(session: Session, journey: Journey, leg: Leg, fact: Fact, *, is_over: bool = False) -> None:
    time = say(session, journey, fact).time
    if is_over:
        leg.completed_at = time


def _malformed(pointer: str, code: str, vi: str, en: str) -> Malformed:
    return Malformed(extra={"errors": [wrong_field(pointer, code, vi, en)]})


async def acknowledge_leg(session: Session, call: LegCall) -> LegView:
    """Take the stretch over."""
    journey, leg, _ = await _open(session, call, LegAction.ACKNOWLEDGE)
    leg.officer = leg.officer or call.by.subject
    leg.acknowledged_at = say(session, journey, LegAcknowledged(leg_no=leg.leg_no, officer=leg.officer)).time
    return _view(session, journey, leg)


async def assign_leg(session: Session, call: LegCall, to: Assignment) -> LegView:
    """Name the officer who does it."""
    journey, leg, _ = await _open(session, call, LegAction.ASSIGN)
    leg.officer = to.officer
    _announce(session, journey, leg, LegAssigned(leg_no=leg.leg_no, officer=to.officer))
    return _view(session, journey, leg)


async def refuse_leg(session: Session, call: LegCall, why: Reason) -> LegView:
    """Do not take the stretch: it goes back to the agency that handed it over."""
    journey, leg, _ = await _open(session, call, LegAction.REFUSE)
    leg.reason_code, leg.note = why.reason_code, why.note
    fact = LegRefused(leg_no=leg.leg_no, reason_code=why.reason_code)
    _announce(session, journey, leg, fact, is_over=True)
    back_to = giver(journey.legs, leg)
    assert back_to is not None  # noqa: S101 - without a giver the action is not allowed
    proceed(session, journey, SentBack(leg.leg_no, back_to.step_code), cancel_reason=SENT_BACK)
    return _view(session, journey, leg)


async def return_leg(session: Session, call: LegCall, why: SendBack) -> LegView:
    """Send the dossier back to an earlier leg, which is to be done again, and all that comes after it."""
    journey, leg, before = await _open(session, call, LegAction.RETURN)
    to_code = why.to_step_code or before.returnable_to[0]
    if to_code not in before.returnable_to:
        codes = ", ".join(before.returnable_to)
        raise _malformed(
            "/to_step_code", "not_an_earlier_leg", f"Chỉ trả về được: {codes}", f"It can go back only to: {codes}"
        )
    leg.reason_code, leg.note = why.reason_code, why.note
    fact = LegReturned(leg_no=leg.leg_no, to_step_code=to_code, reason_code=why.reason_code)
    _announce(session, journey, leg, fact, is_over=True)
    proceed(session, journey, SentBack(leg.leg_no, to_code), cancel_reason=SENT_BACK)
    return _view(session, journey, leg)


async def complete_leg(session: Session, call: LegCall, done: Completion) -> LegView:
    """Finish the stretch; the outcome picks what comes next."""
    journey, leg, before = await _open(session, call, LegAction.COMPLETE)
    outcome = _outcome(before.outcomes, done)
    leg.outcome, leg.note = outcome.code, done.note
    leg.data = done.data.model_dump(mode="json", exclude_defaults=True)
    voids = _determine(journey.dossier, before.outcomes, done.data.notices)
    published = _published(done.data)
    fact = LegCompleted(leg_no=leg.leg_no, outcome=outcome.code, data=published, voids_notices=voids or None)
    _announce(session, journey, leg, fact, is_over=True)
    _issue(session, journey, leg, done.data.notices)
    proceed(session, journey, Completed(leg.leg_no))
    return _view(session, journey, leg)


def determined(journey: Journey) -> Leg | None:
    """Return the leg that ended with tax notices last, None if none did."""
    return next((leg for leg in reversed(journey.legs) if leg.data.get("notices")), None)


def determine_anew(session: Session, journey: Journey, notices: list[NoticeGiven]) -> None:
    """Let other notices take the place of those of the last determination: a stretch that nobody has to do.

    The applicant's stretch goes on. IllegalTransition unless something is still to be paid.
    """
    dossier, leg = journey.dossier, determined(journey)
    if leg is None or dossier.status != DossierStatus.OPEN or not dossier.unpaid_notices:
        raise IllegalTransition(Text("Hồ sơ không còn thông báo chờ nộp", "no notice of this dossier waits to be paid"))
    again = do_again(session, journey, leg)
    again.data = CompletionData(notices=notices).model_dump(mode="json", exclude_defaults=True)
    _await_payment(dossier, notices)
    _issue(session, journey, again, notices)


def _issue(session: Session, journey: Journey, leg: Leg, notices: list[NoticeGiven]) -> None:
    for notice in notices:
        say(session, journey, TaxNoticeIssued(leg_no=leg.leg_no, **notice.model_dump()))


def outcome_of(session: Session, journey: Journey, leg: Leg, done: Completion) -> Outcome:
    """Return the outcome with which a leg would be completed; Malformed if its route has no such one."""
    route = catalogue.route_of(session, journey.dossier)
    return _outcome(list(route.by_code[leg.step_code].outcomes), done)


def _outcome(outcomes: list[Outcome], done: Completion) -> Outcome:
    """Return the outcome that was named; Malformed if the leg has no such one, or what it takes is missing."""
    found = next((outcome for outcome in outcomes if outcome.code == done.outcome), None)
    if found is None:
        codes = ", ".join(outcome.code for outcome in outcomes)
        raise _malformed(
            "/outcome", "unknown_outcome", f"Kết quả của chặng là một trong: {codes}", f"The outcome is one of: {codes}"
        )
    if (found.takes == "notices") != bool(done.data.notices):
        vi, en = "Kết quả này cần (hoặc không nhận) thông báo thuế", "This outcome needs (or takes no) tax notices"
        raise _malformed("/data/notices", "notices", vi, en)
    return found


def _published(data: CompletionData) -> dict[str, Any]:
    return {"document_no": data.document_no} if data.document_no else {}


def _determine(dossier: Dossier, outcomes: list[Outcome], notices: list[NoticeGiven]) -> bool:
    """Let a determination take the place of the one before; say whether it is one that found nothing to be paid."""
    if all(outcome.takes != "notices" for outcome in outcomes):
        return False
    _await_payment(dossier, notices)
    return not notices


def _await_payment(dossier: Dossier, notices: list[NoticeGiven]) -> None:
    issued = [notice.notice_no for notice in notices]
    dossier.unpaid_notices = [notice_no for notice_no in issued if notice_no not in dossier.paid_notices]


async def propose_supplement(session: Session, call: LegCall, given: ProposalGiven) -> LegView:
    """Ask the one-stop unit to ask the applicant; it decides, and the leg stays where it is."""
    journey, leg, _ = await _open(session, call, LegAction.PROPOSE_SUPPLEMENT)
    proposed = SupplementProposed(leg_no=leg.leg_no, ground=given.ground, component_codes=given.component_codes)
    event = say(session, journey, proposed)
    session.add(
        SupplementProposal(
            id=uuid4(), dossier_id=call.dossier_id, leg_no=leg.leg_no, proposed_by=call.by.subject,
            proposed_at=event.time, **given.model_dump(),
        )
    )  # fmt: skip
    return _view(session, journey, leg)
