"""Clocks: how they stand and why, lawful suspensions, apologies, what is due next."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from services.sla import handlers, repository
from services.sla.api.cursor import after_place
from services.sla.papers.apology import as_pdf
from services.sla.repository import History
from services.sla.schemas.clocks import (
    ApologyAsk,
    ClockRead,
    DeadlineAsk,
    DeadlineRead,
    DuePage,
    ExplanationRead,
    SuspensionAsk,
    SuspensionEnd,
)
from services.sla.schemas.days import KnownDay
from shared import problems
from shared.auth import Principal, Role, allow
from shared.cursor import text_of
from shared.outbox import now
from shared.web import After, Creates, IfMatch, Limit, Session, router, tag

api = router(prefix="/v1")

Reader = Annotated[Principal, Depends(allow(*Role))]
Official = Annotated[Principal, Depends(allow(Role.OFFICER, Role.OPS, Role.LEADER))]
Officer = Annotated[Principal, Depends(allow(Role.OFFICER))]
SuspensionNo = Annotated[int, Path(ge=1, le=99_999)]
DueUntil = Annotated[KnownDay | None, Query(description="the last day; without it, all that are open")]


def _read(session: Session, response: Response, history: History) -> ClockRead:
    read = handlers.read_clock(session, history, now(session))
    tag(response, read.version)
    return read


@api.get("/clocks", tags=["clocks"])
async def list_open_clocks(
    session: Session, by: Official, due_until: DueUntil = None, limit: Limit = 50, after: After = None
) -> DuePage:
    """Open dossiers by their promised deadline, the earliest first: overdue, due today, due tomorrow."""
    rows = await repository.due_soon(session, handlers.seen_codes(session, by), due_until, after_place(after), limit)
    items = handlers.read_due(session, rows, now(session))
    following = text_of(rows[-1].announced_deadline_at, rows[-1].dossier_id) if len(rows) == limit else None
    return DuePage(items=items, next=following)


@api.get("/dossiers/{dossier_id}/clock", tags=["clocks"])
async def get_clock(session: Session, dossier_id: UUID, by: Reader, response: Response) -> ClockRead:
    """The clock of a dossier now: deadline, what is left, who holds it, every stop and every move."""
    return _read(session, response, await repository.see(session, dossier_id, handlers.seen_codes(session, by)))


@api.get("/dossiers/{dossier_id}/clock/explanation", tags=["clocks"])
async def get_explanation(session: Session, dossier_id: UUID, by: Reader) -> ExplanationRead:
    """Why the deadline is the one it is: day by day, counted or not, why, by which rule."""
    history = await repository.see(session, dossier_id, handlers.seen_codes(session, by))
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


@api.post("/dossiers/{dossier_id}/apologies", tags=["clocks"], dependencies=[Creates], status_code=201)
async def issue_apology(
    session: Session,
    response: Response,
    dossier_id: UUID,
    body: ApologyAsk,
    by: Officer,
    seen: IfMatch,
) -> ClockRead:
    """Apologise for a deadline that can not be kept (form 04), and promise another day: once only."""
    return _read(session, response, await handlers.issue_apology(session, dossier_id, body, seen, by))


@api.get(
    "/dossiers/{dossier_id}/apologies/{apology_no}/form-04",
    tags=["clocks"],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}, "description": "Form 04 as PDF"}},
)
async def get_form_04(
    session: Session, dossier_id: UUID, apology_no: Annotated[int, Path(ge=1, le=999)], by: Reader
) -> Response:
    """The apology on paper, with the QR of the dossier's code; it names nobody."""
    history = await repository.see(session, dossier_id, handlers.seen_codes(session, by))
    paper = handlers.print_apology(session, history, apology_no)
    named = f'attachment; filename="phieu-xin-loi_{dossier_id}_{apology_no}.pdf"'
    content = await asyncio.to_thread(as_pdf, paper)
    return Response(content, 200, {"Content-Disposition": named}, "application/pdf")


@api.post("/deadlines", tags=["calculator"], dependencies=[Depends(allow(*Role))])
async def work_out_deadline(request: Request, body: DeadlineAsk) -> DeadlineRead:
    """Work a deadline out, with its explanation; nothing is stored."""
    return handlers.work_out_deadline(request.app.state.service.references, body)
