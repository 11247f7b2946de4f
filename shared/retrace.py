"""Retraces the history of one dossier: events are applied anew, and nothing is said but what was said before.

Own events that are in no state any more (the database was restored), or whose state is to be derived anew, are gone
through in their order. Before each, the facts of others that it names as its causes are applied by the handlers of
always. What they publish has to be the next own event: it is taken as it was, with its place and its instant. An own
event that no handler publishes was a command's or a job's: ``Definition.again`` names the function that did it.
Source: architecture.md §3.9.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.consumer import Consumer, Handler, Received
from shared.errors import DomainError
from shared.events import FACTS, Fact
from shared.inbox import lock_heads
from shared.outbox import row_of
from shared.session import Session
from shared.tables import EventRow, HeadRow
from shared.timeline import Event, advance, chain_over, parse_after

Foreign = Mapping[tuple[str, int], Event]
"""The facts of others about one dossier, by source and sequence number."""


class CanNotRetrace(DomainError):
    """What is done today is not what was done then, or a cause is nowhere to be had: a person has to look."""

    status = 409
    code = "can_not_retrace"


@dataclass
class Recall:
    """Own events of one dossier that are still to come; a session that has one says nothing new."""

    own: deque[Event]
    is_new: bool
    """The ledger lacks them: they are written into it."""
    kept: Any = None
    """What the service put aside of the state it forgot."""

    def take(self, session: Session, head: HeadRow, type_name: str) -> Event:
        """Return the next own event in place of one that would be published; CanNotRetrace if it is another."""
        if not self.own or self.own[0].type != type_name:
            there = self.own[0].type if self.own else "nothing"
            raise CanNotRetrace(f"{type_name} would follow, {there} followed")
        event = self.own.popleft()
        advance(head, event)
        if self.is_new:
            session.insert(EventRow, row_of(event))
        return event


def recalled(session: Session) -> Recall | None:
    """Return what is being retraced in this session, None in the life of every day."""
    found: Recall | None = session.info.get("recall")
    return found


def was_said(session: Session, kind: type[Fact]) -> bool:
    """Say whether a fact that earlier code did not tell is to be told: not where a history goes on without it."""
    recall = recalled(session)
    return recall is None or bool(recall.own and recall.own[0].type == kind.type_name())


def may_have_been_told(session: Session, event: Event) -> bool:
    """Say whether an event may have been told outside before: it happened before this service had recovered."""
    until: datetime | None = session.info.get("recovered_until")
    return recalled(session) is not None or (until is not None and event.time <= until)


@dataclass(frozen=True)
class Retrace:
    """What one service needs to retrace a history."""

    consumer: Consumer
    again: Mapping[type[Fact], Handler]
    """By own facts: does again what a command or a job did that published this event first."""

    async def run(self, session: Session, dossier_id: UUID, recall: Recall, foreign: Foreign) -> None:
        """Apply all own events of *recall* to a dossier, and then all that is left of *foreign* if none is new.

        In the transaction of *session*; CanNotRetrace.
        """
        outside = dict(session.info)
        while recall.own:
            await self._step(session, dossier_id, recall, foreign, outside)
        if not recall.is_new:
            head = await self._begin(session, dossier_id, recall, outside)
            left = [one for (source, seq), one in foreign.items() if seq > head.entry(source).seq]
            await self._hear(session, head, sorted(left, key=lambda one: one.order))
            await session.flush()
        session.info.clear()
        session.info.update(outside)

    async def _begin(self, session: Session, dossier_id: UUID, recall: Recall, info: dict[str, Any]) -> HeadRow:
        """Forget what the session's repositories remember, and lock the head as it stands now."""
        session.info.clear()
        session.info.update(info, recall=recall)
        return (await lock_heads(session, [dossier_id]))[dossier_id]

    async def _step(
        self, session: Session, dossier_id: UUID, recall: Recall, foreign: Foreign, info: dict[str, Any]
    ) -> None:
        head, following = await self._begin(session, dossier_id, recall, info), recall.own[0]
        causes = due_causes(head, following, foreign, self.consumer.service)
        if causes:
            await self._hear(session, head, causes)
        else:
            await self._do_again(session, head, following)
            if recall.own and recall.own[0] is following:
                raise CanNotRetrace(f"{following.type} was not said again")
        await session.flush()

    async def _hear(self, session: Session, head: HeadRow, causes: Sequence[Event]) -> None:
        if self.consumer.preload is not None:
            session.info["preloaded"] = await self.consumer.preload(session, [head.dossier_id])
        for event in causes:
            if chain_over(head.entry(event.source).chain, event) != event.chain:
                raise CanNotRetrace(f"{event.source} has another history now")
            advance(head, event)
            handler = self.consumer.handler(event.type)
            if handler is not None:
                await handler(session, received(event, head))
        if self.consumer.witness is not None and causes:
            await self.consumer.witness(session, list(causes))

    async def _do_again(self, session: Session, head: HeadRow, event: Event) -> None:
        handler = self.again.get(FACTS[event.type])
        if handler is None:
            raise CanNotRetrace(f"nothing does {event.type} again")
        if self.consumer.preload is not None:
            session.info["preloaded"] = await self.consumer.preload(session, [head.dossier_id])
        await handler(session, received(event, head))


def received(event: Event, head: HeadRow) -> Received[Any]:
    """Return an event as handlers get it."""
    return Received(FACTS[event.type].model_validate_json(event.data), event, head)


def due_causes(head: HeadRow, event: Event, foreign: Foreign, me: str) -> list[Event]:
    """Return, in the order of the timeline, the facts of others that *event* names as causes and *head* lacks."""
    found: list[Event] = []
    for source, last in parse_after(event.after).items():
        for seq in range(head.entry(source).seq + 1, last + 1) if source != me else ():
            if (source, seq) not in foreign:
                raise CanNotRetrace(f"{source} has no event {seq} any more")
            found.append(foreign[source, seq])
    return sorted(found, key=lambda one: one.order)
