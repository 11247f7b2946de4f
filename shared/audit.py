"""The recent sweep: compares heads with every source, so that the loss of a dossier's last event is found too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from shared.clock import Clock
from shared.db import LONGEST_TRANSACTION_SECONDS
from shared.inbox import park_proof, want
from shared.peers import HeadsPage, PeerAway, Peers
from shared.session import Session, Sessions
from shared.tables import EventRow, HeadRow, Sweep
from shared.timeline import Entry, Verdict

log = structlog.get_logger(__name__)

OVERLAP = timedelta(seconds=LONGEST_TRANSACTION_SECONDS + 2)
"""A transaction that was open during the last sweep may have recorded earlier than that sweep's end."""
IN_FLIGHT = timedelta(seconds=1.5)
"""What was recorded this recently is probably still on its way."""
NOT_SEEN = IN_FLIGHT + timedelta(seconds=LONGEST_TRANSACTION_SECONDS)
"""What carries an instant this recent may be uncommitted, or recorded too late for a page of heads."""
PAGE = 5_000


async def heads_since(
    session: Session, since: datetime | None, after: UUID | None
) -> tuple[list[tuple[UUID, Entry]], datetime]:
    """Return a page of own heads recorded since *since*, and the instant before which nothing is left out."""
    until = (await session.execute(select(func.clock_timestamp()))).one()[0] - IN_FLIGHT
    query = (
        select(EventRow.dossier_id, EventRow.seq, EventRow.chain)
        .ext(distinct_on(EventRow.dossier_id))
        .where(EventRow.recorded_at < until)
        .order_by(EventRow.dossier_id, EventRow.seq.desc())
        .limit(PAGE)
    )
    if since is not None:
        query = query.where(EventRow.recorded_at >= since)
    if after is not None:
        query = query.where(EventRow.dossier_id > after)
    rows = await session.execute(query)
    return [(dossier_id, Entry(seq, chain)) for dossier_id, seq, chain in rows], until


class RecentSweep:
    """Asks each source which of its histories moved, and puts on hold what was not applied here."""

    def __init__(self, sources: list[str], sessions: Sessions, peers: Peers, clock: Clock) -> None:
        self.sources = sources
        self.sessions = sessions
        self.peers = peers
        self.clock = clock
        self.complete_until: dict[str, datetime] = {}
        """Per source: the business instant up to which a sweep has compared everything."""

    async def run_once(self) -> None:
        """Sweep every source once; a source that is away is recorded as such and asked next time."""
        for source in self.sources:
            began_at = datetime.now(UTC)
            try:
                await self._sweep(source, began_at)
            except PeerAway as error:
                await self._record(source, began_at, None, 0, 0, error=str(error))

    async def _sweep(self, source: str, began_at: datetime) -> None:
        async with self.sessions() as session:
            last = await session.get(Sweep, (source, "recent"))
        since = last.covers_until - OVERLAP if last is not None and last.covers_until is not None else None
        first = page = await self.peers.heads(source, since, None)
        n_compared = n_behind = 0
        while True:
            n_compared += len(page.entries)
            n_behind += await self._compare(source, page.entries)
            if page.following is None:
                break
            page = await self.peers.heads(source, since, page.following)
        await self._record(source, began_at, first, n_compared, n_behind)
        self.complete_until[source] = first.business_until

    async def _compare(self, source: str, theirs: Mapping[UUID, Entry]) -> int:
        """Put on hold what this service has not applied; return how many dossiers were behind."""
        if not theirs:
            return 0
        async with self.sessions.begin() as session:
            rows = await session.scalars(select(HeadRow).where(HeadRow.dossier_id.in_(list(theirs))))
            ours = {head.dossier_id: head.entry(source) for head in rows}
            behind = {
                (dossier_id, source): entry.seq
                for dossier_id, entry in theirs.items()
                if ours.get(dossier_id, Entry()).seq < entry.seq
            }
            if behind:
                await want(session, behind)
            for dossier_id, entry in theirs.items():
                at = ours.get(dossier_id, Entry())
                if at.seq == entry.seq and at.chain != entry.chain:
                    await park_proof(session, dossier_id, source, entry.seq, Verdict.FORK)
        return len(behind)

    async def _record(
        self,
        source: str,
        began_at: datetime,
        page: HeadsPage | None,
        n_compared: int,
        n_behind: int,
        error: str | None = None,
    ) -> None:
        done: dict[str, Any] = {"began_at": began_at, "ended_at": datetime.now(UTC), "error": error}
        if page is not None:
            done |= {
                "covers_until": page.until,
                "business_until": page.business_until,
                "n_compared": n_compared,
                "n_behind": n_behind,
            }
        row = insert(Sweep).values(peer=source, kind="recent", **done)
        async with self.sessions.begin() as session:
            await session.execute(row.on_conflict_do_update(index_elements=[Sweep.peer, Sweep.kind], set_=done))
