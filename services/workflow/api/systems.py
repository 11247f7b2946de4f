"""The adapter API and what ops see of outside systems: parse, call one handler, return."""

import json
from collections import defaultdict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from services.workflow.handlers import catalogue, delivering, hearing, observing
from services.workflow.handlers.delivering import Place
from services.workflow.models import Delivery
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import (
    AnswerGiven,
    DeliveryRead,
    ExchangeRead,
    LeaseAsk,
    Leased,
    LeasedPage,
    MessageGiven,
    MessagePage,
    MessageRead,
    ObservationGiven,
    ResultGiven,
    StandingRead,
    SystemPage,
    SystemRead,
    WaitingRead,
)
from shared.auth import Principal, Role, allow
from shared.errors import DossierUnknown
from shared.outbox import now
from shared.web import After, Limit, Session, router
from shared.worktime import local_date

api = router(prefix="/v1/systems", tags=["systems"])

Adapter = Annotated[Principal, Depends(allow(Role.SYSTEM))]
Watcher = Annotated[Principal, Depends(allow(Role.SYSTEM, Role.OPS, Role.LEADER))]
SystemCode = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


@api.get("")
async def list_systems(session: Session, by: Watcher) -> SystemPage:
    """The outside systems in force, and what each has not taken yet; an adapter sees its own."""
    waiting: dict[str, list[WaitingRead]] = defaultdict(list)
    for code, state, n, oldest in await repository.open_deliveries(session):
        waiting[code].append(WaitingRead(state=state, n=n, oldest_made_at=oldest))
    names = SystemRead.model_fields.keys() - {"waiting"}
    items = [
        SystemRead(**{name: getattr(one, name) for name in names}, waiting=waiting[one.code])
        for one in catalogue.systems_on(session, local_date(now(session)))
        if by.has(Role.OPS, Role.LEADER) or by.system == one.code
    ]
    return SystemPage(items=items)


@api.post("/{system}/deliveries/lease")
async def lease_deliveries(session: Session, system: SystemCode, body: LeaseAsk, by: Adapter) -> LeasedPage:
    """Take what is due to a system: of each dossier the next change, in order, for a while."""
    rows = await delivering.lease_deliveries(session, system, by, body.limit, body.seconds)
    return LeasedPage(items=[Leased(**{**row._asdict(), "payload": json.loads(row.payload)}) for row in rows])


@api.post("/{system}/deliveries/{delivery_id}/ack")
async def answer_delivery(
    session: Session, system: SystemCode, delivery_id: UUID, body: AnswerGiven, by: Adapter
) -> DeliveryRead:
    """Say what came of a try: taken, refused, certainly without effect, or unknown."""
    return _read(await delivering.answer_delivery(session, Place(system, delivery_id, by), body))


@api.post("/{system}/deliveries/{delivery_id}/result")
async def bring_result(
    session: Session, system: SystemCode, delivery_id: UUID, body: ResultGiven, by: Adapter
) -> DeliveryRead:
    """Bring the business result of a delivery that was taken technically."""
    return _read(await delivering.bring_result(session, Place(system, delivery_id, by), body))


@api.get("/{system}/dossiers/{dossier_id}")
async def get_exchange(session: Session, system: SystemCode, dossier_id: UUID, by: Watcher) -> ExchangeRead:
    """What a system is told of a dossier, change by change, and what came of each."""
    delivering.system_for(session, system, by)
    exchange = await repository.exchange_with(session, dossier_id)
    if exchange is None or system not in exchange.lanes:
        raise DossierUnknown(str(dossier_id))
    deliveries = await repository.lane(session, dossier_id, system)
    return ExchangeRead(
        dossier_id=dossier_id,
        system=system,
        code=exchange.code,
        picture=exchange.picture,
        deliveries=[_read(one) for one in deliveries],
    )


@api.post("/{system}/observations")
async def record_observation(session: Session, system: SystemCode, body: ObservationGiven, by: Adapter) -> StandingRead:
    """Say how a dossier stands in the system; a divergence becomes an incident, being in step closes it."""
    return StandingRead.model_validate(await observing.observe(session, system, body, by))


@api.post("/{system}/messages")
async def take_message(session: Session, system: SystemCode, body: MessageGiven, by: Adapter) -> MessageRead:
    """Bring what the system says; ``parked`` is never told to it as a success, a conflict is an incident."""
    return MessageRead.model_validate(await hearing.hear(session, system, body, by))


@api.get("/{system}/messages")
async def list_messages(
    session: Session,
    system: SystemCode,
    by: Watcher,
    status: hearing.Status | None = None,
    limit: Limit = 50,
    after: After = None,
) -> MessagePage:
    """What the system said, and what became of it."""
    delivering.system_for(session, system, by)
    rows = await repository.messages(session, system, status=status, after=after, limit=limit)
    following = rows[-1].message_id if len(rows) == limit else None
    return MessagePage(items=[MessageRead.model_validate(row) for row in rows], next=following)


def _read(delivery: Delivery) -> DeliveryRead:
    return DeliveryRead.model_validate(delivery)
