"""What workflow does with the facts of intake and sla; each is accepted in every state, an overtaken one is moot."""

from datetime import datetime

from services.workflow import repository
from services.workflow.domain.legs import ENDED, REOPENED, DossierStatus, is_open
from services.workflow.domain.plan import Ended, Opened, Reopened
from services.workflow.domain.route import PAID, Route
from services.workflow.handlers import catalogue
from services.workflow.handlers.moves import proceed, settle_and_proceed, urgent_at
from services.workflow.handlers.telling import say
from services.workflow.models import Dossier
from services.workflow.repository import Journey
from shared.events.base import split_reference
from shared.events.intake import DossierAccepted, PaymentRecorded
from shared.events.sla import ClockRecalculated, ClockResumed, ClockSuspended, LegDeadlineMoved
from shared.events.workflow import RouteOpened
from shared.session import Session
from shared.tables import HeadRow


async def open_route(session: Session, head: HeadRow, accepted: DossierAccepted, at: datetime) -> None:
    """Set out on the route in force for the procedure on the day of acceptance; NoRoute parks the dossier."""
    if await repository.journey(session, head) is not None:
        return
    procedure_code, _ = split_reference(accepted.procedure)
    route = catalogue.find_route(session, procedure_code, at)
    journey = await repository.add_journey(session, head, _dossier(head, accepted, route, at))
    say(session, journey, RouteOpened(route=f"{route.code}@{route.version}"))
    proceed(session, journey, Opened())


def _dossier(head: HeadRow, accepted: DossierAccepted, route: Route, at: datetime) -> Dossier:
    procedure_code, procedure_version = split_reference(accepted.procedure)
    calendar_code, calendar_version = split_reference(accepted.calendar)
    copied = ("code", "field_code", "channel", "applicant_kind", "receiving_unit_code", "result_delivery", "attributes")
    return Dossier(
        id=head.dossier_id,
        status=DossierStatus.OPEN,
        route_code=route.code,
        route_version=route.version,
        procedure_code=procedure_code,
        procedure_version=procedure_version,
        calendar_code=calendar_code,
        calendar_version=calendar_version,
        accepted_at=at,
        is_waiting_for_supplement=False,
        suspended_ground=None,
        suspended_since=None,
        unpaid_notices=[],
        paid_notices=[],
        n_legs=0,
        outcome=None,
        completed_at=None,
        **{name: getattr(accepted, name) for name in copied},
    )


async def record_payment(session: Session, head: HeadRow, payment: PaymentRecorded) -> None:
    """A notice was paid; the applicant's leg is over when nothing is left to pay, in intake's books and in ours.

    Both are asked, because a fee may be paid while a tax notice is still on its way to intake.
    """
    journey = await repository.journey(session, head)
    if journey is None:
        return
    dossier = journey.dossier
    dossier.paid_notices = sorted({*dossier.paid_notices, payment.notice_no})
    dossier.unpaid_notices = [notice_no for notice_no in dossier.unpaid_notices if notice_no != payment.notice_no]
    if payment.outstanding or dossier.unpaid_notices:
        return
    for leg in [leg for leg in journey.legs if is_open(leg) and leg.holder == "applicant"]:
        settle_and_proceed(session, journey, leg, PAID)


async def end_dossier(session: Session, head: HeadRow, ending: DossierStatus) -> None:
    """The dossier was withdrawn or stopped: nobody has to do anything more."""
    journey = await repository.journey(session, head)
    if journey is None:
        return
    journey.dossier.status = ENDED[ending][DossierStatus(journey.dossier.status)]
    proceed(session, journey, Ended(), cancel_reason=f"dossier_{ending.value}")


async def reopen_dossier(session: Session, head: HeadRow) -> None:
    """A result was found wrong: the agency that came last does it again."""
    journey = await repository.journey(session, head)
    if journey is None or journey.dossier.status not in REOPENED:
        return
    dossier = journey.dossier
    dossier.status = REOPENED[DossierStatus(dossier.status)]
    dossier.outcome = dossier.completed_at = None
    proceed(session, journey, Reopened())


async def mark_waiting(session: Session, head: HeadRow, *, is_waiting: bool) -> None:
    """The applicant was asked for something, or brought it: inboxes show it, legs stay."""
    journey = await repository.journey(session, head)
    if journey is not None:
        journey.dossier.is_waiting_for_supplement = is_waiting


async def stand_still(session: Session, head: HeadRow, suspended: ClockSuspended, at: datetime) -> None:
    """The clock stands: until it runs again no leg is due, unless it is the span itself."""
    journey = await repository.journey(session, head)
    if journey is None:
        return
    dossier, since = journey.dossier, suspended.from_at or at
    dossier.suspended_ground = suspended.ground
    dossier.suspended_since = min(since, dossier.suspended_since or since)
    _order(journey)


async def run_on(session: Session, head: HeadRow, resumed: ClockResumed) -> None:
    """A suspension is over; another one may still be open."""
    journey = await repository.journey(session, head)
    if journey is None:
        return
    journey.dossier.suspended_ground = resumed.still_suspended_by
    if resumed.still_suspended_by is None:
        journey.dossier.suspended_since = None
    _order(journey)


def _order(journey: Journey) -> None:
    """Give each open leg its place in the inbox."""
    for leg in filter(is_open, journey.legs):
        leg.urgent_at = urgent_at(journey.dossier, leg.due_at, leg.excluded_ground)


async def move_leg(session: Session, head: HeadRow, moved: LegDeadlineMoved) -> None:
    """Copy what sla says of the deadline of a leg; its version stays, since it guards what is done to the leg."""
    journey = await repository.journey(session, head)
    if journey is not None:
        journey.leg(moved.leg_no).due_at = moved.to_at
        _order(journey)


async def follow_calendar(session: Session, head: HeadRow, counted: ClockRecalculated) -> None:
    """Work out the deadlines of legs to come by the calendar that counts now."""
    journey = await repository.journey(session, head)
    if journey is not None:
        journey.dossier.calendar_code, journey.dossier.calendar_version = split_reference(counted.calendar)
