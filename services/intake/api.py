"""The REST surface of intake: parse, call one handler, return."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.intake import handlers, repository
from services.intake.domain import PORTAL_CODE, Status, allowed, completion
from services.intake.handlers import Call
from services.intake.models import Dossier
from services.intake.schemas import (
    ApplicantRead,
    DossierCreate,
    DossierPage,
    DossierRead,
    NoticePage,
    NoticeRead,
    PaymentAsk,
    PaymentProof,
    People,
    PostedResult,
    ProcedurePage,
    ProcedureRead,
    Reason,
    ReturnedResult,
    SupplementAsk,
    SupplementGiven,
    Timeline,
    TimelineItem,
    TrackRead,
)
from shared import worktime
from shared.auth import Principal, Role, allow
from shared.errors import NotFound
from shared.events.envelope import LARGEST_SEQ
from shared.forks import peer
from shared.ops import Pull, replayed
from shared.outbox import now
from shared.web import After, AlwaysRoute, Creates, IfMatch, Limit, Session, router, tag

api = router(prefix="/v1", tags=["dossiers"])
peers = APIRouter(prefix="/v1", tags=["peers"], route_class=AlwaysRoute)

Submitting = Annotated[Principal, Depends(allow(Role.APPLICANT, Role.PORTAL, Role.OFFICER, Role.SYSTEM))]
Officer = Annotated[Principal, Depends(allow(Role.OFFICER))]
Party = Annotated[Principal, Depends(allow(Role.APPLICANT, Role.PORTAL, Role.OFFICER))]
Reader = Annotated[Principal, Depends(allow(*Role))]
Looker = Annotated[Principal, Depends(allow(Role.APPLICANT, Role.PORTAL, Role.OFFICER, Role.SYSTEM))]
DOSSIER = "/dossiers/{dossier_id}"


async def _officer_call(dossier_id: UUID, by: Officer, seen: IfMatch) -> Call:
    return Call(dossier_id, seen, by)


async def _party_call(dossier_id: UUID, by: Party, seen: IfMatch) -> Call:
    return Call(dossier_id, seen, by)


OfficerCall = Annotated[Call, Depends(_officer_call)]
PartyCall = Annotated[Call, Depends(_party_call)]


def _read(response: Response, dossier: Dossier) -> DossierRead:
    tag(response, dossier.version)
    status = Status(dossier.status)
    fields = {name: getattr(dossier, name) for name in DossierRead.model_fields if hasattr(Dossier, name)}
    return DossierRead(**fields, allowed=allowed(status), portal_code=PORTAL_CODE[status])


@api.post("/dossiers", status_code=201, dependencies=[Creates])
async def submit_dossier(session: Session, body: DossierCreate, by: Submitting, response: Response) -> DossierRead:
    """Hand a dossier in; the same Idempotency-Key answers the same dossier again."""
    dossier = await handlers.submit_dossier(session, body, by)
    response.headers["Location"] = f"/v1/dossiers/{dossier.id}"
    return _read(response, dossier)


@api.get("/dossiers")
async def list_dossiers(  # noqa: PLR0913, PLR0917
    session: Session,
    by: Reader,
    status: Status | None = None,
    code: Annotated[str | None, Query(max_length=64)] = None,
    receiving_unit_code: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> DossierPage:
    """Dossiers the caller may see, in order of submission."""
    rows = await repository.list_dossiers(
        session,
        by,
        status=status,
        code=code,
        receiving_unit_code=receiving_unit_code,
        after=after,
        limit=limit,
    )
    following = str(rows[-1].id) if len(rows) == limit else None
    return DossierPage(items=[_read(Response(), row) for row in rows], next=following)


@api.get(DOSSIER)
async def get_dossier(session: Session, dossier_id: UUID, by: Reader, response: Response) -> DossierRead:
    """One dossier; ``allowed`` says what may be done with it now."""
    return _read(response, await repository.get_dossier(session, dossier_id, by))


@api.post(DOSSIER + "/accept")
async def accept_dossier(session: Session, call: OfficerCall, response: Response) -> DossierRead:
    """Accept: official code, receipt, appointment (form 01)."""
    return _read(response, await handlers.accept_dossier(session, call))


@api.post(DOSSIER + "/refuse")
async def refuse_dossier(session: Session, call: OfficerCall, body: Reason, response: Response) -> DossierRead:
    """Refuse at reception (form 03)."""
    return _read(response, await handlers.refuse_dossier(session, call, body))


@api.post(DOSSIER + "/request-supplement")
async def request_supplement(
    session: Session, call: OfficerCall, body: SupplementAsk, response: Response
) -> DossierRead:
    """Ask for what is missing, once and in full (form 02)."""
    return _read(response, await handlers.request_supplement(session, call, body))


@api.post(DOSSIER + "/supplement")
async def supplement_dossier(
    session: Session, call: PartyCall, body: SupplementGiven, response: Response
) -> DossierRead:
    """Take what was missing."""
    return _read(response, await handlers.supplement_dossier(session, call, body))


@api.post(DOSSIER + "/request-payment")
async def request_payment(session: Session, call: OfficerCall, body: PaymentAsk, response: Response) -> DossierRead:
    """Ask for a payment; tax notices come by themselves."""
    return _read(response, await handlers.request_payment(session, call, body))


@api.post(DOSSIER + "/payments", dependencies=[Creates])
async def record_payment(
    session: Session, dossier_id: UUID, body: PaymentProof, by: Party, response: Response
) -> DossierRead:
    """Record the voucher of one notice."""
    return _read(response, await handlers.record_payment(session, dossier_id, body, by))


@api.get(DOSSIER + "/payments")
async def list_payments(session: Session, dossier_id: UUID, by: Reader) -> NoticePage:
    """What is to be paid, what was, and what is void."""
    rows = await repository.notices(session, await repository.get_dossier(session, dossier_id, by))
    return NoticePage(items=[NoticeRead.model_validate(row) for row in rows], next=None)


@api.post(DOSSIER + "/withdraw")
async def withdraw_dossier(session: Session, call: PartyCall, body: Reason, response: Response) -> DossierRead:
    """The applicant withdraws."""
    return _read(response, await handlers.withdraw_dossier(session, call, body))


@api.post(DOSSIER + "/stop")
async def stop_dossier(session: Session, call: OfficerCall, body: Reason, response: Response) -> DossierRead:
    """End without a result (form 05)."""
    return _read(response, await handlers.stop_dossier(session, call, body))


@api.post(DOSSIER + "/post-result")
async def post_result(session: Session, call: OfficerCall, body: PostedResult, response: Response) -> DossierRead:
    """Give the result to the post."""
    return _read(response, await handlers.post_result(session, call, body))


@api.post(DOSSIER + "/return-result")
async def return_result(session: Session, call: OfficerCall, body: ReturnedResult, response: Response) -> DossierRead:
    """Hand the result over: the dossier ends."""
    return _read(response, await handlers.return_result(session, call, body))


@api.post(DOSSIER + "/reopen")
async def reopen_dossier(session: Session, call: OfficerCall, body: Reason, response: Response) -> DossierRead:
    """The result was found wrong: process again."""
    return _read(response, await handlers.reopen_dossier(session, call, body))


@api.put(DOSSIER + "/applicant")
async def change_applicant(session: Session, call: PartyCall, body: People, response: Response) -> DossierRead:
    """Correct the people of a dossier: a new version, the ones before stay; private attributes stay as submitted."""
    return _read(response, await handlers.change_applicant(session, call, body))


@api.get(DOSSIER + "/applicant")
async def read_applicant(
    session: Session,
    dossier_id: UUID,
    by: Looker,
    purpose: Annotated[str, Query(min_length=1, max_length=100)],
    version: Annotated[int | None, Query(ge=1, le=LARGEST_SEQ)] = None,
) -> ApplicantRead:
    """The people of a dossier, for a stated purpose; every look is recorded."""
    return ApplicantRead.model_validate(await handlers.read_applicant(session, dossier_id, version, purpose, by))


@api.get(DOSSIER + "/timeline")
async def read_timeline(session: Session, dossier_id: UUID, by: Reader) -> Timeline:
    """Every fact of every service about the dossier, in causal order."""
    await repository.get_dossier(session, dossier_id, by)
    return Timeline(items=[TimelineItem(**row) for row in await repository.timeline(session, dossier_id)])


@api.get("/track/{code}", tags=["public"])
async def track(session: Session, code: str) -> TrackRead:
    """Public look-up: the code and the degree of completion, nothing else."""
    status = await repository.find_by_code(session, code)
    if status is None:
        raise NotFound
    return TrackRead(code=code, completion_percent=completion(Status(status)))


@api.get("/procedures", tags=["catalogue"])
async def list_procedures(request: Request, session: Session, limit: Limit = 50, after: After = None) -> ProcedurePage:
    """The catalogue as it is in force today."""
    references = request.app.state.service.references
    today = worktime.local_date(now(session))
    codes = sorted({code for code, _, _ in references.all_of("procedure") if after is None or code > after})
    rows = [found for code in codes if (found := references.find("procedure", code, today)) is not None]
    following = rows[limit - 1].code if len(rows) > limit else None
    return ProcedurePage(items=[ProcedureRead.model_validate(row) for row in rows[:limit]], next=following)


@api.get("/procedures/{code}", tags=["catalogue"])
async def list_procedure_versions(request: Request, code: str) -> ProcedurePage:
    """All versions of one procedure."""
    rows = [data for a_code, _, data in request.app.state.service.references.all_of("procedure") if a_code == code]
    if not rows:
        raise NotFound(code)
    return ProcedurePage(items=[ProcedureRead.model_validate(row) for row in rows], next=None)


@peers.post("/events/copies")
async def copies(session: Session, wanted: list[Pull], by: Annotated[Principal, Depends(peer)]) -> dict[str, Any]:
    """The caller's own events as intake has applied them, byte for byte: for a service that was restored."""
    source = by.system or ""
    return await replayed(
        wanted, lambda want, room: repository.copies(session, source, want.dossier_id, want.from_seq, room)
    )
