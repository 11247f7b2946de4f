"""Two histories of one dossier: the reader that applied the other one tells the source, and the source freezes it.

A proof is looked at again and again: once the source's ledger and what was applied here agree, the dossier flows.
Source: architecture.md §3.9.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select, update

from shared.auth import Principal, Role, allow
from shared.errors import Forbidden, NotFound
from shared.events.envelope import LARGEST_SEQ
from shared.inbox import try_now, want
from shared.peers import PeerAway, Peers
from shared.session import Session as DbSession
from shared.session import Sessions
from shared.tables import EventRow, HeadRow, Parked
from shared.timeline import SOURCES, Entry, Verdict, parse_chain
from shared.web import AlwaysRoute, LocalInstant, Session

log = structlog.get_logger(__name__)

AT_ONCE = 50
MOST_TOLD = 1_000

api = APIRouter(prefix="/v1", route_class=AlwaysRoute)


class ForkTold(BaseModel):
    """A history of ours as a peer has applied it: up to *seq*, with this chain."""

    model_config = ConfigDict(extra="forbid")
    dossier_id: UUID
    seq: int = Field(ge=1, le=LARGEST_SEQ)
    chain: str = Field(pattern=r"^[0-9a-f]{16}$")


class FrozenRead(BaseModel):
    """A dossier of which this service says nothing more until a person has decided."""

    dossier_id: UUID
    since: LocalInstant


async def peer(caller: Annotated[Principal, Depends(allow(Role.SYSTEM))]) -> Principal:
    """Let our own services pass, and no outside system."""
    if caller.system not in SOURCES:
        raise Forbidden
    return caller


@api.post("/forks", tags=["peers"], dependencies=[Depends(peer)])
async def freeze(
    session: Session, told: Annotated[list[ForkTold], Body(max_length=MOST_TOLD)]
) -> dict[str, list[UUID]]:
    """Freeze those dossiers whose history in our ledger is another one; what was told before changes nothing."""
    frozen: list[UUID] = []
    for fork in sorted(told, key=lambda fork: fork.dossier_id):
        head = await session.get(HeadRow, fork.dossier_id, lock=True)
        ours = await session.get(EventRow, (fork.dossier_id, fork.seq))
        if head is None or ours is None or ours.chain == parse_chain(fork.chain):
            continue
        if head.frozen_at is None:
            log.critical("dossier_frozen", dossier_id=str(fork.dossier_id), seq=fork.seq)
            head.frozen_at = await session.scalar(select(func.clock_timestamp()))
        frozen.append(fork.dossier_id)
    return {"frozen": frozen}


@api.get("/frozen", tags=["ops"], dependencies=[Depends(allow(Role.OPS))])
async def frozen_list(session: Session) -> dict[str, Any]:
    """Dossiers of which another history was applied elsewhere; oldest first."""
    return {"items": await frozen_in(session), "next": None}


async def frozen_in(session: DbSession) -> list[FrozenRead]:
    """Return the dossiers that are frozen here, oldest first, two hundred at most."""
    query = select(HeadRow.dossier_id, HeadRow.frozen_at).where(HeadRow.frozen_at.is_not(None))
    rows = await session.execute(query.order_by(HeadRow.frozen_at).limit(200))
    return [FrozenRead(dossier_id=dossier_id, since=since) for dossier_id, since in rows]


@api.post("/frozen/{dossier_id}/release", tags=["ops"], dependencies=[Depends(allow(Role.OPS))])
async def release(session: Session, dossier_id: UUID) -> dict[str, UUID]:
    """Let commands on the dossier go on; if a peer still holds the other history it freezes again."""
    thawed = update(HeadRow).where(HeadRow.dossier_id == dossier_id, HeadRow.frozen_at.is_not(None))
    if not await session.scalars(thawed.values(frozen_at=None).returning(HeadRow.dossier_id)):
        raise NotFound(str(dossier_id))
    return {"dossier_id": dossier_id}


class Proofs:
    """Looks again at the dossiers that stand still here because their histories contradict a ledger."""

    def __init__(self, sources: list[str], sessions: Sessions, peers: Peers) -> None:
        self.sources = sources
        self.sessions = sessions
        self.peers = peers

    async def tick(self) -> bool:
        """Look once; what agrees by now flows again, of what is still a fork the source is told."""
        for source, ours in (await self._standing_still()).items():
            try:
                await self._look(source, ours)
            except PeerAway as error:
                log.warning("proofs_peer_away", peer=source, error=str(error))
        return False

    async def _standing_still(self) -> dict[str, dict[UUID, Entry]]:
        """Return, per source, where the histories stand that contradict its ledger: not those that say *we* lost."""
        about_source = (Parked.reason == str(Verdict.FORK)) | (
            (Parked.reason == str(Verdict.AHEAD)) & (Parked.type == "")
        )
        query = (
            select(Parked.source, HeadRow)
            .join(HeadRow, HeadRow.dossier_id == Parked.dossier_id)
            .where(Parked.source.in_(self.sources), about_source)
            .order_by(func.random())
            .limit(AT_ONCE)
        )
        found: dict[str, dict[UUID, Entry]] = defaultdict(dict)
        async with self.sessions() as session:
            for source, head in await session.execute(query):
                found[source][head.dossier_id] = head.entry(source)
        return found

    async def _look(self, source: str, ours: dict[UUID, Entry]) -> None:
        pulled = await self.peers.pull(source, [(one, max(at.seq, 1)) for one, at in ours.items()])
        theirs = {(event.dossier_id, event.seq): event.chain for event in pulled.events}
        agreed = [one for one, at in ours.items() if not at.seq or theirs.get((one, at.seq)) == at.chain]
        forked = [(one, at) for one, at in ours.items() if at.seq and theirs.get((one, at.seq), at.chain) != at.chain]
        if agreed:
            async with self.sessions.begin() as session:
                await want(session, {(one, source): ours[one].seq + 1 for one in agreed})
                await let_flow(session, agreed, Verdict.FORK, Verdict.AHEAD)
        if forked:
            await self.peers.tell_forks(source, forked)


async def let_flow(session: DbSession, ids: Collection[UUID], *settled: Verdict) -> None:
    """Forget that dossiers stand still by proofs that are settled; what is on hold of them is fetched now."""
    proofs = Parked.reason.in_([str(verdict) for verdict in settled])
    await session.execute(delete(Parked).where(Parked.dossier_id.in_(ids), proofs))
    await try_now(session, ids)
