"""The REST surface of notify: parse, call one handler, return."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from services.notify import handlers, repository
from services.notify.models import Message
from services.notify.schemas import (
    AttemptRead,
    MessagePage,
    MessageRead,
    RedeliveryAsk,
    RedeliveryRead,
    SubscriptionCreate,
    SubscriptionMade,
    SubscriptionPage,
    SubscriptionRead,
)
from shared.auth import Principal, Role, allow
from shared.errors import Malformed, Text
from shared.web import After, Creates, Limit, Session, router

api = router(prefix="/v1")

Subscriber = Annotated[Principal, Depends(allow(Role.PORTAL, Role.SYSTEM, Role.OFFICER, Role.OPS))]

_CURSOR = re.compile(r"^(?P<time>[0-9T:.+-]{20,35})~(?P<id>[0-9a-f-]{36})$")


async def _with_attempts(session: Session, rows: Sequence[Message]) -> list[MessageRead]:
    attempts = await repository.attempts(session, [row.id for row in rows])
    names = [name for name in MessageRead.model_fields if name != "attempts"]
    return [
        MessageRead(
            **{name: getattr(row, name) for name in names},
            attempts=[AttemptRead.model_validate(attempt) for attempt in attempts[row.id]],
        )
        for row in rows
    ]


@api.get("/dossiers/{dossier_id}/messages", tags=["messages"])
async def list_messages(session: Session, dossier_id: UUID, by: Subscriber) -> MessagePage:
    """What was sent about a dossier, to whom (masked), by which channel, and every attempt."""
    rows = await repository.messages_of(session, dossier_id, by)
    return MessagePage(items=await _with_attempts(session, rows), next=None)


@api.post("/subscriptions", status_code=201, dependencies=[Creates], tags=["subscriptions"])
async def create_subscription(session: Session, body: SubscriptionCreate, by: Subscriber) -> SubscriptionMade:
    """Subscribe to facts. The secret is in this answer only (and, byte for byte, in its idempotent replay)."""
    return SubscriptionMade.model_validate(await handlers.create_subscription(session, body, by))


@api.get("/subscriptions", tags=["subscriptions"])
async def list_subscriptions(
    session: Session, by: Subscriber, limit: Limit = 50, after: UUID | None = None
) -> SubscriptionPage:
    """The caller's subscriptions; ops see all."""
    rows = await repository.list_subscriptions(session, by, after=after, limit=limit)
    following = str(rows[-1].id) if len(rows) == limit else None
    return SubscriptionPage(items=[SubscriptionRead.model_validate(row) for row in rows], next=following)


@api.get("/subscriptions/{subscription_id}", tags=["subscriptions"])
async def get_subscription(session: Session, subscription_id: UUID, by: Subscriber) -> SubscriptionRead:
    """One subscription, and whether its receiver answers."""
    return SubscriptionRead.model_validate(await repository.get_subscription(session, subscription_id, by))


@api.delete("/subscriptions/{subscription_id}", status_code=204, tags=["subscriptions"])
async def delete_subscription(session: Session, subscription_id: UUID, by: Subscriber) -> None:
    """End a subscription."""
    await handlers.delete_subscription(session, subscription_id, by)


@api.get("/subscriptions/{subscription_id}/deliveries", tags=["subscriptions"])
async def list_deliveries(
    session: Session, subscription_id: UUID, by: Subscriber, limit: Limit = 50, after: After = None
) -> MessagePage:
    """What was or will be sent to a subscription, newest fact first."""
    await repository.get_subscription(session, subscription_id, by)
    before = _parse_cursor(after) if after else None
    rows = await repository.deliveries(session, subscription_id, before=before, limit=limit)
    following = f"{rows[-1].event_time.isoformat()}~{rows[-1].id}" if len(rows) == limit else None
    return MessagePage(items=await _with_attempts(session, rows), next=following)


def _parse_cursor(text: str) -> tuple[datetime, UUID]:
    found = _CURSOR.match(text)
    try:
        if found:
            return datetime.fromisoformat(found["time"]), UUID(found["id"])
    except ValueError:
        pass
    raise Malformed(Text("Tham số after không hợp lệ", "after is not one that a list has given"))


@api.post("/subscriptions/{subscription_id}/redeliver", status_code=202, tags=["subscriptions"])
async def redeliver(session: Session, subscription_id: UUID, body: RedeliveryAsk, by: Subscriber) -> RedeliveryRead:
    """Send again, under the keys they had: one message, or everything since an instant."""
    n_messages, more = await handlers.redeliver(session, subscription_id, body, by)
    return RedeliveryRead(n_messages=n_messages, next_since=more)
