"""Lanes: what of a dossier a system is told next, and when; what it has taken is looked at soon."""

from datetime import UTC, datetime

import structlog
from prometheus_client import Counter

from services.workflow.domain.deliveries import LANE_MOVES_ON, LEASABLE, NO_CALL, State, pause_after
from services.workflow.handlers import looking
from services.workflow.models import Delivery, Exchange, Standing
from services.workflow.repository import exchange as repository
from services.workflow.repository.observing import deliveries_from, taken
from shared.session import Session

log = structlog.get_logger(__name__)

REPAIRS = Counter("lienthong_repairs_total", "Times that changes of a dossier were told again to a system", ["system"])


async def schedule(session: Session, exchange: Exchange, delivery: Delivery, real_now: datetime) -> None:
    """Say when the head of the lane is tried next: this delivery again, or the one after it."""
    state = State(delivery.state)
    if state in LEASABLE:
        delivery.next_try_at = real_now + pause_after(delivery.n_tries)
        return
    delivery.next_try_at = None
    if state in LANE_MOVES_ON:
        delivery.acknowledged_at = real_now
        await move_on(session, exchange, delivery, real_now)


async def move_on(session: Session, exchange: Exchange, delivery: Delivery, real_now: datetime) -> None:
    """The system has taken the head of a lane: the next one is due, and it is looked at what became of this one."""
    delivery.next_try_at = None
    lane, following = exchange.lanes[delivery.system], await repository.following(session, delivery)
    done_no = following.no - 1 if following is not None else lane["last_no"]
    exchange.lanes = {**exchange.lanes, delivery.system: {**lane, "done_no": done_no}}
    if following is not None:
        following.next_try_at = real_now
    await looking.taken(session, delivery, real_now)


async def tell_again(session: Session, exchange: Exchange, standing: Standing, first: int) -> bool:
    """Tell what a system had taken from *first* on once more, in order, before what waits behind it.

    False, and nothing is done, while a change is on its way or was refused: its answer, or a person, comes first. What
    a person settled before the system knew the dossier, or because there is no call for it, stays settled.
    """
    begin, _ = await taken(session, standing)
    every = await deliveries_from(session, standing, first)
    told = [one for one in every if 0 < begin <= one.no and (one.state, one.reason_code) != (State.DONE, NO_CALL)]
    head = next((one for one in told if one.no > standing.told_no), None)
    is_on_its_way = any(one.leased_until is not None for one in told)
    if not told or is_on_its_way or (head is not None and head.state not in LEASABLE):
        return False
    for delivery in told:
        delivery.next_try_at = None
        if delivery.no <= standing.told_no:
            if delivery.state == State.REFUSED:
                delivery.result = delivery.resulted_at = None
            delivery.state, delivery.n_tries = State.UNKNOWN, 0
    real_now = datetime.now(UTC)
    told[0].next_try_at = real_now
    lane = exchange.lanes[standing.system]
    exchange.lanes = {**exchange.lanes, standing.system: {**lane, "done_no": told[0].no - 1}}
    standing.look_at = standing.due_since = None
    standing.repaired_at, standing.repaired_from = real_now, first
    standing.n_repairs, standing.n_tries = standing.n_repairs + 1, standing.n_tries + 1
    REPAIRS.labels(standing.system).inc()
    log.info("told_again", dossier_id=str(standing.dossier_id), system=standing.system, first=first)
    return True
