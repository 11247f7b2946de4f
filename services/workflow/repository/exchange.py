"""The exchange with outside systems: lanes of deliveries, leased head by head."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, true, update

from services.workflow.domain.deliveries import State
from services.workflow.models import Delivery, Exchange, Inbound, Incident
from shared.errors import NotFound, Text
from shared.session import Session
from shared.tables import HeadRow


class DeliveryUnknown(NotFound):
    """No such delivery of this system."""

    code = "delivery_unknown"
    title = Text("Không có lượt giao này", "Unknown delivery")


# A lease that ran out without an answer may have been sent: it is unknown from then on, and observed before a repeat.
_LEASE = text("""
    UPDATE delivery SET
        state = CASE WHEN delivery.leased_until IS NULL THEN delivery.state ELSE 'unknown' END,
        fence = delivery.fence + 1, n_tries = delivery.n_tries + 1,
        leased_until = clock_timestamp() + make_interval(secs => :seconds),
        next_try_at = clock_timestamp() + make_interval(secs => :seconds)
    FROM (
        SELECT dossier_id, system, no FROM delivery
        WHERE system = :system AND next_try_at <= clock_timestamp() AND state IN ('waiting', 'unknown')
        ORDER BY next_try_at LIMIT :n FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE delivery.dossier_id = due.dossier_id AND delivery.system = due.system AND delivery.no = due.no
    RETURNING delivery.id, delivery.dossier_id, delivery.no, delivery.fact, delivery.payload, delivery.state,
        delivery.fence, delivery.n_tries, delivery.leased_until, delivery.made_at, NOT EXISTS (
            SELECT FROM delivery AS earlier
            WHERE earlier.dossier_id = delivery.dossier_id AND earlier.system = delivery.system
                AND earlier.no < delivery.no AND earlier.acknowledged_at IS NOT NULL
        ) AS is_first
""")


async def doubt_waiting(session: Session) -> None:
    """Let every delivery that waits be unknown: the restored database does not say what was told since its backup."""
    await session.execute(_DOUBT)


_DOUBT = update(Delivery).where(Delivery.state == State.WAITING).values(state=State.UNKNOWN)


async def lease(session: Session, system: str, n: int, seconds: float) -> Sequence[Any]:
    """Lease up to *n* heads of lanes that are due; one statement, no head of a dossier is locked."""
    found = await session.execute(_LEASE, {"system": system, "n": n, "seconds": seconds})
    return sorted(found, key=lambda row: row.made_at)


_LOCK = (
    select(HeadRow, Exchange, Delivery)
    .join(Exchange, Exchange.dossier_id == HeadRow.dossier_id)
    .join(Delivery, Delivery.dossier_id == HeadRow.dossier_id)
    .where(Delivery.id == bindparam("id"), Delivery.system == bindparam("system"))
    .with_for_update(of=[HeadRow, Exchange, Delivery])
)


async def lock_delivery(session: Session, system: str, delivery_id: UUID) -> tuple[HeadRow, Exchange, Delivery]:
    """Lock the head, then the exchange and the delivery; DeliveryUnknown if the system has no such one."""
    row = (await session.execute(_LOCK, {"id": delivery_id, "system": system})).one_or_none()
    if row is None:
        raise DeliveryUnknown(str(delivery_id))
    return row[0], row[1], row[2]


async def delivery_by_id(session: Session, system: str, delivery_id: UUID) -> Delivery | None:
    """Return a delivery of a system, None if there is none."""
    return await session.scalar(_BY_DELIVERY, {"id": delivery_id, "system": system})


_BY_DELIVERY = select(Delivery).where(Delivery.id == bindparam("id"), Delivery.system == bindparam("system"))


_FOLLOWING = (
    select(Delivery)
    .where(
        Delivery.dossier_id == bindparam("dossier_id"),
        Delivery.system == bindparam("system"),
        Delivery.no > bindparam("no"),
        Delivery.state != State.ACKNOWLEDGED.value,
        Delivery.state != State.DONE.value,
    )
    .order_by(Delivery.no)
    .limit(1)
)


async def following(session: Session, delivery: Delivery) -> Delivery | None:
    """Return what the same lane has to tell next; what a person has settled is passed over."""
    given = {"dossier_id": delivery.dossier_id, "system": delivery.system, "no": delivery.no}
    return await session.scalar(_FOLLOWING, given)


async def exchange_with(session: Session, dossier_id: UUID) -> Exchange | None:
    """Return what outside systems are told of a dossier, to be shown."""
    return await session.get(Exchange, dossier_id)


_LOCKED = (
    select(HeadRow, Exchange)
    .join(Exchange, Exchange.dossier_id == HeadRow.dossier_id)
    .with_for_update(of=[HeadRow, Exchange])
)
_BY_ID = _LOCKED.where(HeadRow.dossier_id == bindparam("id"))
_BY_CODE = _LOCKED.where(Exchange.code == bindparam("code"))


async def lock_by_id(session: Session, dossier_id: UUID) -> tuple[HeadRow, Exchange] | None:
    """Lock the head and the exchange of a dossier; None if there is none."""
    return (await session.execute(_BY_ID, {"id": dossier_id})).one_or_none()


async def lock_by_code(session: Session, code: str) -> tuple[HeadRow, Exchange] | None:
    """Lock the head and the exchange of the dossier with an official code; None if there is none."""
    return (await session.execute(_BY_CODE, {"code": code})).one_or_none()


_LOCK_MESSAGE = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:key AS text), 0))")


async def lock_message(session: Session, system: str, message_id: str) -> None:
    """Let two that bring the same message at once come one after the other."""
    await session.execute(_LOCK_MESSAGE, {"key": f"{system}/{message_id}"})


_OPEN_INCIDENTS = select(Incident).where(
    Incident.dossier_id == bindparam("dossier_id"), Incident.system == bindparam("system"), Incident.closed_at.is_(None)
)


async def open_incidents_of(session: Session, dossier_id: UUID, system: str) -> list[Incident]:
    """Return what is open about a dossier in a system; its head is locked."""
    return list(await session.scalars(_OPEN_INCIDENTS, {"dossier_id": dossier_id, "system": system}))


async def open_incident(
    session: Session, dossier_id: UUID, system: str, kind: str, delivery_id: UUID | None
) -> Incident | None:
    """Return the open incident of a kind, of a delivery if it is about one; the dossier's head is locked."""
    every = await open_incidents_of(session, dossier_id, system)
    return next((one for one in every if (one.kind, one.delivery_id) == (kind, delivery_id)), None)


async def lock_incident(session: Session, incident_id: UUID) -> tuple[tuple[HeadRow, Exchange] | None, Incident] | None:
    """Lock an incident, the head of its dossier first if it is of one; None if there is no such incident."""
    is_it = Incident.id == incident_id
    found = await session.execute(select(Incident.dossier_id).where(is_it))
    if found and found[0][0] is not None:
        query = (
            select(HeadRow, Exchange, Incident)
            .join(Exchange, Exchange.dossier_id == HeadRow.dossier_id)
            .join(Incident, Incident.dossier_id == HeadRow.dossier_id)
            .where(is_it)
            .with_for_update(of=[HeadRow, Exchange, Incident])
        )
        head, exchange, incident = (await session.execute(query)).one()
        return (head, exchange), incident
    alone = await session.scalar(select(Incident).where(is_it).with_for_update())
    return (None, alone) if alone is not None else None


async def delivery_of(session: Session, incident: Incident) -> Delivery:
    """Return the delivery that an incident is about."""
    id_ = incident.delivery_id
    found = await delivery_by_id(session, incident.system, id_) if id_ is not None else None
    if found is None:
        raise DeliveryUnknown(str(incident.delivery_id))
    return found


async def incidents(
    session: Session, *, is_open: bool, system: str | None, after: UUID | None, limit: int
) -> list[Incident]:
    """Return a page of incidents, oldest first (their ids grow with time)."""
    query = (
        select(Incident).where(Incident.closed_at.is_(None) if is_open else true()).order_by(Incident.id).limit(limit)
    )
    if system is not None:
        query = query.where(Incident.system == system)
    if after is not None:
        query = query.where(Incident.id > after)
    return list(await session.scalars(query))


async def messages(
    session: Session, system: str, *, status: str | None, after: str | None, limit: int
) -> list[Inbound]:
    """Return a page of what a system said, by message id."""
    query = select(Inbound).where(Inbound.system == system).order_by(Inbound.message_id).limit(limit)
    if status is not None:
        query = query.where(Inbound.status == status)
    if after is not None:
        query = query.where(Inbound.message_id > after)
    return list(await session.scalars(query))


_LANE = (
    select(Delivery)
    .where(Delivery.dossier_id == bindparam("dossier_id"), Delivery.system == bindparam("system"))
    .order_by(Delivery.no)
)


async def lane(session: Session, dossier_id: UUID, system: str) -> list[Delivery]:
    """Return all deliveries of a dossier to a system, in order."""
    return list(await session.scalars(_LANE, {"dossier_id": dossier_id, "system": system}))


_OPEN = (
    select(Delivery.system, Delivery.state, func.count(), func.min(Delivery.made_at))
    .where(Delivery.state != State.DONE.value)
    .group_by(Delivery.system, Delivery.state)
)


async def open_deliveries(session: Session) -> list[tuple[str, str, int, datetime]]:
    """Return, by system and state, how many deliveries are not done and when the oldest of them was made."""
    return [(system, state, n, oldest) for system, state, n, oldest in await session.execute(_OPEN)]
