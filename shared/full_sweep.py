"""The full sweep: proof, over all dossiers, that this service has applied exactly what each source has published.

Every source's histories fall into buckets by dossier; a bucket's digest is the number of dossiers, the sum of their
sequence numbers and the exclusive or of their chains. Histories that moved within the last minute are left out on both
sides. The reader's side is read first and the source's second: what the reader has and the source has not is then
proof, not lag. Only buckets that differ are looked into. Source: architecture.md §3.8.
"""

import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import insert

from shared.digest import N_BUCKETS, Difference, Digest, Digests, Entries, Side, differences
from shared.inbox import park_proof, want
from shared.peers import PeerAway, Peers
from shared.session import Session, Sessions
from shared.tables import Sweep
from shared.timeline import SOURCES, Entry, Verdict

log = structlog.get_logger(__name__)

SETTLED_AFTER = timedelta(seconds=60)
"""A history that moved more recently may still be on its way."""
LONGEST_SNAPSHOT = text("SET LOCAL transaction_timeout = '10min'")
AT_ONCE = 64
"""Buckets that are looked into with one question."""
AWAY_SECONDS = 60.0
SHOWN = 100
"""How many differences a sweep's record names."""


# Statements. Which source's columns are read is one of four names of our own.


def _for_each_source(sql: str) -> dict[str, TextClause]:
    return {source: text(sql.format(source=source, bucket=_BUCKET)) for source in SOURCES}


_BUCKET = f"(get_byte(uuid_send(dossier_id), 14) % {N_BUCKETS >> 8}) * 256 + get_byte(uuid_send(dossier_id), 15)"
_DIGESTS = _for_each_source("""
    SELECT {bucket} AS bucket, count(*) AS n_dossiers, sum({source}_seq)::bigint AS seqs,
           bit_xor({source}_chain) AS chains
    FROM head WHERE {source}_seq > 0 GROUP BY 1
""")
_ENTRIES = _for_each_source("""
    SELECT dossier_id, {source}_seq AS seq, {source}_chain AS chain FROM head
    WHERE {source}_seq > 0 AND dossier_id = ANY(CAST(:ids AS uuid[]))
""")
_IN_BUCKETS = _for_each_source("""
    SELECT dossier_id, {source}_seq AS seq, {source}_chain AS chain FROM head
    WHERE {source}_seq > 0 AND {bucket} = ANY(CAST(:buckets AS int[]))
""")
_MOVING = text(
    "SELECT DISTINCT dossier_id FROM event WHERE recorded_at > clock_timestamp() - CAST(:settled_after AS interval)"
)


@asynccontextmanager
async def snapshot(sessions: Sessions) -> AsyncIterator[Session]:
    """Open a transaction that sees one instant, however long it takes."""
    async with sessions.begin(isolation="REPEATABLE READ") as session:
        await session.execute(LONGEST_SNAPSHOT)
        yield session


async def digests_of(session: Session, source: str) -> Digests:
    """Return the digests of one source's histories, as far as this service has them."""
    rows = await session.execute(_DIGESTS[source])
    return {row.bucket: Digest(row.n_dossiers, row.seqs, row.chains) for row in rows}


async def entries_of(session: Session, source: str, ids: Collection[UUID]) -> Entries:
    """Return where some histories of a source stand here; those of which nothing is here are left out."""
    rows = await session.execute(_ENTRIES[source], {"ids": list(ids)})
    return {row.dossier_id: Entry(row.seq, row.chain) for row in rows}


async def entries_in(session: Session, source: str, buckets: Collection[int]) -> Entries:
    """Return where all histories of a source in some buckets stand here."""
    rows = await session.execute(_IN_BUCKETS[source], {"buckets": list(buckets)})
    return {row.dossier_id: Entry(row.seq, row.chain) for row in rows}


async def moving(session: Session) -> set[UUID]:
    """Return the dossiers whose own history moved lately, or may have in a transaction that committed lately."""
    return set(await session.scalars(_MOVING, {"settled_after": SETTLED_AFTER}))


async def side(sessions: Sessions, me: str, of: str) -> Side:
    """Return this service's view of the histories *of* a service; what moves is known of its own alone."""
    async with snapshot(sessions) as session:
        moved = await moving(session) if of == me else set()
        return Side(await digests_of(session, of), await entries_of(session, of, moved))


class FullSweep:
    """Compares everything with every source; what is behind is put on hold, what contradicts stands still."""

    def __init__(self, sources: list[str], sessions: Sessions, peers: Peers, every_seconds: float) -> None:
        self.sessions = sessions
        self.peers = peers
        self._every_seconds = every_seconds
        self._due_at = dict.fromkeys(sources, 0.0)

    async def tick(self) -> bool:
        """Sweep the sources that are due; one that is away is asked again soon."""
        for source in [source for source, due_at in self._due_at.items() if due_at <= time.monotonic()]:
            is_done = await self.sweep(source)
            self._due_at[source] = time.monotonic() + (self._every_seconds if is_done else AWAY_SECONDS)
        return False

    async def sweep(self, source: str) -> bool:
        """Compare everything with one source; False if it is away."""
        began_at = datetime.now(UTC)
        try:
            n_compared, found = await self._compare(source)
        except PeerAway as error:
            await self._record(source, {"began_at": began_at, "error": str(error)})
            return False
        seen = {"n_compared": n_compared, "n_behind": len(found), "found": [one.shown() for one in found[:SHOWN]]}
        await self._record(source, {"began_at": began_at, "covers_until": began_at, "error": None, **seen})
        log.log(logging.WARNING if found else logging.INFO, "full_sweep", source=source, n_differences=len(found))
        return True

    async def _compare(self, source: str) -> tuple[int, list[Difference]]:
        async with snapshot(self.sessions) as session:
            ours = await digests_of(session, source)
            theirs = await self.peers.digests(source)
            there = theirs.without(theirs.moving)
            here = Side(ours, {}).without(await entries_of(session, source, theirs.moving))
        differing = sorted(bucket for bucket in here.keys() | there.keys() if here.get(bucket) != there.get(bucket))
        found: list[Difference] = []
        for at in range(0, len(differing), AT_ONCE):
            found += await self._look_into(source, differing[at : at + AT_ONCE])
        return sum(digest.n_dossiers for digest in there.values()), found

    async def _look_into(self, source: str, buckets: list[int]) -> list[Difference]:
        """Compare dossier by dossier, here first and there second, and act on what is found."""
        async with self.sessions() as session:
            ours = await entries_in(session, source, buckets)
        theirs, moving = await self.peers.digested(source, buckets)
        found = list(differences(ours, theirs, moving))
        async with self.sessions.begin() as session:
            if behind := {(one.dossier_id, source): one.theirs.seq for one in found if one.verdict is Verdict.HOLD}:
                await want(session, behind)
            for one in found:
                if one.verdict is not Verdict.HOLD:
                    await park_proof(session, one.dossier_id, source, one.ours.seq, one.verdict)
        return found

    async def _record(self, source: str, done: dict[str, Any]) -> None:
        done["ended_at"] = datetime.now(UTC)
        row = insert(Sweep).values(peer=source, kind="full", **done)
        async with self.sessions.begin() as session:
            await session.execute(row.on_conflict_do_update(index_elements=[Sweep.peer, Sweep.kind], set_=done))
