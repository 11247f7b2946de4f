"""What every use case ends with: the planner is asked, and its plan is written and published."""

from datetime import UTC, datetime
from typing import Any

from services.workflow.domain.legs import DossierStatus, LegStatus
from services.workflow.domain.plan import Case, Completed, Happened, Offer, Plan, plan
from services.workflow.domain.route import RouteLeg
from services.workflow.handlers import catalogue
from services.workflow.handlers.telling import say
from services.workflow.models import Dossier, Leg
from services.workflow.repository import Journey
from shared import worktime
from shared.events.workflow import LegCancelled, LegCompleted, LegOffered, RouteCompleted, Stretch
from shared.outbox import next_instant
from shared.session import Session

END_OF_DAYS = datetime(9999, 1, 1, tzinfo=UTC)
HANDED_ON = (
    "dossier_id", "step_code", "task", "holder", "from_leg_no", "excluded_ground", "limit_minutes", "due_at",
    "urgent_at",
)  # fmt: skip
"""What a leg keeps when another agency takes its stretch over: all but who holds it and what was done."""


def proceed(session: Session, journey: Journey, happened: Happened, *, cancel_reason: str = "route_turned") -> None:
    """Ask the planner what follows from what *happened*, and do it."""
    route = catalogue.route_of(session, journey.dossier)
    carry_out(session, journey, plan(route, journey.legs, case_of(journey.dossier), happened), cancel_reason)


def case_of(dossier: Dossier) -> Case:
    """Return what conditions may look at."""
    values = {
        "applicant_kind": dossier.applicant_kind,
        "attributes": dossier.attributes,
        "channel": dossier.channel,
        "procedure_code": dossier.procedure_code,
        "receiving_unit_code": dossier.receiving_unit_code,
        "result_delivery": dossier.result_delivery,
    }
    return Case(values, is_paid=bool(dossier.paid_notices) and not dossier.unpaid_notices)


def carry_out(session: Session, journey: Journey, todo: Plan, cancel_reason: str) -> None:
    """Write and publish a plan: cancels, offers, the end."""
    for leg_no in todo.cancels:
        _cancel(session, journey, journey.leg(leg_no), cancel_reason)
    for offer in todo.offers:
        _offer(session, journey, offer)
    if todo.final is not None:
        dossier = journey.dossier
        dossier.status, dossier.outcome = DossierStatus.COMPLETED, todo.final
        dossier.completed_at = say(session, journey, RouteCompleted(outcome=todo.final)).time


def hand_on(session: Session, journey: Journey, leg: Leg, agency_code: str, reason_code: str) -> None:
    """Offer the stretch of an open *leg* to another agency, with the deadline it has, and cancel *leg*.

    In this order: a span that does not count in the limit then goes on unbroken, and no deadline moves.
    """
    kept = {name: getattr(leg, name) for name in HANDED_ON}
    taken = _new_leg(leg_no=journey.legs[-1].leg_no + 1, agency_code=agency_code, **kept)
    _add(session, journey, taken)
    taken.offered_at = say(session, journey, _offered(journey.dossier, taken)).time
    _cancel(session, journey, leg, reason_code)


def _offer(session: Session, journey: Journey, offer: Offer) -> None:
    """Hand a stretch over; one that is completed at once is never offered, its end says all of it."""
    at = next_instant(session, journey.head)
    leg = _make(session, journey, offer, at)
    _add(session, journey, leg)
    if offer.completed_as is None:
        leg.offered_at = say(session, journey, _offered(journey.dossier, leg), at).time
        return
    _complete_at_once(session, journey, leg, offer.completed_as, at)


def do_again(session: Session, journey: Journey, leg: Leg) -> Leg:
    """Add a stretch like *leg*, come from it, that nobody has to do, with its outcome; nothing follows from it."""
    kept = {name: getattr(leg, name) for name in HANDED_ON} | {"from_leg_no": leg.leg_no}
    again = _new_leg(leg_no=journey.legs[-1].leg_no + 1, agency_code=leg.agency_code, **kept)
    _add(session, journey, again)
    _complete_at_once(session, journey, again, leg.outcome or "", next_instant(session, journey.head))
    return again


def _complete_at_once(session: Session, journey: Journey, leg: Leg, outcome: str, at: datetime) -> None:
    leg.status, leg.outcome = LegStatus.COMPLETED, outcome
    stretch = Stretch(step_code=leg.step_code, task=leg.task, holder=leg.holder, agency_code=leg.agency_code)
    fact = LegCompleted(leg_no=leg.leg_no, outcome=leg.outcome, automatic=stretch)
    leg.offered_at = leg.completed_at = say(session, journey, fact, at).time


def _add(session: Session, journey: Journey, leg: Leg) -> None:
    session.add(leg)
    journey.legs.append(leg)
    journey.dossier.n_legs = len(journey.legs)


def _make(session: Session, journey: Journey, offer: Offer, at: datetime) -> Leg:
    dossier = journey.dossier
    step = catalogue.route_of(session, dossier).by_code[offer.code]
    due_at, minutes = _limit(session, journey, step, at)
    return _new_leg(
        dossier_id=dossier.id,
        leg_no=offer.leg_no,
        step_code=step.code,
        task=step.task,
        holder=step.holder,
        agency_code=catalogue.agency_of(session, dossier, step, at),
        from_leg_no=offer.from_leg_no,
        excluded_ground=step.excluded_ground,
        limit_minutes=minutes,
        due_at=due_at,
        urgent_at=urgent_at(dossier, due_at, step.excluded_ground),
    )


def urgent_at(dossier: Dossier, due_at: datetime | None, excluded_ground: str | None) -> datetime:
    """Return what a leg's place in an inbox follows: its deadline, unless there is none while the clock stands."""
    stands = dossier.suspended_since is not None and excluded_ground is None
    return END_OF_DAYS if due_at is None or stands else due_at


def _new_leg(**given: Any) -> Leg:
    """Return a leg that nobody has touched; all columns are named, so that new legs are one INSERT."""
    return Leg(
        version=1, status=LegStatus.OFFERED, acknowledged_at=None, officer=None, completed_at=None, outcome=None,
        reason_code=None, note="", data={}, **given,
    )  # fmt: skip


def _limit(session: Session, journey: Journey, step: RouteLeg, at: datetime) -> tuple[datetime | None, int | None]:
    """Return when a leg offered at *at* is due, and its working minutes; the first one waits for forwarding."""
    if step.limit is None:
        return None, None
    calendar = catalogue.calendar_of(session, journey.dossier)
    begins = at
    if not journey.legs:
        begins = calendar.start_for_forwarding(at, electronic=journey.dossier.channel == "online")
    due_at = worktime.due_at(begins, step.limit, calendar, from_moment=True).due_at
    return due_at, worktime.working_minutes(begins, due_at, calendar)


def _offered(dossier: Dossier, leg: Leg) -> LegOffered:
    return LegOffered(
        leg_no=leg.leg_no,
        step_code=leg.step_code,
        task=leg.task,
        holder=leg.holder,
        agency_code=leg.agency_code,
        due_at=leg.due_at,
        limit_minutes=leg.limit_minutes,
        calendar=f"{dossier.calendar_code}@{dossier.calendar_version}" if leg.due_at else None,
        excluded_ground=leg.excluded_ground,
    )


def settle_and_proceed(session: Session, journey: Journey, leg: Leg, outcome: str) -> None:
    """Complete a leg that no officer completes, the applicant's, and go on."""
    leg.status, leg.outcome = LegStatus.COMPLETED, outcome
    leg.version += 1
    leg.completed_at = say(session, journey, LegCompleted(leg_no=leg.leg_no, outcome=outcome)).time
    proceed(session, journey, Completed(leg.leg_no))


def _cancel(session: Session, journey: Journey, leg: Leg, reason_code: str) -> None:
    leg.status, leg.reason_code = LegStatus.CANCELLED, reason_code
    leg.version += 1
    fact = LegCancelled(leg_no=leg.leg_no, reason_code=reason_code)
    leg.completed_at = say(session, journey, fact).time
