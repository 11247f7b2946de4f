"""The adapter API and what ops see of outside systems: parse, call one handler, return."""

import json
from collections import defaultdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import catalogue, delivering, hearing, looking, observing
from services.workflow.handlers.delivering import Place
from services.workflow.models import Delivery
from services.workflow.repository import exchange as repository
from services.workflow.repository import observing as seen
from services.workflow.schemas.exchange import (
    AnswerGiven,
    DeliveryRead,
    DueRead,
    ExchangeRead,
    InStepAsk,
    InStepRead,
    LeaseAsk,
    Leased,
    LeasedPage,
    Look,
    LookPage,
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
    """The outside systems in force: what each has not taken yet, what diverged there; an adapter sees its own."""
    shown = [
        one
        for one in catalogue.systems_on(session, local_date(now(session)))
        if by.has(Role.OPS, Role.LEADER) or by.system == one.code
    ]
    waiting: dict[str, list[WaitingRead]] = defaultdict(list)
    for code, state, n, oldest in await repository.open_deliveries(session):
        waiting[code].append(WaitingRead(state=state, n=n, oldest_made_at=oldest))
    diverged = _due(await seen.diverged(session))
    looks_due = _due(await seen.looks_due(session, [one.code for one in shown if one.reads_back]))
    return SystemPage(items=[_system(one, waiting, diverged, looks_due) for one in shown])


def _due(found: dict[str, tuple[int, datetime]]) -> dict[str, DueRead]:
    counted = {code: DueRead(n=n, since=since) for code, (n, since) in found.items()}
    return defaultdict(lambda: DueRead(n=0, since=None), counted)


def _system(
    system: OutsideSystem,
    waiting: dict[str, list[WaitingRead]],
    diverged: dict[str, DueRead],
    looks_due: dict[str, DueRead],
) -> SystemRead:
    code, names = system.code, SystemRead.model_fields.keys() - {"waiting", "diverged", "looks_due"}
    fields = {name: getattr(system, name) for name in names}
    return SystemRead(**fields, waiting=waiting[code], diverged=diverged[code], looks_due=looks_due[code])


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


@api.post("/{system}/looks/lease")
async def lease_looks(session: Session, system: SystemCode, body: LeaseAsk, by: Adapter) -> LookPage:
    """Take the dossiers that are due to be looked at; what no observation follows comes again after a while.

    First those that have taken a change and were not seen since; then the others, each after as long again as it has
    been as it is.
    """
    rows = await looking.lease_looks(session, system, by, body.limit, body.seconds)
    return LookPage(items=[Look(**{**row._asdict(), "payload": json.loads(row.payload)}) for row in rows])


@api.get("/{system}/dossiers/{dossier_id}")
async def get_exchange(session: Session, system: SystemCode, dossier_id: UUID, by: Watcher) -> ExchangeRead:
    """What a system is told of a dossier, change by change, what came of each, and what was seen there."""
    catalogue.system_for(session, system, by)
    exchange = await repository.exchange_with(session, dossier_id)
    if exchange is None or system not in exchange.lanes:
        raise DossierUnknown(str(dossier_id))
    deliveries = await repository.lane(session, dossier_id, system)
    standing = await seen.standing(session, dossier_id, system)
    return ExchangeRead(
        dossier_id=dossier_id,
        system=system,
        code=exchange.code,
        picture=exchange.picture,
        standing=StandingRead.model_validate(standing) if standing is not None else None,
        deliveries=[_read(one) for one in deliveries],
    )


@api.get("/{system}/in-step")
async def count_in_step(
    session: Session, system: SystemCode, ask: Annotated[InStepAsk, Query()], by: Watcher
) -> InStepRead:
    """How many dossiers accepted in a period are in step there, by receiving unit; to be held against its own figure.

    The rate of synchronised dossiers is part 1.4 of index 766 and multiplies part 3.1.
    """
    return await looking.count_in_step(session, system, ask, by)


@api.post("/{system}/observations")
async def record_observation(session: Session, system: SystemCode, body: ObservationGiven, by: Adapter) -> StandingRead:
    """Say how a dossier stands there: a difference is told again or becomes an incident, being in step closes it."""
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
    catalogue.system_for(session, system, by)
    rows = await repository.messages(session, system, status=status, after=after, limit=limit)
    following = rows[-1].message_id if len(rows) == limit else None
    return MessagePage(items=[MessageRead.model_validate(row) for row in rows], next=following)


def _read(delivery: Delivery) -> DeliveryRead:
    return DeliveryRead.model_validate(delivery)
