"""Reports: form 06 and what is told by its side, who is to answer for delay, scorecards, the register."""

import asyncio
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from services.sla import handlers
from services.sla.api.cursor import after_place
from services.sla.papers import listing
from services.sla.papers import register as register_paper
from services.sla.papers import report06 as paper06
from services.sla.schemas.reports import (
    FILES,
    ApologiesRead,
    AttributionRead,
    Format,
    OnlineRead,
    PeriodAsk,
    RegisterAsk,
    RegisterPage,
    Report06Ask,
    Report06Read,
    SaturdayRead,
    ShareAsk,
    SuspensionsRead,
)
from services.sla.schemas.scorecards import IndexAsk, ScoresRead, ScoringAsk
from shared.auth import Principal, Role, allow
from shared.cursor import text_of
from shared.web import Session, router

api = router(prefix="/v1/reports", tags=["reports"])

Reporter = Annotated[Principal, Depends(allow(Role.LEADER, Role.OPS, Role.OFFICER))]
Overseer = Annotated[Principal, Depends(allow(Role.LEADER, Role.OPS))]
Printable = ShareAsk | RegisterAsk | IndexAsk | ScoringAsk
MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@api.get("/06", response_model=Report06Read, responses=FILES)
async def get_report06(session: Session, ask: Annotated[Report06Ask, Query()], by: Reporter) -> Any:
    """Form 06: received, resolved, pending, by agency or field; an officer sees the own agency's."""
    printed = await handlers.print_06(session, ask, by)
    if ask.format is Format.JSON:
        return handlers.read_06(printed)
    render = paper06.as_csv if ask.format is Format.CSV else paper06.as_xlsx
    return _file(await asyncio.to_thread(render, printed.report), ask, "bieu-06")


def _file(content: bytes, ask: Printable, name: str) -> Response:
    named = f"{name}_{ask.from_on}_{ask.to_on}.{ask.format}"
    return Response(content, 200, {"Content-Disposition": f'attachment; filename="{named}"'}, MEDIA[ask.format])


async def _listed(table: listing.Listing, ask: Printable, name: str) -> Response:
    render = listing.as_csv if ask.format is Format.CSV else listing.as_xlsx
    return _file(await asyncio.to_thread(render, table), ask, name)


@api.get("/online", response_model=OnlineRead, responses=FILES)
async def get_online(session: Session, ask: Annotated[ShareAsk, Query()], by: Reporter) -> Any:
    """Online filing by agency or field, what officers filed for applicants apart."""
    printed = await handlers.print_06(session, _as_06(ask), by)
    if ask.format is Format.JSON:
        return handlers.read_online(printed)
    return await _listed(handlers.list_online(printed), ask, "truc-tuyen")


@api.get("/saturday", response_model=SaturdayRead, responses=FILES)
async def get_saturday(session: Session, ask: Annotated[ShareAsk, Query()], by: Reporter) -> Any:
    """What was received and resolved on Saturdays, by agency or field."""
    printed = await handlers.print_06(session, _as_06(ask), by)
    if ask.format is Format.JSON:
        return handlers.read_saturday(printed)
    return await _listed(handlers.list_saturday(printed), ask, "thu-bay")


def _as_06(ask: ShareAsk) -> Report06Ask:
    return Report06Ask.model_validate(ask.model_dump(by_alias=True))


@api.get("/index-766", response_model=ScoresRead, responses=FILES)
async def get_index_766(session: Session, ask: Annotated[IndexAsk, Query()], by: Reporter) -> Any:
    """The index of service to citizens and businesses, by receiving unit and in all."""
    found = await handlers.index_766(session, ask, by)
    if ask.format is Format.JSON:
        return handlers.read_scores(found)
    return await _listed(handlers.list_scores(found), ask, "bo-chi-so-766")


@api.get("/scoring", response_model=ScoresRead, responses=FILES)
async def get_scoring(session: Session, ask: Annotated[ScoringAsk, Query()], by: Overseer) -> Any:
    """How agencies, or officers, are marked for the procedures they had a part in."""
    found = await handlers.score_agencies_or_officers(session, ask, by)
    if ask.format is Format.JSON:
        return handlers.read_scores(found)
    return await _listed(handlers.list_scores(found), ask, f"cham-diem-{ask.of}")


@api.get("/attribution")
async def get_attribution(session: Session, ask: Annotated[PeriodAsk, Query()], by: Overseer) -> AttributionRead:
    """Who held dossiers how long, and who when it was too late; the minutes of all are those of the dossiers."""
    return await handlers.attribute(session, ask, by)


@api.get("/suspensions")
async def get_suspensions(session: Session, ask: Annotated[PeriodAsk, Query()], by: Overseer) -> SuspensionsRead:
    """Lawful suspensions by agency and ground, and what was refused by agency and reason."""
    return await handlers.report_suspensions(session, ask, by)


@api.get("/apologies")
async def get_apologies(session: Session, ask: Annotated[PeriodAsk, Query()], by: Overseer) -> ApologiesRead:
    """Apologies by agency: in time, late, and those still owed for deadlines that were missed."""
    return await handlers.report_apologies(session, ask, by)


@api.get("/register", response_model=RegisterPage, responses=FILES)
async def get_register(session: Session, ask: Annotated[RegisterAsk, Query()], by: Reporter) -> Any:
    """The register (form 07): who received what when, until when it was due, when it ended; it names nobody."""
    if ask.format is Format.JSON:
        rows, place = await handlers.read_register(session, ask, by, after_place(ask.after))
        return RegisterPage(items=rows, next=text_of(*place) if place else None)
    register = await handlers.print_register(session, ask, by)
    render = register_paper.as_csv if ask.format is Format.CSV else register_paper.as_xlsx
    return _file(await asyncio.to_thread(render, register), ask, "so-theo-doi")
