"""What was sent and given up, noted again from what was said of it (``shared.retrace``): nobody gets it twice."""

from collections.abc import Mapping
from typing import Any

from services.notify import repository
from services.notify.domain import Status
from shared.consumer import Handler, Received
from shared.events import Fact
from shared.events.notify import MessageFailed, MessageSent
from shared.outbox import publish
from shared.session import Session


async def _settle(session: Session, got: Received[MessageSent | MessageFailed]) -> None:
    """Note what came of a message; one for a subscription that the backup lacks is not there to be noted."""
    changes: dict[str, Any] = {"status": Status.SENT, "sent_at": got.event.time}
    if isinstance(got.fact, MessageFailed):
        changes = {"status": Status.FAILED, "reason_code": got.fact.reason_code}
    publish(session, got.head, got.fact)
    rows, _ = await repository.lock_messages(session, [got.fact.message_id])
    for row in rows:
        for name, value in {**changes, "next_try_at": None, "leased_until": None}.items():
            setattr(row, name, value)
    await session.flush()
    await repository.settle_lanes(session, {row.lane for row in rows})


AGAIN: Mapping[type[Fact], Handler] = {MessageSent: _settle, MessageFailed: _settle}
