"""The inbox: applies events in causal order, each in the transaction that steps the head over it."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from shared import db, telemetry
from shared.consumer import Consumer, Received, UnknownType
from shared.db import is_transient
from shared.errors import DomainError
from shared.events import FACTS
from shared.reference import References
from shared.session import Session, Sessions
from shared.tables import HeadRow, Hold, Parked
from shared.timeline import Event, Verdict, advance, decide

log = structlog.get_logger(__name__)

TRIES = 3


@dataclass
class _Batch:
    """What one transaction does: heads it locked, what it applied, what has to wait."""

    heads: dict[UUID, HeadRow]
    parked: set[UUID]
    held: set[UUID]
    trusted: bool
    kept: object = None
    """State that was read for the batch; the session alone would forget it."""
    is_read: bool = False
    applied: list[Event] = field(default_factory=list)
    wanted: dict[tuple[UUID, str], int] = field(default_factory=dict)

    def want(self, dossier_id: UUID, source: str, seq: int) -> None:
        key = (dossier_id, source)
        self.wanted[key] = max(seq, self.wanted.get(key, 0))


class Inbox:
    """Applies events to one service; the broker's reader and the ledger fetch share it."""

    def __init__(self, consumer: Consumer, sessions: Sessions, references: References) -> None:
        self.consumer = consumer
        self.sessions = sessions
        self.references = references

    async def apply(self, events: Sequence[Event], *, trusted: bool = False) -> int:
        """Apply what can be applied and record what has to wait; return how many were applied.

        A batch that fails is applied dossier by dossier, and only the culprit's dossier is parked.
        Connection, deadlock and serialization errors are raised: the caller tries again.
        """
        events = [event for event in events if event.source != self.consumer.service or not trusted]
        if not events:
            return 0
        try:
            return await self._apply_once(events, trusted=trusted)
        except Exception as error:
            if is_transient(error):
                raise
        return sum([await self._apply_dossier(group, trusted=trusted) for group in _by_dossier(events)])

    async def apply_in_time(self, events: Sequence[Event], *, trusted: bool = False) -> int:
        """Apply like ``apply``; a batch that takes longer than a transaction may is cut in halves.

        One event that alone takes too long, each time, is poison; once it may be the process that stood still.
        """
        for _ in range(TRIES if len(events) == 1 else 1):
            began = time.monotonic()
            try:
                return await self.apply(events, trusted=trusted)
            except Exception as error:
                if not is_transient(error) or time.monotonic() - began < db.LONGEST_TRANSACTION_SECONDS * 0.9:
                    raise
                late = error
        if len(events) == 1:
            await self._park(events[0], "poison", late)
            return 0
        half = len(events) // 2
        done = await self.apply_in_time(events[:half], trusted=trusted)
        return done + await self.apply_in_time(events[half:], trusted=trusted)

    async def _apply_dossier(self, events: Sequence[Event], *, trusted: bool) -> int:
        n_applied = 0
        for event in events:
            for n_tries in range(1, TRIES + 1):
                try:
                    n_applied += await self._apply_once([event], trusted=trusted)
                    break
                except Exception as error:
                    if is_transient(error):
                        raise
                    if n_tries == TRIES:
                        await self._park_or_skip(event, error)
        return n_applied

    async def _apply_once(self, events: Sequence[Event], *, trusted: bool) -> int:
        async with self.sessions.begin(uniform=True) as session:
            batch = await self._open(session, sorted({event.dossier_id for event in events}), trusted=trusted)
            for group in _by_dossier(events):
                await self._settle(session, batch, group)
            if self.consumer.witness is not None and batch.applied:
                await self.consumer.witness(session, batch.applied)
            await _write_holds(session, batch)
        for event in batch.applied:
            telemetry.READ.labels(self.consumer.service, event.source, "apply").inc()
        return len(batch.applied)

    async def _open(self, session: Session, ids: list[UUID], *, trusted: bool) -> _Batch:
        heads, parked, held = await _lock(session, ids)
        return _Batch(heads, parked, held, trusted)

    async def _settle(self, session: Session, batch: _Batch, events: list[Event]) -> None:
        """Apply *events* of one dossier until none of those that are left can be applied."""
        head = batch.heads[events[0].dossier_id]
        waiting, n_before = events, -1
        while waiting and len(waiting) != n_before:
            n_before = len(waiting)
            waiting = [event for event in waiting if not await self._take(session, batch, head, event)]
        for event in waiting:
            for source, seq in decide(self.consumer.service, head, event, trusted=batch.trusted).wanted:
                batch.want(event.dossier_id, source, seq)
            batch.want(event.dossier_id, event.source, event.seq)

    async def _take(self, session: Session, batch: _Batch, head: HeadRow, event: Event) -> bool:
        """Return True when nothing more has to be done with *event*, False when it has to wait."""
        me = self.consumer.service
        decision = decide(me, head, event, trusted=batch.trusted)
        if decision.verdict is Verdict.DROP:
            return True
        if event.dossier_id in batch.parked:
            return event.source == me
        if decision.verdict in {Verdict.FORK, Verdict.AHEAD}:
            await park(session, event, decision.verdict, f"{me}: {decision.verdict}")
            batch.parked.add(event.dossier_id)
            return False
        if decision.verdict is Verdict.HOLD or not await self._run(session, batch, head, event):
            return False
        batch.applied.append(event)
        return True

    async def _run(self, session: Session, batch: _Batch, head: HeadRow, event: Event) -> bool:
        """Step the head and run the handler; False if reference data it names is not here yet.

        The first event that is handled reads the state of the whole batch; a batch of ignored ones reads none.
        """
        handler = self.consumer.handler(event.type)
        if handler is None:
            advance(head, event)
            return True
        fact = FACTS[event.type].model_validate_json(event.data)
        if not await self.references.has_all(fact.references()):
            return False
        if not batch.is_read and self.consumer.preload is not None:
            batch.is_read, batch.kept = True, await self.consumer.preload(session, list(batch.heads))
        advance(head, event)
        with structlog.contextvars.bound_contextvars(
            correlation_id=event.correlation_id, traceparent=event.traceparent
        ):
            await handler(session, Received(fact, event, head))
        return True

    async def _park_or_skip(self, event: Event, error: BaseException) -> None:
        """Park; if even that fails skip the event: one message must not stop all, and the sweep comes back to it."""
        try:
            await self._park(event, "poison", error)
        except Exception as failure:
            if is_transient(failure):
                raise
            telemetry.report(log, "not_parked", failure, dossier_id=str(event.dossier_id))

    async def _park(self, event: Event, reason: str, error: BaseException) -> None:
        telemetry.report(log, "parked", error, dossier_id=str(event.dossier_id), type=event.type)
        async with self.sessions.begin() as session:
            await lock_heads(session, [event.dossier_id])
            await park(session, event, reason, describe(error))
            await _write_holds(
                session, _Batch({}, set(), set(), False, wanted={(event.dossier_id, event.source): event.seq})
            )


def _by_dossier(events: Iterable[Event]) -> list[list[Event]]:
    groups: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        groups[event.dossier_id].append(event)
    return list(groups.values())


async def lock_heads(session: Session, ids: Sequence[UUID]) -> dict[UUID, HeadRow]:
    """Lock the heads of *ids* (sorted), creating those that are missing."""
    return (await _lock(session, ids))[0]


async def _lock(session: Session, ids: Sequence[UUID]) -> tuple[dict[UUID, HeadRow], set[UUID], set[UUID]]:
    """Lock heads in order, creating those that are missing; say which dossiers are parked and which have holds.

    Parking and holding are done under the head's lock; one that was written while this statement waited for the lock
    may be missed, and then the event is applied or held again: neither loses anything.
    """
    rows: list[Any] = list(await session.execute(_LOCK, {"ids": ids}))
    known = {head.dossier_id for head, _, _ in rows}
    missing = [dossier_id for dossier_id in ids if dossier_id not in known]
    if missing:
        await session.execute(_CREATE, {"ids": missing})
        rows += list(await session.execute(_LOCK, {"ids": missing}))
    heads = {head.dossier_id: head for head, _, _ in rows}
    return (
        heads,
        {h.dossier_id for h, is_parked, _ in rows if is_parked},
        {h.dossier_id for h, _, is_held in rows if is_held},
    )


def _lock_statement() -> Select[HeadRow, bool, bool]:
    there = select(Parked.id).where(Parked.dossier_id == HeadRow.dossier_id)
    parked = there.where(~Parked.is_retrying).exists()
    held = select(Hold.source).where(Hold.dossier_id == HeadRow.dossier_id).exists()
    query = select(HeadRow, parked, held).order_by(HeadRow.dossier_id).with_for_update(of=HeadRow)
    return query.where(HeadRow.dossier_id == any_(bindparam("ids", type_=ARRAY(Uuid))))


_LOCK = _lock_statement()
_CREATE = text("INSERT INTO head (dossier_id) SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING")


def describe(error: BaseException) -> str:
    """Return what may be shown of *error*: its kind, and its words only where they are our own."""
    return f"{type(error).__name__}: {error}" if isinstance(error, DomainError | UnknownType) else type(error).__name__


async def park(session: Session, event: Event, reason: str, error: str) -> None:
    """Let the dossier of *event* stand still; a repeat counts the try."""
    row = insert(Parked).values(
        id=uuid4(), dossier_id=event.dossier_id, source=event.source, seq=event.seq, type=event.type,
        reason=str(reason), error=error, n_tries=TRIES,
    )  # fmt: skip
    new = row.excluded
    again = {
        "source": new.source,
        "seq": new.seq,
        "type": new.type,
        "reason": new.reason,
        "error": new.error,
        "n_tries": Parked.n_tries + 1,
        "is_retrying": False,
        "last_tried_at": func.clock_timestamp(),
    }
    await session.execute(row.on_conflict_do_update(index_elements=[Parked.dossier_id], set_=again))


_PROOFS = {
    Verdict.FORK: "another history of {source} was applied here",
    Verdict.AHEAD: "more was applied here than the ledger of {source} has",
}


async def park_proof(session: Session, dossier_id: UUID, source: str, seq: int, verdict: Verdict) -> None:
    """Let a dossier stand still whose history here contradicts its source's ledger: a fork, or a ledger that lost."""
    row = insert(Parked).values(
        id=uuid4(), dossier_id=dossier_id, source=source, seq=seq, type="", reason=str(verdict),
        error=_PROOFS[verdict].format(source=source), n_tries=0,
    )  # fmt: skip
    await session.execute(row.on_conflict_do_nothing())


async def _write_holds(session: Session, batch: _Batch) -> None:
    """Record what has to wait and forget the holds that are satisfied by now."""
    if batch.held:
        if batch.applied:
            await _forget_parked(session, batch)
        holds = await session.execute(_HOLDS, {"ids": list(batch.held)})
        met = [
            (dossier_id, source)
            for dossier_id, source, wanted_seq in holds
            if batch.heads[dossier_id].entry(source).seq >= wanted_seq and (dossier_id, source) not in batch.wanted
        ]
        if met:
            ids, sources = zip(*met, strict=True)
            await session.execute(_FORGET, {"ids": ids, "sources": sources})
    if batch.wanted:
        await want(session, batch.wanted)


_HOLDS = text("SELECT dossier_id, source, wanted_seq FROM hold WHERE dossier_id = ANY(CAST(:ids AS uuid[]))")
_FORGET = text("""
    DELETE FROM hold USING unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[])) AS met(dossier_id, source)
    WHERE hold.dossier_id = met.dossier_id AND hold.source = met.source
""")


async def _forget_parked(session: Session, batch: _Batch) -> None:
    """A dossier that was being retried is in step again once the event it stood at was applied.

    Whoever is retried has holds; only such batches come here.
    """
    applied = [(event.dossier_id, event.source, event.seq) for event in batch.applied]
    met = tuple_(Parked.dossier_id, Parked.source, Parked.seq).in_(applied)
    await session.execute(delete(Parked).where(Parked.is_retrying, met))


async def want(session: Session, wanted: dict[tuple[UUID, str], int]) -> None:
    """Record holds: (dossier, source) → the sequence number up to which its source's ledger has to be read."""
    ids, sources = zip(*sorted(wanted), strict=True)
    seqs = [wanted[key] for key in sorted(wanted)]
    await session.execute(_WANT, {"ids": ids, "sources": sources, "seqs": seqs})


async def try_now(session: Session, ids: Collection[UUID]) -> None:
    """Let everything that is on hold of some dossiers be fetched now."""
    due = update(Hold).where(Hold.dossier_id.in_(ids)).values(next_try_at=func.clock_timestamp())
    await session.execute(due)


# A held event is often only out of order: the broker may still bring what it waits for.
_WANT = text("""
    INSERT INTO hold (dossier_id, source, wanted_seq, next_try_at)
    SELECT *, clock_timestamp() + interval '300 milliseconds'
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:seqs AS int[]))
    ON CONFLICT (dossier_id, source) DO UPDATE SET wanted_seq = greatest(hold.wanted_seq, excluded.wanted_seq)
""")
