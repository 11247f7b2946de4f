"""What outside systems are told: each fact moves the picture of its dossier and becomes one delivery per system.

One row a change, written in the transaction of the fact, never merged with another: states in between reach everybody.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from services.workflow import repository
from services.workflow.domain.deliveries import State, canonical, digest_of
from services.workflow.domain.picture import Picture, born, fold
from services.workflow.domain.systems import OutsideSystem, payload_of
from services.workflow.handlers import catalogue
from services.workflow.models import Delivery, Exchange
from services.workflow.repository import Journey
from shared.events import Fact, workflow
from shared.events.intake import DossierSubmitted
from shared.outbox import publish
from shared.retrace import may_have_been_told
from shared.session import Session
from shared.timeline import Event
from shared.worktime import local_date


async def begin(session: Session, dossier_id: UUID, fact: DossierSubmitted, event: Event) -> None:
    """A dossier was submitted: whoever is told of every dossier hears of it from the start."""
    if await repository.exchange_of(session, dossier_id) is not None:
        return
    picture = born(fact, event.time)
    exchange = Exchange(dossier_id=dossier_id, code=None, picture=_dump(picture), lanes={})
    await repository.add_exchange(session, exchange)
    _tell(session, exchange, event, fact, None)


async def hear(session: Session, dossier_id: UUID, fact: Fact, event: Event) -> None:
    """A fact of another service was applied."""
    exchange = await repository.exchange_of(session, dossier_id)
    if exchange is not None:
        _follow(session, exchange, event, fact, None)


def say(session: Session, journey: Journey, fact: Fact, at: datetime | None = None) -> Event:
    """Publish a fact of our own, and tell it."""
    event = publish(session, journey.head, fact, at)
    leg_no = getattr(fact, "leg_no", None)
    agency_code = next((leg.agency_code for leg in journey.legs if leg.leg_no == leg_no), None)
    _follow(session, journey.exchange, event, fact, agency_code)
    return event


def _follow(session: Session, exchange: Exchange, event: Event, fact: Fact, agency_code: str | None) -> None:
    before = Picture.model_validate(exchange.picture)
    after = fold(before, fact, event.time)
    if after is not before:
        exchange.picture, exchange.code = _dump(after), after.code
    _tell(session, exchange, event, fact, agency_code)


def _tell(session: Session, exchange: Exchange, event: Event, fact: Fact, agency_code: str | None) -> None:
    concerned = _concerned(session, exchange, event, fact, agency_code)
    told = [system for system in concerned if system.is_told(fact, agency_code)]
    if not told:
        return
    payload = canonical(payload_of(fact, event.time.isoformat(), exchange.picture))
    content = {"payload": payload, "payload_hash": digest_of(payload)}
    lanes = dict(exchange.lanes)
    for system in told:
        lane = lanes.get(system.code, {"last_no": 0, "done_no": 0})
        lanes[system.code] = {**lane, "last_no": lane["last_no"] + 1}
        session.insert(Delivery, _row(session, exchange, system, event, fact) | content)
    exchange.lanes = lanes


def _concerned(
    session: Session, exchange: Exchange, event: Event, fact: Fact, agency_code: str | None
) -> Iterator[OutsideSystem]:
    """Yield the systems in force that know the dossier, or get to know it by this fact."""
    is_offer = isinstance(fact, workflow.LegOffered)
    for system in catalogue.systems_on(session, local_date(event.time)):
        if system.code in exchange.lanes or system.begins_with(agency_code, is_offer=is_offer):
            yield system


def _row(session: Session, exchange: Exchange, system: OutsideSystem, event: Event, fact: Fact) -> dict[str, Any]:
    """Return the delivery of a fact; of one that is told again after a restore it is not known who was told before."""
    lane = exchange.lanes.get(system.code, {"last_no": 0, "done_no": 0})
    now = datetime.now(UTC)
    is_head = lane["last_no"] == lane["done_no"]
    return {
        "dossier_id": exchange.dossier_id,
        "system": system.code,
        "no": lane["last_no"] + 1,
        "id": delivery_id(event.id, system.code),
        "event_id": event.id,
        "fact": type(fact).__name__,
        "state": State.UNKNOWN if may_have_been_told(session, event) else State.WAITING,
        "made_at": now,
        "next_try_at": now if is_head else None,
        "leased_until": None,
        "fence": 0,
        "n_tries": 0,
        "reason_code": "",
        "message": "",
        "acknowledged_at": None,
        "result": None,
        "resulted_at": None,
    }


def delivery_id(event_id: UUID, system: str) -> UUID:
    """Return the id of the delivery of a fact to a system: the same whenever it is made, also after a restore.

    Systems know a repeat by it: under another one a slip would be a second debt. Its first half is the event's, which
    has the time in it, so that the index grows at its end.
    """
    return UUID(bytes=event_id.bytes[:8] + uuid5(event_id, system).bytes[8:])


def _dump(picture: Picture) -> dict[str, Any]:
    return picture.model_dump(mode="json")
