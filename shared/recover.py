"""Recover a service that was restored from an old backup: what others know of it comes back, and the state follows.

The events that the ledger lost are in Kafka, and in intake, which keeps every fact of everybody. They go into the
ledger byte for byte (``shared.retrace``). A dossier whose lost events are nowhere, or can not be gone through again,
is frozen and listed. Source: architecture.md §3.9.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

from rich.progress import track
from sqlalchemy import func, select, text, update

from shared.db import is_transient
from shared.events import FACTS
from shared.events.envelope import TOPIC
from shared.forks import let_flow
from shared.inbox import describe, lock_heads
from shared.kafka import tail
from shared.outbox import row_of
from shared.peers import PeerAway, Pulled
from shared.retrace import CanNotRetrace, Recall, Retrace
from shared.service import Service
from shared.standing import decoded
from shared.tables import EventRow, HeadRow, Restoration
from shared.timeline import BIRTHPLACE, SOURCES, Entry, Event, Verdict, advance, chain_over, parse_after

T = TypeVar("T")

PAGE = 100
LONG_TRANSACTION = text("SET LOCAL transaction_timeout = '5min'")

Copies = dict[UUID, dict[tuple[str, int], Event]]
"""By dossier: events, by source and sequence number."""
Want = tuple[UUID, int]
"""A dossier, and from which event on."""


@dataclass
class Report:
    """What came of it, dossier by dossier."""

    done: list[UUID] = field(default_factory=list)
    n_events: int = 0
    failed: dict[UUID, str] = field(default_factory=dict)
    """Dossiers a person has to look at, and why."""
    lost: Counter[str] = field(default_factory=Counter)
    """What no event holds, and for how many dossiers."""
    end: str = ""

    def lines(self) -> Iterator[str]:
        """Yield what an operator reads."""
        yield f"{len(self.done)} dossiers, {self.n_events} events"
        yield from (f"lost for {n}: {what}" for what, n in self.lost.items())
        yield from (f"look at {dossier_id}: {why}" for dossier_id, why in self.failed.items())
        yield self.end


async def recover(service: Service) -> Report:
    """Bring back what this service's ledger lost. The peers and Kafka have to run, the service itself need not.

    Raises PeerAway, KafkaError.
    """
    report = Report()
    missing, away = await service.watch.look(with_kafka=False)
    if away:
        raise PeerAway(", ".join(sorted(away)), ConnectionError())
    known: dict[UUID, int] = {}
    for one in missing:
        known[one.dossier_id] = max(one.known, known.get(one.dossier_id, 0))
    copies = await _from_kafka(service, known)
    if service.definition.name != BIRTHPLACE:
        await _from_intake(service, known, copies)
    if known and service.definition.doubt is not None:
        async with service.sessions.begin() as session:
            await service.definition.doubt(session)
    for dossier_id in track(sorted(known), "recovering"):
        await _bring_back(service, dossier_id, known[dossier_id], copies, report)
    missing, _ = await service.watch.look()
    if not missing:
        async with service.sessions() as session:
            await session.execute(update(Restoration).values(recovered_until=service.clock.now()))
    report.end = "others know more than this ledger holds, still" if missing else "the service may go on"
    return report


async def _from_kafka(service: Service, known: dict[UUID, int]) -> Copies:
    """Return everything in the topic that is beyond the heads here; *known* learns how far this service had come."""
    columns = ", ".join(f"{source}_seq" for source in SOURCES)
    async with service.sessions() as session:
        rows = await session.execute(text(f"SELECT dossier_id, {columns} FROM head"))  # noqa: S608 - four names of ours
    heads = {row[0]: dict(zip(SOURCES, row[1:], strict=True)) for row in rows}
    copies: Copies = defaultdict(dict)
    async for records in tail(service.settings.kafka, service.settings.kafka_prefix + TOPIC, None):
        for event in decoded(records):
            if event.seq > heads.get(event.dossier_id, {}).get(event.source, 0):
                copies[event.dossier_id][event.source, event.seq] = event
                if event.source == service.definition.name:
                    known[event.dossier_id] = max(event.seq, known.get(event.dossier_id, 0))
    return copies


async def _from_intake(service: Service, known: Mapping[UUID, int], copies: Copies) -> None:
    """Add intake's copies of what Kafka does not have any more."""
    me, heads = service.definition.name, await _heads(service, known)
    wants = [(one, heads[one].seq + 1) for one in known if not _has_all(copies[one], me, heads[one].seq, known[one])]
    for page in pages(wants):
        for event in await all_of(partial(service.peers.copies, BIRTHPLACE), page):
            copies[event.dossier_id].setdefault((me, event.seq), event)


def _has_all(there: Mapping[tuple[str, int], Event], source: str, after: int, last: int) -> bool:
    return all((source, seq) in there for seq in range(after + 1, last + 1))


async def _heads(service: Service, ids: Iterable[UUID]) -> dict[UUID, Entry]:
    wanted = list(ids)
    async with service.sessions() as session:
        rows = await session.scalars(select(HeadRow).where(HeadRow.dossier_id.in_(wanted)))
        found = {head.dossier_id: head.entry(service.definition.name) for head in rows}
    return {one: found.get(one, Entry()) for one in wanted}


async def _bring_back(service: Service, dossier_id: UUID, last: int, copies: Copies, report: Report) -> None:
    """Go through the lost events of one dossier again; where that is not possible freeze it, its ledger whole."""
    me = service.definition.name
    at = (await _heads(service, [dossier_id]))[dossier_id]
    own = list(_chained(at, me, copies[dossier_id]))
    try:
        _require_whole(at.seq + len(own), last)
        foreign = await _causes(service, dossier_id, own, copies[dossier_id])
        async with service.sessions.begin() as session:
            await session.execute(LONG_TRANSACTION)
            await retrace_of(service).run(session, dossier_id, Recall(deque(own), is_new=True), foreign)
            await let_flow(session, [dossier_id], Verdict.AHEAD)
    except Exception as error:
        if is_transient(error) or isinstance(error, PeerAway):
            raise
        report.failed[dossier_id] = describe(error)
        await _freeze(service, dossier_id, own)
    else:
        report.done.append(dossier_id)
    report.n_events += len(own)
    told = (service.definition.lost.get(FACTS[event.type]) for event in own)
    report.lost.update(what for what in told if what)


def _require_whole(found: int, last: int) -> None:
    if found < last:
        raise CanNotRetrace(f"event {found + 1} of {last} is nowhere, or belongs to another history")


def retrace_of(service: Service) -> Retrace:
    """Return how a service retraces."""
    return Retrace(service.definition.consumer, service.definition.again)


def _chained(at: Entry, source: str, copies: Mapping[tuple[str, int], Event]) -> Iterator[Event]:
    """Yield the events after *at* as far as they are there and continue its history."""
    while (event := copies.get((source, at.seq + 1))) is not None and chain_over(at.chain, event) == event.chain:
        yield event
        at = Entry(event.seq, event.chain)


async def _causes(
    service: Service, dossier_id: UUID, own: Sequence[Event], copies: Mapping[tuple[str, int], Event]
) -> dict[tuple[str, int], Event]:
    """Return the facts of others that *own* events name as causes: from their ledgers, else from Kafka."""
    me, last = service.definition.name, Counter[str]()
    for event in own:
        last |= Counter(parse_after(event.after))
    found = {key: event for key, event in copies.items() if key[0] != me}
    for source in last.keys() - {me}:
        pulled = await all_of(partial(service.peers.pull, source), [(dossier_id, 1)])
        found |= {(source, event.seq): event for event in pulled}
    return found


async def all_of(ask: Callable[[list[Want]], Awaitable[Pulled]], wants: Sequence[Want]) -> list[Event]:
    """Ask until no answer is cut; each goes on where the one before ended."""
    left, found = dict(wants), []
    while left:
        pulled = await ask(list(left.items()))
        found += pulled.events
        if not pulled.is_cut or not pulled.events:
            break
        last = pulled.events[-1]
        served = {event.dossier_id for event in pulled.events} - {last.dossier_id}
        left = {one: seq for one, seq in left.items() if one not in served} | {last.dossier_id: last.seq + 1}
    return found


async def _freeze(service: Service, dossier_id: UUID, own: Sequence[Event]) -> None:
    """Write the events into the ledger without their state, and let nobody say more about the dossier."""
    async with service.sessions.begin() as session:
        head = (await lock_heads(session, [dossier_id]))[dossier_id]
        for event in own:
            session.insert(EventRow, row_of(event))
            advance(head, event)
        head.frozen_at = await session.scalar(select(func.clock_timestamp()))


def pages(ones: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return *ones* in parts that one question may hold."""
    return (ones[at : at + PAGE] for at in range(0, len(ones), PAGE))
