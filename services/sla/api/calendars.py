"""Calendars and grounds: their versions, the next version of a calendar, and how far it has come."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from services.sla import handlers, repository
from services.sla.models import Recalculated
from services.sla.schemas.calendars import (
    CalendarPage,
    CalendarRead,
    CalendarVersions,
    LeftPage,
    LeftRead,
    MovedPage,
    MovedRead,
    RecalculationRead,
)
from services.sla.schemas.clocks import GroundPage, GroundRead
from shared.auth import Principal, Role, allow
from shared.errors import Malformed, NotFound
from shared.reference import ImmutableVersion, References
from shared.web import After, Creates, Limit, Session, router
from shared.worktime import Calendar, CalendarChange

api = router(prefix="/v1")

Ops = Annotated[Principal, Depends(allow(Role.OPS))]
DryRun = Annotated[bool, Query(description="only say which deadlines would move")]


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


@api.post("/calendars/{code}/versions", tags=["calendars"], dependencies=[Creates], status_code=202)
async def change_calendar(
    session: Session, code: str, body: CalendarChange, by: Ops, dry_run: DryRun = False
) -> RecalculationRead:
    """Make the next version of a calendar by a decision; open clocks follow, and applicants are told what moved."""
    asked = await handlers.change_calendar(session, code, body, dry_run=dry_run, by=by)
    return RecalculationRead.model_validate(asked)


@api.delete("/calendars/{code}/versions/{version}", tags=["calendars"], dependencies=[Depends(allow(Role.OPS))])
async def delete_calendar_version(code: str, version: Annotated[int, Path(ge=1)]) -> Response:
    """Always refused: a version that clocks ran by is kept for ever; a correction is a new version."""
    raise ImmutableVersion(f"calendar {code}@{version}")


@api.get("/recalculations/{recalculation_id}", tags=["calendars"], dependencies=[Depends(allow(Role.OPS, Role.LEADER))])
async def get_recalculation(session: Session, recalculation_id: UUID) -> RecalculationRead:
    """How far a new version of a calendar, or a dry run of it, has come."""
    return await handlers.see_recalculation(session, recalculation_id)


@api.get(
    "/recalculations/{recalculation_id}/moved",
    tags=["calendars"],
    dependencies=[Depends(allow(Role.OPS, Role.LEADER))],
)
async def list_moved(session: Session, recalculation_id: UUID, limit: Limit = 50, after: After = None) -> MovedPage:
    """Which deadlines a new version moves (or would move), from when to when."""
    await handlers.see_recalculation(session, recalculation_id)
    rows = await repository.moved_by(session, recalculation_id, _id(after), limit)
    return MovedPage(items=[MovedRead.model_validate(row) for row in rows], next=_next(rows, limit))


@api.get(
    "/recalculations/{recalculation_id}/left",
    tags=["calendars"],
    dependencies=[Depends(allow(Role.OPS, Role.LEADER))],
)
async def list_left(session: Session, recalculation_id: UUID, limit: Limit = 50, after: After = None) -> LeftPage:
    """Which deadlines a new version does not reach: give it, or the next one, more days (``covers_to``)."""
    await handlers.see_recalculation(session, recalculation_id)
    rows = await repository.left_by(session, recalculation_id, _id(after), limit)
    return LeftPage(items=[LeftRead.model_validate(row) for row in rows], next=_next(rows, limit))


def _next(rows: list[Recalculated], limit: int) -> str | None:
    return str(rows[-1].dossier_id) if len(rows) == limit else None


def _id(after: str | None) -> UUID:
    try:
        return UUID(after) if after else UUID(int=0)
    except ValueError as error:
        raise Malformed(extra={"errors": [{"pointer": "query/after", "code": "cursor"}]}) from error
