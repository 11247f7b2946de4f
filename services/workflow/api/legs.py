"""Legs, inboxes, agencies and routes: parse, call one handler, return."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from services.workflow import repository
from services.workflow.domain.diagram import draw
from services.workflow.domain.legs import OPEN, LegStatus
from services.workflow.domain.route import Route
from services.workflow.handlers import catalogue, commands
from services.workflow.handlers.commands import LegCall, LegView
from services.workflow.models import Dossier, Leg
from services.workflow.schemas.journeys import (
    Assignment,
    Completion,
    DossierRead,
    InboxItem,
    InboxPage,
    LegRead,
    OutcomeRead,
    ProposalGiven,
    ProposalRead,
    Reason,
    ReferencePage,
    SendBack,
    StrandedLeg,
    StrandedPage,
)
from shared.auth import Principal, Role, allow
from shared.cursor import place_of, text_of
from shared.errors import Forbidden, NotFound
from shared.events.envelope import LARGEST_SEQ
from shared.events.reference import ReferenceData
from shared.outbox import now
from shared.web import After, IfMatch, Limit, Session, router, tag

api = router(prefix="/v1", tags=["legs"])

Officer = Annotated[Principal, Depends(allow(Role.OFFICER))]
Reader = Annotated[Principal, Depends(allow(Role.OFFICER, *catalogue.READS_ALL))]
Overseer = Depends(allow(*catalogue.READS_ALL))
Anybody = Depends(allow(*Role))
LEG = "/dossiers/{dossier_id}/legs/{leg_no}"
SVG = "image/svg+xml"
PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {SVG: {"schema": {"type": "string"}}}}}
Item = TypeVar("Item", bound=InboxItem)


async def _leg_call(
    dossier_id: UUID, leg_no: Annotated[int, Path(ge=1, le=32_767)], by: Officer, seen: IfMatch
) -> LegCall:
    return LegCall(dossier_id, leg_no, seen, by)


Call = Annotated[LegCall, Depends(_leg_call)]


def _leg(view: LegView) -> LegRead:
    own = {name: getattr(view.leg, name) for name in LegRead.model_fields if hasattr(view.leg, name)}
    outcomes = [OutcomeRead.model_validate(outcome) for outcome in view.outcomes]
    return LegRead(**own, allowed=view.allowed, outcomes=outcomes, returnable_to=view.returnable_to)


def _answer(response: Response, view: LegView) -> LegRead:
    tag(response, view.leg.version)
    return _leg(view)


# Commands


@api.post(LEG + "/acknowledge")
async def acknowledge_leg(session: Session, call: Call, response: Response) -> LegRead:
    """Take an offered leg over."""
    return _answer(response, await commands.acknowledge_leg(session, call))


@api.post(LEG + "/refuse")
async def refuse_leg(session: Session, call: Call, body: Reason, response: Response) -> LegRead:
    """Do not take it: it goes back to the agency that handed it over."""
    return _answer(response, await commands.refuse_leg(session, call, body))


@api.post(LEG + "/assign")
async def assign_leg(session: Session, call: Call, body: Assignment, response: Response) -> LegRead:
    """Name the officer who does it."""
    return _answer(response, await commands.assign_leg(session, call, body))


@api.post(LEG + "/complete")
async def complete_leg(session: Session, call: Call, body: Completion, response: Response) -> LegRead:
    """Finish it; the outcome picks the next leg."""
    return _answer(response, await commands.complete_leg(session, call, body))


@api.post(LEG + "/return")
async def return_leg(session: Session, call: Call, body: SendBack, response: Response) -> LegRead:
    """Send the dossier back to an earlier leg."""
    return _answer(response, await commands.return_leg(session, call, body))


@api.post(LEG + "/supplement-proposals")
async def propose_supplement(session: Session, call: Call, body: ProposalGiven, response: Response) -> LegRead:
    """Propose that the one-stop unit asks the applicant for a supplement."""
    return _answer(response, await commands.propose_supplement(session, call, body))


# Dossiers


@api.get("/dossiers/{dossier_id}")
async def get_dossier(session: Session, dossier_id: UUID, by: Reader) -> DossierRead:
    """A dossier on its route: an agency sees its own legs, the receiving unit all of them."""
    codes = catalogue.seen_codes(session, by, now(session))
    dossier = await repository.get_dossier(session, dossier_id, codes)
    legs = await repository.legs_of(session, dossier_id)
    seen = await repository.visible_leg_nos(session, dossier_id, codes)
    route = catalogue.route_of(session, dossier)
    own = {name: getattr(dossier, name) for name in DossierRead.model_fields if hasattr(dossier, name)}
    return DossierRead(
        **own,
        legs=[_leg(commands.view(route, legs, leg)) for leg in legs if leg.leg_no in seen],
        supplement_proposals=[
            ProposalRead.model_validate(row) for row in await repository.proposals(session, dossier_id, seen)
        ],
    )


@api.get("/dossiers/{dossier_id}/diagram", response_class=Response, responses=PICTURE)
async def draw_dossier(session: Session, dossier_id: UUID, by: Reader) -> Response:
    """The dossier on its route, as a picture (SVG): which leg stands where, and nothing else."""
    dossier = await repository.get_dossier(session, dossier_id, catalogue.seen_codes(session, by, now(session)))
    legs = await repository.legs_of(session, dossier_id)
    route = catalogue.route_of(session, dossier)
    picture = draw(
        route,
        catalogue.agency_names(session),
        title=f"Hồ sơ {dossier.code}",
        states={leg.step_code: leg for leg in legs},
        ended=dossier.outcome or dossier.status,
    )
    return Response(picture, media_type=SVG)


# Inbox


@api.get("/agencies/{code}/inbox")
async def read_inbox(
    session: Session,
    code: str,
    by: Reader,
    status: Annotated[LegStatus | None, Query(description="offered and in_progress if absent")] = None,
    limit: Limit = 50,
    after: After = None,
) -> InboxPage:
    """The legs of an agency, near-breach first; of agencies it succeeded too."""
    at = now(session)
    if not by.has(*catalogue.READS_ALL) and code not in catalogue.acting_codes(session, by, at):
        raise Forbidden
    codes = catalogue.codes_of(session, code, at)
    rows = await repository.inbox(session, codes, [status] if status else OPEN, _cursor(after), limit)
    items = [_item(InboxItem, leg, dossier, at) for leg, dossier in rows]
    return InboxPage(items=items, next=_following(rows, limit))


@api.get("/stranded-legs", tags=["ops"], dependencies=[Overseer])
async def list_stranded_legs(session: Session, limit: Limit = 50, after: After = None) -> StrandedPage:
    """Open legs that no agency in force holds, near-breach first; those that one takes over move within a minute."""
    at = now(session)
    rows = await repository.read_unheld(session, catalogue.gone_codes(session, at), _cursor(after), limit)
    items = [_item(StrandedLeg, leg, dossier, at) for leg, dossier in rows]
    return StrandedPage(items=items, next=_following(rows, limit))


def _item(kind: type[Item], leg: Leg, dossier: Dossier, at: datetime) -> Item:
    names = kind.model_fields.keys()
    both = {name: getattr(row, name) for row in (dossier, leg) for name in names if hasattr(row, name)}
    until = at if leg.excluded_ground else min(at, dossier.suspended_since or at)
    is_overdue = leg.status in OPEN and leg.due_at is not None and leg.due_at < until
    return kind(**both, dossier_code=dossier.code, is_overdue=is_overdue)


def _following(rows: Sequence[repository.LegRow], limit: int) -> str | None:
    """Return where the next page begins, None if this one is not full."""
    if len(rows) < limit:
        return None
    leg = rows[-1][0]
    return text_of(leg.urgent_at, leg.dossier_id, leg.leg_no)


def _cursor(after: str | None) -> repository.Cursor | None:
    if after is None:
        return None
    urgent_at, dossier_id, leg_no = place_of(after, datetime.fromisoformat, UUID, int)
    return urgent_at, dossier_id, leg_no


# Agencies and routes


@api.get("/agencies", tags=["catalogue"], dependencies=[Anybody])
async def list_agencies(session: Session, limit: Limit = 50, after: After = None) -> ReferencePage:
    """The agencies in force today; those that ended are in ``/agencies/{code}``."""
    return _page(catalogue.present(session), limit, after)


@api.get("/agencies/{code}", tags=["catalogue"], dependencies=[Anybody])
async def list_agency_versions(session: Session, code: str) -> ReferencePage:
    """All versions of one agency, with its successor."""
    return _versions(session, "agency", code)


@api.get("/routes", tags=["catalogue"], dependencies=[Anybody])
async def list_routes(session: Session, limit: Limit = 50, after: After = None) -> ReferencePage:
    """The newest version of every route."""
    return _page(catalogue.newest(session, "route"), limit, after)


@api.get("/routes/{code}", tags=["catalogue"], dependencies=[Anybody])
async def list_route_versions(session: Session, code: str) -> ReferencePage:
    """All versions of one route, with their validity."""
    return _versions(session, "route", code)


@api.get(
    "/routes/{code}/diagram", tags=["catalogue"], dependencies=[Anybody], response_class=Response, responses=PICTURE
)
async def draw_route(
    request: Request,
    session: Session,
    code: str,
    version: Annotated[int | None, Query(ge=1, le=LARGEST_SEQ)] = None,
) -> Response:
    """A route as a picture (SVG); the newest version unless one is named."""
    references = request.app.state.service.references
    route: Route = references.get("route", code, version) if version else references.latest("route", code)
    return Response(draw(route, catalogue.agency_names(session)), media_type=SVG)


def _page(rows: Sequence[ReferenceData], limit: int, after: str | None) -> ReferencePage:
    rows = [row for row in rows if after is None or row.code > after]
    following = rows[limit - 1].code if len(rows) > limit else None
    return ReferencePage(items=[row.model_dump(mode="json") for row in rows[:limit]], next=following)


def _versions(session: Session, kind: str, code: str) -> ReferencePage:
    rows = catalogue.versions_of(session, kind, code)
    if not rows:
        raise NotFound(code)
    return ReferencePage(items=[row.model_dump(mode="json") for row in rows], next=None)
