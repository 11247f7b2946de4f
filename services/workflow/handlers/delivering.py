"""What adapters do: lease the heads of lanes, say what came of each, bring business results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.workflow.domain.deliveries import (
    LEASABLE,
    LET_GO,
    RESULTED,
    Answer,
    Result,
    StaleLease,
    State,
    after_answer,
)
from services.workflow.domain.incidents import Find, Kind
from services.workflow.domain.observing import Verdict
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import observing
from services.workflow.handlers.catalogue import system_for
from services.workflow.handlers.incidents import open_incident
from services.workflow.handlers.lanes import schedule
from services.workflow.models import Delivery, Exchange
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import AnswerGiven, ResultGiven
from shared.auth import Principal
from shared.errors import IllegalTransition, Text
from shared.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """A delivery of a system, and who speaks for the system."""

    system: str
    delivery_id: UUID
    by: Principal


async def lease_deliveries(session: Session, code: str, by: Principal, n: int, seconds: float) -> Sequence[Any]:
    """Lease up to *n* deliveries that are due to a system, each the head of its lane."""
    return await repository.lease(session, system_for(session, code, by).code, n, seconds)


async def answer_delivery(session: Session, place: Place, given: AnswerGiven) -> Delivery:
    """Record what came of a try; the same answer again changes nothing, one under an old lease is refused."""
    system = system_for(session, place.system, place.by)
    _, exchange, delivery = await repository.lock_delivery(session, system.code, place.delivery_id)
    has_result = delivery.fact in system.results_of and delivery.result is None
    following = after_answer(given.answer, has_result=has_result)
    if delivery.fence == given.fence and delivery.leased_until is None and delivery.state == following:
        return delivery
    if delivery.fence != given.fence or delivery.leased_until is None or delivery.state not in LEASABLE:
        raise StaleLease(extra={"state_now": delivery.state, "fence": delivery.fence})
    if given.answer is Answer.UNKNOWN and delivery.state == State.WAITING:
        delivery.n_tries = 1  # what it was tried while nothing could have an effect says nothing of it
    delivery.leased_until = None
    delivery.state, delivery.reason_code, delivery.message = following, given.reason_code, given.message
    await schedule(session, exchange, delivery, datetime.now(UTC))
    if given.answer is Answer.GONE:
        await _gone(session, system, exchange, delivery)
    elif delivery.state == State.REFUSED:
        await _refused(session, exchange, delivery)
    return delivery


async def _gone(session: Session, system: OutsideSystem, exchange: Exchange, delivery: Delivery) -> None:
    """There is no such dossier: its history is told first; if there is none, or a person let it go, it is refused."""
    verdict = await observing.gone(session, system, exchange)
    if verdict is Verdict.DIVERGED:
        return
    delivery.state, delivery.next_try_at = State.REFUSED, None
    if verdict is Verdict.SETTLED:
        delivery.reason_code = LET_GO
    await _refused(session, exchange, delivery)


async def _refused(session: Session, exchange: Exchange, delivery: Delivery) -> None:
    """The system said no: a lane of which this is the next change stands still until a person has decided."""
    ours = {"no": delivery.no, "fact": delivery.fact}
    theirs = {"reason_code": delivery.reason_code, "message": delivery.message}
    found = Find(Kind.REFUSED, None, ours, theirs)
    await open_incident(session, exchange, delivery.system, found, delivery=delivery)


async def bring_result(session: Session, place: Place, given: ResultGiven) -> Delivery:
    """Record the business result of a delivery that was acknowledged; a later one takes the place of the one before."""
    system = system_for(session, place.system, place.by)
    _, exchange, delivery = await repository.lock_delivery(session, system.code, place.delivery_id)
    following = RESULTED[Result(given.outcome)]
    if delivery.state == following and delivery.result == given.data:
        return delivery
    if delivery.state not in {State.ACKNOWLEDGED, following}:
        raise IllegalTransition(
            Text("Lượt giao không chờ kết quả nghiệp vụ", "the delivery does not wait for a business result"),
            extra={"state_now": delivery.state},
        )
    delivery.state, delivery.result, delivery.resulted_at = following, given.data, datetime.now(UTC)
    if delivery.state == State.REFUSED:
        await _refused(session, exchange, delivery)
    return delivery
