"""Publishing: the event row is written through the caller's session, in the transaction of the state it announces."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
import uuid_utils.compat as uuids

from shared.errors import BodyTooLarge, DossierFrozen, DossierUnknown
from shared.events.base import Fact
from shared.events.envelope import MAX_EVENT_BYTES
from shared.session import Session
from shared.tables import EventRow, HeadRow
from shared.timeline import SOURCES, TICK, Draft, Event, record, shard_of

N_SHARDS = 8
STORED = Event._fields[1:]
"""What a ledger holds of an event; its source is the service whose ledger it is."""


def now(session: Session) -> datetime:
    """Return the present business instant of the service that opened *session*; in a recall, the one of then."""
    recall = session.info.get("recall")
    if recall is not None and recall.own:
        then: datetime = recall.own[0].time
        return then
    instant: datetime = session.info["clock"].now()
    return instant


def new_dossier_id(instant: datetime) -> UUID:
    """Return a UUIDv7 whose time part is *instant*, so that ledgers partition by month of submission.

    Source: RFC 9562, 5.7; the library's generator knows the real clock only.
    """
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


def next_instant(session: Session, head: HeadRow) -> datetime:
    """Return the instant of the fact that is about to be published: now, but after everything seen on this head.

    A command that also stores or computes with the instant passes it to ``publish``: both then say the same.
    """
    return now(session) if head.time is None else max(now(session), head.time + TICK)


async def lock_head(session: Session, dossier_id: UUID) -> HeadRow:
    """Lock the head of a dossier: the first thing every command does. DossierUnknown if there is none."""
    head = await session.get(HeadRow, dossier_id, lock=True)
    if head is None or head.intake_seq == 0:
        raise DossierUnknown(str(dossier_id))
    return head


def birth(session: Session, dossier_id: UUID) -> HeadRow:
    """Return the empty head of a dossier that is being submitted; intake only."""
    nothing = {f"{source}_{part}": 0 for source in SOURCES for part in ("seq", "chain")}
    head = HeadRow(dossier_id=dossier_id, time=None, frozen_at=None, **nothing)
    session.add(head)
    return head


def publish(session: Session, head: HeadRow, fact: Fact, at: datetime | None = None) -> Event:
    """Add *fact* to the history of the dossier whose *head* is locked; nothing leaves before the commit.

    Raises BodyTooLarge over 256 KiB, DossierFrozen if its history forked, ValueError for another service's fact.
    """
    service = session.info["service"]
    if (recall := session.info.get("recall")) is not None:  # see shared.retrace
        said: Event = recall.take(session, head, fact.type_name())
        return said
    if head.frozen_at is not None:
        raise DossierFrozen(str(head.dossier_id))
    if fact.source != service:
        msg = f"{service} does not publish {type(fact).__name__}"
        raise ValueError(msg)
    data = fact.encode()
    if len(data) > MAX_EVENT_BYTES:
        raise BodyTooLarge(type(fact).__name__)
    context = structlog.contextvars.get_contextvars()
    draft = Draft(
        id=uuids.uuid7(),
        type=fact.type_name(),
        data=data,
        correlation_id=context.get("correlation_id", ""),
        traceparent=context.get("traceparent", ""),
    )
    event = record(service, head, draft, at or now(session))
    session.insert(EventRow, row_of(event))
    session.info["published"] = session.info.get("published", 0) + 1
    return event


def row_of(event: Event) -> dict[str, Any]:
    """Return the ledger row of an event of our own."""
    return dict(zip(STORED, event[1:], strict=True)) | {"shard": shard_of(event.dossier_id, N_SHARDS)}


def to_event(service: str, row: EventRow) -> Event:
    """Return the event of a ledger row of *service*."""
    return Event(service, *[getattr(row, name) for name in STORED])
