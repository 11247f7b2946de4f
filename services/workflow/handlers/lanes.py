"""Lanes: what of a dossier a system is told next, and when."""

from datetime import datetime

from services.workflow.domain.deliveries import LANE_MOVES_ON, LEASABLE, State, pause_after
from services.workflow.models import Delivery, Exchange
from services.workflow.repository import exchange as repository
from shared.session import Session


async def schedule(session: Session, exchange: Exchange, delivery: Delivery, real_now: datetime) -> None:
    """Say when the head of the lane is tried next: this delivery again, or the one after it."""
    state = State(delivery.state)
    if state in LEASABLE:
        delivery.next_try_at = real_now + pause_after(delivery.n_tries)
        return
    delivery.next_try_at = None
    if state in LANE_MOVES_ON:
        await move_on(session, exchange, delivery, real_now)


async def move_on(session: Session, exchange: Exchange, delivery: Delivery, real_now: datetime) -> None:
    """The system has taken the head of a lane: the next one is due."""
    delivery.next_try_at, delivery.acknowledged_at = None, real_now
    lane = exchange.lanes[delivery.system]
    exchange.lanes = {**exchange.lanes, delivery.system: {**lane, "done_no": delivery.no}}
    following = await repository.following(session, delivery)
    if following is not None:
        following.next_try_at = real_now
