"""Read again what a service missed, or derive its state anew: what an operator starts when one service is behind."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from rich.progress import Progress, track
from sqlalchemy import func, select

from shared.db import is_transient
from shared.inbox import describe, lock_heads, want
from shared.outbox import to_event
from shared.recover import LONG_TRANSACTION, Copies, Report, all_of, pages, retrace_of
from shared.retrace import Recall
from shared.service import Service
from shared.session import Session
from shared.tables import EventRow, HeadRow, Hold, Parked
from shared.timeline import SOURCES, Entry, Event

PATIENCE = 40
"""Looks without work, half a second apart, until what is still on hold is left to the service."""


@dataclass(frozen=True)
class Range:
    """What is to be read again: of which sources; of one dossier, of those that moved since an instant, or all."""

    sources: tuple[str, ...]
    dossier_id: UUID | None = None
    since: datetime | None = None


async def replay(service: Service, of: Range) -> Report:
    """Compare with the ledgers of the sources and apply here what was not; PeerAway.

    What was applied is not applied again; a history that contradicts its ledger is listed.
    """
    report = Report()
    for source in of.sources:
        after: UUID | None = None
        while True:
            page, after = await _page(service, source, of, after)
            await _want_missing(service, source, page, report)
            if after is None:
                break
    await _drain(service, len(report.done))
    report.end = f"compared with the ledgers of {', '.join(of.sources)}"
    return report


async def _page(service: Service, source: str, of: Range, after: UUID | None) -> tuple[dict[UUID, Entry], UUID | None]:
    if of.dossier_id is None:
        page = await service.peers.heads(source, of.since, after)
        return page.entries, page.following
    pulled = await all_of(partial(service.peers.pull, source), [(of.dossier_id, 1)])
    return {event.dossier_id: Entry(event.seq, event.chain) for event in pulled}, None


async def _want_missing(service: Service, source: str, theirs: Mapping[UUID, Entry], report: Report) -> None:
    async with service.sessions.begin() as session:
        rows = await session.scalars(select(HeadRow).where(HeadRow.dossier_id.in_(list(theirs))))
        ours = {head.dossier_id: head.entry(source) for head in rows}
        behind = {one: at.seq for one, at in theirs.items() if ours.get(one, Entry()).seq < at.seq}
        if behind:
            await want(session, {(one, source): seq for one, seq in behind.items()})
    for one, at in theirs.items():
        here = ours.get(one, Entry())
        if here.seq > at.seq or (here.seq == at.seq and here.chain != at.chain):
            report.failed[one] = f"what was applied here contradicts the ledger of {source}"
    report.done += behind
    report.n_events += sum(seq - ours.get(one, Entry()).seq for one, seq in behind.items())


async def _drain(service: Service, n: int) -> None:
    """Fetch what is on hold until nothing is, or nothing more can be had now."""
    waiting = select(func.count()).select_from(Hold)
    waiting = waiting.where(~select(Parked).where(Parked.dossier_id == Hold.dossier_id).exists())
    with Progress() as bar:
        task, idle = bar.add_task("replaying", total=n), 0
        while idle < PATIENCE:
            async with service.sessions() as session:
                left = await session.scalar(waiting) or 0
            bar.update(task, completed=max(n - left, 0))
            if not left:
                break
            idle = 0 if await service.fetch.tick() else idle + 1
            await asyncio.sleep(0.5 if idle else 0)


async def rebuild(service: Service, ids: Sequence[UUID] | None = None) -> Report:
    """Forget what is derived of dossiers (all, without *ids*) and derive it anew from the ledgers; PeerAway.

    Each in one transaction: where today's rules would say anything else than was said, all stays as it was.
    """
    report = Report(end="derived anew from the ledgers")
    if ids is None:
        async with service.sessions() as session:
            born = select(HeadRow.dossier_id).where(HeadRow.intake_seq > 0).order_by(HeadRow.dossier_id)
            ids = list(await session.scalars(born))
    for page in track(list(pages(list(ids))), "rebuilding"):
        facts: Copies = defaultdict(dict)
        for source in service.watch.others:
            wants = [(one, 1) for one in page]
            for event in await all_of(partial(service.peers.pull, source), wants):
                facts[event.dossier_id][source, event.seq] = event
        for dossier_id in page:
            await _derive(service, dossier_id, facts[dossier_id], report)
    return report


async def _derive(service: Service, dossier_id: UUID, facts: dict[tuple[str, int], Event], report: Report) -> None:
    try:
        async with service.sessions.begin() as session:
            await session.execute(LONG_TRANSACTION)
            report.n_events += await _derive_in(session, service, dossier_id, facts)
    except Exception as error:
        if is_transient(error):
            raise
        report.failed[dossier_id] = describe(error)
    else:
        report.done.append(dossier_id)


async def _derive_in(
    session: Session, service: Service, dossier_id: UUID, facts: Mapping[tuple[str, int], Event]
) -> int:
    """Return how many events the state follows from: all that were applied, and all that were said."""
    assert service.definition.forget is not None  # noqa: S101 - asked before
    me = service.definition.name
    head = (await lock_heads(session, [dossier_id]))[dossier_id]
    until = {source: head.entry(source).seq for source in SOURCES}
    ledger = select(EventRow).where(EventRow.dossier_id == dossier_id).order_by(EventRow.seq)
    own = [to_event(me, row) for row in await session.scalars(ledger)]
    kept = await service.definition.forget(session, dossier_id)
    for source in SOURCES:
        head.step(source, Entry(), head.time or own[0].time)
    head.time = None
    await session.flush()
    applied = {key: event for key, event in facts.items() if key[1] <= until[key[0]]}
    await retrace_of(service).run(session, dossier_id, Recall(deque(own), is_new=False, kept=kept), applied)
    return len(own) + len(applied)
