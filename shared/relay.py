"""The relay: sends ledger rows that are not yet published, one leased and fenced owner per shard."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import structlog
from sqlalchemy import text

from shared import telemetry
from shared.events.envelope import TOPIC, to_headers
from shared.kafka import Message, Publisher
from shared.pace import pause_after
from shared.session import Session, Sessions
from shared.timeline import Event

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
RENEW_SECONDS = 2.0
BATCH = 500
IDLE_SECONDS = 0.25

_SEEN = text("""
    INSERT INTO relay_owner (owner) VALUES (:me) ON CONFLICT (owner) DO UPDATE SET seen_at = clock_timestamp()
""")
# Take up to a fair share, keeping what is held; what is held beyond it is given back at once.
_LEASE = text("""
    WITH live AS (
        SELECT greatest(count(*), 1) AS n FROM relay_owner
        WHERE seen_at > clock_timestamp() - make_interval(secs => :seconds)
    ), mine AS (
        SELECT shard FROM relay_shard
        WHERE owner = :me OR owner IS NULL OR expires_at <= clock_timestamp()
        ORDER BY owner IS DISTINCT FROM :me, shard
        LIMIT (SELECT ceil((SELECT count(*) FROM relay_shard) / n::numeric)::int FROM live)
        FOR UPDATE SKIP LOCKED
    ), surplus AS (
        UPDATE relay_shard SET expires_at = clock_timestamp()
        WHERE owner = :me AND shard NOT IN (SELECT shard FROM mine)
    )
    UPDATE relay_shard SET owner = :me, expires_at = clock_timestamp() + make_interval(secs => :seconds),
        fence = fence + (owner IS DISTINCT FROM :me)::int
    WHERE shard IN (SELECT shard FROM mine) RETURNING shard, fence
""")
_RELEASE = text("""
    WITH gone AS (DELETE FROM relay_owner WHERE owner = :me OR seen_at < clock_timestamp() - interval '1 hour')
    UPDATE relay_shard SET expires_at = clock_timestamp() WHERE owner = :me
""")
# Rows are found by their state, never by a cursor over ids: transactions commit out of order.
# Event times grow within a dossier, so this order keeps each dossier's sequence.
_UNPUBLISHED = text("""
    SELECT dossier_id, seq, id, type, time, after, chain, data, correlation_id, traceparent
    FROM event WHERE published_at IS NULL AND shard = ANY(:shards) ORDER BY time LIMIT :batch
""")
_MARK = text("""
    UPDATE event SET published_at = clock_timestamp()
    FROM unnest(CAST(:dossiers AS uuid[]), CAST(:seqs AS int[])) AS sent(dossier_id, seq),
         unnest(CAST(:shards AS smallint[]), CAST(:fences AS bigint[])) AS held(shard, fence)
    WHERE event.dossier_id = sent.dossier_id AND event.seq = sent.seq AND event.shard = held.shard
      AND event.published_at IS NULL
      AND EXISTS (SELECT FROM relay_shard r
                  WHERE r.shard = held.shard AND r.owner = :me AND r.fence = held.fence)
""")


@dataclass
class Relay:
    """Sends what *service* has written; a crash anywhere only repeats, and readers drop repeats."""

    service: str
    sessions: Sessions
    publisher: Publisher
    me: UUID = field(default_factory=uuid4)
    _fences: dict[int, int] = field(default_factory=dict)
    _leased_until: float = 0.0
    _renew_at: float = 0.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Say that something was committed just now."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled: the first event at once, then pauses that grow with the load."""
        while True:
            began = time.monotonic()
            self._wake.clear()
            if n_sent := await self.tick():
                await asyncio.sleep(pause_after(time.monotonic() - began, is_full=n_sent >= BATCH))
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
            except TimeoutError:
                continue

    async def tick(self) -> int:
        """Send one batch; return how many messages the broker acknowledged."""
        await self._lease()
        if not self._fences:
            return 0
        async with self.sessions() as session:
            rows = await session.execute(_UNPUBLISHED, {"shards": list(self._fences), "batch": BATCH})
        if not rows or time.monotonic() > self._leased_until:
            return 0
        events = [Event(self.service, *row) for row in rows]
        acked = await self.publisher.send([_message(event) for event in events])
        sent = [event for event, ok in zip(events, acked, strict=True) if ok]
        if sent:
            async with self.sessions() as session:
                await self._mark(session, sent)
            telemetry.RELAYED.labels(self.service).inc(len(sent))
        elif events:
            await asyncio.sleep(1)
        return len(sent)

    async def _mark(self, session: Session, sent: list[Event]) -> None:
        await session.execute(
            _MARK,
            {
                "dossiers": [event.dossier_id for event in sent],
                "seqs": [event.seq for event in sent],
                "shards": list(self._fences),
                "fences": list(self._fences.values()),
                "me": self.me,
            },
        )

    async def _lease(self) -> None:
        asked_at = time.monotonic()
        if asked_at < self._renew_at:
            return
        async with self.sessions() as session:
            await session.execute(_SEEN, {"me": self.me})
            rows = await session.execute(_LEASE, {"me": self.me, "seconds": LEASE_SECONDS})
            self._fences = {row.shard: row.fence for row in rows}
        self._leased_until = asked_at + LEASE_SECONDS
        self._renew_at = asked_at + RENEW_SECONDS

    async def release(self) -> None:
        """Give the shards back, so that the next owner need not wait for the lease to run out."""
        async with self.sessions() as session:
            await session.execute(_RELEASE, {"me": self.me})


def _message(event: Event) -> Message:
    return Message(TOPIC, str(event.dossier_id).encode(), event.data, to_headers(event))
