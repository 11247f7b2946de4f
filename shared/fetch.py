"""The fetch loop: reads from their source's ledger the events that are on hold, and applies them."""

from collections import defaultdict
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from shared.inbox import Inbox
from shared.peers import PeerAway, Peers
from shared.reference import catch_up
from shared.session import Session, Sessions
from shared.tables import HeadRow, Hold, Parked
from shared.timeline import Event

log = structlog.get_logger(__name__)

BATCH = 200
LONGEST_WAIT = text("interval '30 seconds'")


def _claim() -> ReturningUpdate[UUID, str, int]:
    due = (
        select(Hold.dossier_id, Hold.source)
        .where(Hold.next_try_at <= func.clock_timestamp())
        .where(~select(Parked).where(Parked.dossier_id == Hold.dossier_id, ~Parked.is_retrying).exists())
        .order_by(Hold.next_try_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte()
    )
    later = func.clock_timestamp() + func.least(
        text("interval '500 milliseconds'") * func.pow(2, func.least(Hold.n_tries, 10)), LONGEST_WAIT
    )
    return (
        update(Hold)
        .where(Hold.dossier_id == due.c.dossier_id, Hold.source == due.c.source)
        .values(next_try_at=later, n_tries=Hold.n_tries + 1)
        .returning(Hold.dossier_id, Hold.source, Hold.wanted_seq)
    )


_CLAIM = _claim()

Wants = dict[str, list[tuple[UUID, int]]]


class Fetch:
    """Turns holds into applied events; a hold that can not be met yet is tried again with growing pauses."""

    def __init__(self, inbox: Inbox, sessions: Sessions, peers: Peers) -> None:
        self.inbox = inbox
        self.sessions = sessions
        self.peers = peers

    async def tick(self) -> bool:
        """Fetch one batch of due holds; True if there were any."""
        async with self.sessions() as session:
            wants = await self._due(session)
        if not wants:
            return False
        events: list[Event] = []
        for source, wanted in wants.items():
            events += await self._pull(source, wanted)
        if events:
            await self.inbox.apply_in_time(sorted(events, key=lambda event: event.order), trusted=True)
            await self._forget_or_refer({event.dossier_id for event in events})
        return True

    async def _pull(self, source: str, wanted: list[tuple[UUID, int]]) -> list[Event]:
        """Read from one ledger; a hold for what its source never wrote is dropped, one not served is no failed try."""
        try:
            pulled = await self.peers.pull(source, wanted)
        except PeerAway as error:
            log.warning("fetch_peer_away", peer=source, error=str(error))
            await self._try_soon(source, [dossier_id for dossier_id, _ in wanted])
            return []
        served = {event.dossier_id for event in pulled.events}
        unserved = [dossier_id for dossier_id, _ in wanted if dossier_id not in served]
        if pulled.is_cut:
            await self._try_soon(source, unserved)
        elif unserved:
            async with self.sessions() as session:
                await session.execute(delete(Hold).where(Hold.source == source, Hold.dossier_id.in_(unserved)))
        return pulled.events

    async def _try_soon(self, source: str, ids: list[UUID]) -> None:
        soon = {"next_try_at": func.clock_timestamp() + text("interval '1 second'"), "n_tries": 0}
        async with self.sessions() as session:
            await session.execute(update(Hold).where(Hold.source == source, Hold.dossier_id.in_(ids)).values(soon))

    async def _due(self, session: Session) -> Wants:
        """Claim due holds (their next try is set first, so that a crash only delays) and say what to read."""
        claimed = list(await session.execute(_CLAIM))
        if not claimed:
            return {}
        ids = [dossier_id for dossier_id, _, _ in claimed]
        heads = {h.dossier_id: h for h in await session.scalars(select(HeadRow).where(HeadRow.dossier_id.in_(ids)))}
        wants: Wants = defaultdict(list)
        for dossier_id, source, wanted_seq in claimed:
            at = heads[dossier_id].entry(source).seq if dossier_id in heads else 0
            if at < wanted_seq:
                wants[source].append((dossier_id, at + 1))
            else:
                await session.execute(delete(Hold).where(Hold.dossier_id == dossier_id, Hold.source == source))
        return wants

    async def _forget_or_refer(self, ids: set[UUID]) -> None:
        """If holds are left although their events were read, what they miss may be reference data: catch up."""
        async with self.sessions() as session:
            left = await session.scalar(select(func.count()).select_from(Hold).where(Hold.dossier_id.in_(ids)))
        if left:
            await catch_up(self.inbox.references, self.sessions, self.peers)
