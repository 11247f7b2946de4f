"""Incidents: opened once, shown with both sides, closed by a person's decision or by being in step again."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat as uuids

from services.workflow.domain.deliveries import LET_GO, State
from services.workflow.domain.incidents import Action, Find, Kind, require
from services.workflow.handlers import determining
from services.workflow.handlers.lanes import move_on, tell_again
from services.workflow.models import Delivery, Exchange, Incident
from services.workflow.repository import exchange as repository
from services.workflow.repository import observing
from services.workflow.schemas.exchange import Resolution
from shared.auth import Principal
from shared.errors import AlreadyDone, IllegalTransition, NotFound, Text
from shared.session import Session
from shared.tables import HeadRow

BY_OBSERVATION = "observation"


class IncidentUnknown(NotFound):
    """No such incident."""

    code = "incident_unknown"
    title = Text("Không có sự cố này", "Unknown incident")


async def open_incident(
    session: Session,
    exchange: Exchange,
    system: str,
    seen: Find,
    *,
    detail: str = "",
    delivery: Delivery | None = None,
) -> Incident:
    """Open an incident, or bring the one that is open up to date; the dossier's head is locked."""
    delivery_id = delivery.id if delivery else None
    incident = await repository.open_incident(session, exchange.dossier_id, system, seen.kind, delivery_id)
    if incident is None:
        incident = Incident(
            id=uuids.uuid7(), dossier_id=exchange.dossier_id, system=system, kind=seen.kind, detail=detail,
            delivery_id=delivery_id, base=seen.base, ours=seen.ours, theirs=seen.theirs,
            opened_at=datetime.now(UTC), closed_at=None, closed_by=None, action=None, note="",
        )  # fmt: skip
        session.add(incident)
        return incident
    incident.base, incident.ours, incident.theirs, incident.detail = seen.base, seen.ours, seen.theirs, detail
    return incident


async def close_incidents(
    session: Session, exchange: Exchange, system: str, kinds: Collection[Kind], is_over: Callable[[Incident], bool]
) -> None:
    """Being in step was observed: what is open of these kinds, and *is_over*, is closed."""
    for incident in await repository.open_incidents_of(session, exchange.dossier_id, system):
        if incident.kind in kinds and is_over(incident):
            incident.closed_at, incident.closed_by = datetime.now(UTC), BY_OBSERVATION


async def resolve_incident(session: Session, incident_id: UUID, how: Resolution, by: Principal) -> Incident:
    """Carry out what a person decided; AlreadyDone if the incident is closed."""
    row = await repository.lock_incident(session, incident_id)
    if row is None:
        raise IncidentUnknown(str(incident_id))
    dossier, incident = row
    if incident.closed_at is not None:
        raise AlreadyDone(Text("Sự cố đã được xử lý", "the incident is closed"))
    require(Kind(incident.kind), how.action)
    if dossier is None:
        await observing.look_now(session, incident.system)
    else:
        await _decide(session, *dossier, incident, how.action)
    incident.closed_at, incident.closed_by = datetime.now(UTC), by.subject
    incident.action, incident.note = how.action, how.note
    return incident


async def _decide(session: Session, head: HeadRow, exchange: Exchange, incident: Incident, action: Action) -> None:
    if incident.kind == Kind.REFUSED:
        await _decide_delivery(session, exchange, incident, action)
    elif action is Action.RETRY:
        await _tell_all_again(session, exchange, incident)
    elif action is Action.TAKE_OVER:
        await determining.take_over(session, head, incident)


async def _decide_delivery(session: Session, exchange: Exchange, incident: Incident, action: Action) -> None:
    """Let the lane go on; one that went on already, since it was a business result that said no, goes on from there."""
    delivery = await repository.delivery_of(session, incident)
    if delivery.state != State.REFUSED:
        return
    is_past = delivery.no <= exchange.lanes[delivery.system]["done_no"]
    if action is Action.TAKEN:
        delivery.state = State.DONE
        if not is_past:
            await move_on(session, exchange, delivery, datetime.now(UTC))
    elif is_past:
        await _tell_all_again(session, exchange, incident, delivery.no)
    else:
        delivery.state, delivery.n_tries, delivery.next_try_at = State.WAITING, 0, datetime.now(UTC)
        if delivery.reason_code == LET_GO:
            await _tell_all_again(session, exchange, incident)


async def _tell_all_again(session: Session, exchange: Exchange, incident: Incident, first: int = 1) -> None:
    """Tell a dossier again from its change *first* on; what is there already is seen, and not sent."""
    standing = await observing.lock_standing(session, exchange.dossier_id, incident.system)
    if standing is None or not await tell_again(session, exchange, standing, first):
        raise IllegalTransition(Text("Đang có lượt giao chưa xong", "a delivery is on its way, or was refused"))
    standing.n_tries = 0
