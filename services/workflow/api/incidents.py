"""Incidents between us and outside systems: seen with both sides, settled by one command."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from services.workflow.domain.incidents import ACTIONS, Kind
from services.workflow.handlers import incidents
from services.workflow.models import Incident
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import IncidentPage, IncidentRead, Resolution
from shared.auth import Principal, Role, allow
from shared.web import Limit, Session, router

api = router(prefix="/v1/incidents", tags=["systems"])

Watcher = Depends(allow(Role.OPS, Role.LEADER))
Settler = Annotated[Principal, Depends(allow(Role.OPS))]


@api.get("", dependencies=[Watcher])
async def list_incidents(
    session: Session,
    is_open: bool = True,
    system: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> IncidentPage:
    """Incidents, oldest first; ``allowed`` says what may be decided."""
    rows = await repository.incidents(session, is_open=is_open, system=system, after=after, limit=limit)
    following = str(rows[-1].id) if len(rows) == limit else None
    return IncidentPage(items=[_read(row) for row in rows], next=following)


@api.post("/{incident_id}/resolve")
async def resolve_incident(session: Session, incident_id: UUID, body: Resolution, by: Settler) -> IncidentRead:
    """Carry out a decision: tell it again, it was taken, it stays so, theirs holds, settled outside, repair on."""
    return _read(await incidents.resolve_incident(session, incident_id, body, by))


def _read(row: Incident) -> IncidentRead:
    fields = {name: getattr(row, name) for name in IncidentRead.model_fields if name != "allowed"}
    return IncidentRead(**fields, allowed=sorted(ACTIONS[Kind(row.kind)]) if row.closed_at is None else [])
