"""Clocks, suspensions, the calculator and the catalogue: parse, call one handler, return."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from services.sla import handlers, repository
from services.sla.repository import History
from services.sla.schemas import (
    CalendarPage,
    CalendarRead,
    CalendarVersions,
    ClockRead,
    DeadlineAsk,
    DeadlineRead,
    ExplanationRead,
    GroundPage,
    GroundRead,
    SuspensionAsk,
    SuspensionEnd,
)
from shared import problems
from shared.auth import Principal, Role, allow
from shared.errors import NotFound
from shared.outbox import now
from shared.reference import References
from shared.web import After, Creates, IfMatch, Limit, Session, router, tag
from shared.worktime import Calendar

api = router(prefix="/v1")

Reader = Annotated[Principal, Depends(allow(*Role))]
Officer = Annotated[Principal, Depends(allow(Role.OFFICER))]
SuspensionNo = Annotated[int, Path(ge=1, le=99_999)]


def _read(session: Session, response: Response, history: History) -> ClockRead:
    read = handlers.read_clock(session, history, now(session))
    tag(response, read.version)
    return read


@api.get("/dossiers/{dossier_id}/clock", tags=["clocks"])
async def get_clock(session: Session, dossier_id: UUID, by: Reader, response: Response) -> ClockRead:
    """The clock of a dossier now: deadline, what is left, who holds it, every stop and every move."""
    return _read(session, response, await repository.see(session, dossier_id, by))


@api.get("/dossiers/{dossier_id}/clock/explanation", tags=["clocks"])
async def get_explanation(session: Session, dossier_id: UUID, by: Reader) -> ExplanationRead:
    """Why the deadline is the one it is: day by day, counted or not, why, by which rule."""
    history = await repository.see(session, dossier_id, by)
    return handlers.explain_clock(session, history, now(session))


@api.post(
    "/dossiers/{dossier_id}/suspensions",
    tags=["clocks"],
    dependencies=[Creates],
    status_code=201,
    response_model=ClockRead,
)
async def open_suspension(  # noqa: PLR0913, PLR0917
    session: Session,
    request: Request,
    response: Response,
    dossier_id: UUID,
    body: SuspensionAsk,
    by: Officer,
    seen: IfMatch,
) -> Any:
    """Stop the clock on a ground of the closed list; anything else is refused with that list, and counted."""
    try:
        history = await handlers.open_suspension(session, dossier_id, body, seen, by)
    except handlers.UnlawfulSuspension as refused:
        await handlers.note_refusal(session, dossier_id, body, refused, by)
        return problems.render(refused, request.headers)  # answered, not raised: the count is committed
    return _read(session, response, history)


@api.post("/dossiers/{dossier_id}/suspensions/{no}/end", tags=["clocks"])
async def end_suspension(  # noqa: PLR0913, PLR0917
    session: Session,
    response: Response,
    dossier_id: UUID,
    no: SuspensionNo,
    body: SuspensionEnd,
    by: Officer,
    seen: IfMatch,
) -> ClockRead:
    """Let the clock run again."""
    return _read(session, response, await handlers.end_suspension(session, dossier_id, no, body, seen, by))


@api.post("/deadlines", tags=["calculator"], dependencies=[Depends(allow(*Role))])
async def work_out_deadline(request: Request, body: DeadlineAsk) -> DeadlineRead:
    """Work a deadline out, with its explanation; nothing is stored."""
    return handlers.work_out_deadline(_references(request), body)


def _references(request: Request) -> References:
    references: References = request.app.state.service.references
    return references


@api.get("/calendars", tags=["catalogue"], dependencies=[Depends(allow(*Role))])
async def list_calendars(request: Request, limit: Limit = 50, after: After = None) -> CalendarPage:
    """Working calendars, each in its newest version."""
    references = _references(request)
    codes = sorted({code for code, _, _ in references.all_of("calendar") if after is None or code > after})
    rows = [_calendar(references.latest("calendar", code)) for code in codes[:limit]]
    return CalendarPage(items=rows, next=rows[-1].code if len(codes) > limit else None)


def _calendar(calendar: Calendar) -> CalendarRead:
    data = calendar.data
    fields = {name: getattr(data, name) for name in CalendarRead.model_fields if name != "n_overrides"}
    return CalendarRead(**fields, n_overrides=len(data.overrides))


@api.get("/calendars/{code}", tags=["catalogue"], dependencies=[Depends(allow(*Role))])
async def list_calendar_versions(request: Request, code: str) -> CalendarVersions:
    """Every version of one calendar, with its hours and each day that differs."""
    rows = [data for a_code, _, data in _references(request).all_of("calendar") if a_code == code]
    if not rows:
        raise NotFound(code)
    return CalendarVersions(items=[calendar.data.model_dump(mode="json") for calendar in rows], next=None)


@api.get("/grounds", tags=["catalogue"], dependencies=[Depends(allow(*Role))])
async def list_grounds(request: Request) -> GroundPage:
    """The closed list of lawful suspensions, every version with its dates."""
    rows = [GroundRead.model_validate(ground) for _, _, ground in _references(request).all_of("ground")]
    return GroundPage(items=rows, next=None)
