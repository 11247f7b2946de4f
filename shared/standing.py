"""Whether a service may go on: its ledger holds all that others have of it, or it was restored from an old backup.

What a peer has applied of this service, or what Kafka holds of it, and its ledger lacks, is proof: the others were read
first and the ledger second. Until the first look is over, commands, consumer and relay wait; with proof they stop.
Source: architecture.md §3.9.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from shared.errors import RestoredFromBackup, Starting
from shared.events.envelope import TOPIC, Undecodable, from_message
from shared.full_sweep import AT_ONCE, digests_of, entries_in, entries_of
from shared.kafka import tail
from shared.peers import PeerAway, Peers
from shared.session import Session, Sessions
from shared.settings import Settings
from shared.tables import HeadRow, Parked, Restoration
from shared.timeline import SOURCES, Entry, Event, Verdict

log = structlog.get_logger(__name__)

LAST_MESSAGES = 200
"""Of each partition: what a restored ledger lacks are its last events."""
ASK_AGAIN_SECONDS = 0.2
LOOK_SECONDS = 2.0
INCOMPLETE_SECONDS = 30.0
"""When to look again where somebody could not be asked: until then a service may go on that was restored."""
SHOWN = 100
_FROZEN = select(HeadRow.dossier_id).where(HeadRow.frozen_at.is_not(None))
KAFKA = "kafka"


@dataclass(frozen=True, slots=True)
class Missing:
    """What somebody knows of a dossier beyond this service's own ledger."""

    dossier_id: UUID
    ours: int
    known: int
    by: str

    def shown(self) -> dict[str, Any]:
        """Return what an ops engineer sees of it."""
        return {"dossier_id": str(self.dossier_id), "ours": self.ours, "known": self.known, "by": self.by}


class Watch:
    """Asks the others what they know of this service, and lets it go on or stops it."""

    def __init__(self, me: str, sessions: Sessions, peers: Peers, settings: Settings) -> None:
        self.me = me
        self.sessions = sessions
        self.peers = peers
        self.others = [source for source in SOURCES if source != me]
        self.state = "starting"
        self._settings = settings
        self._may_go_on = asyncio.Event()
        self._must_stop = asyncio.Event()
        self._due_at = 0.0
        self._n_ahead = 0

    def require(self) -> None:
        """Raise unless commands may be taken."""
        if self.state == "restored":
            raise RestoredFromBackup(retry_after=60)
        if self.state == "starting":
            raise Starting(retry_after=1)

    async def until_sound(self) -> None:
        """Wait until the service may go on."""
        await self._may_go_on.wait()

    async def until_stopped(self) -> None:
        """Wait until the service has to stop."""
        await self._must_stop.wait()

    async def begin(self) -> None:
        """Look once before the first request; with nobody to wait for that is all."""
        missing, away = await self.look(with_kafka=self._settings.start_check_seconds > 0)
        if missing or not away or not self._settings.start_check_seconds:
            await self._settle(missing, is_complete=not away)

    async def run(self) -> None:
        """Wait for those that were away at the start, then look again now and then, and when there is reason to."""
        deadline = time.monotonic() + self._settings.start_check_seconds
        while self.state == "starting":
            missing, away = await self.look()
            if missing or not away or time.monotonic() >= deadline:
                await self._settle(missing, is_complete=not away)
                break
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look_again()

    async def _look_again(self) -> None:
        """Follow what another process of this service found; look anew when it is time, or an event said so."""
        async with self.sessions() as session:
            is_restored = self._is_open(await session.get(Restoration, self.me))
            n_ahead = await _n_ahead(session) or 0
        if is_restored != (self.state == "restored"):
            self._turn("restored" if is_restored else "sound")
        if time.monotonic() >= self._due_at or n_ahead > self._n_ahead:
            self._n_ahead = n_ahead
            missing, away = await self.look()
            await self._settle(missing, is_complete=not away)

    async def look(self, *, with_kafka: bool = True) -> tuple[list[Missing], set[str]]:
        """Return what others know and the ledger lacks, and who could not be asked.

        Without the dossiers that are frozen: of those it is known already, and a person decides.
        """
        found: list[Missing] = []
        away: set[str] = set()
        for peer in self.others:
            try:
                found += await self._known_to(peer)
            except PeerAway:
                away.add(peer)
        try:
            found += await self._known_to_kafka() if with_kafka else []
        except (KafkaError, OSError, TimeoutError):
            away.add(KAFKA)
        async with self.sessions() as session:
            ids = list({one.dossier_id for one in found})
            frozen = set(await session.scalars(_FROZEN.where(HeadRow.dossier_id.in_(ids)))) if ids else set()
        return [one for one in found if one.dossier_id not in frozen], away

    async def _known_to(self, peer: str) -> list[Missing]:
        theirs = (await self.peers.digests(peer, of=self.me)).digests
        async with self.sessions() as session:
            ours = await digests_of(session, self.me)
        differing = sorted(bucket for bucket, digest in theirs.items() if digest != ours.get(bucket))
        found: list[Missing] = []
        for at in range(0, len(differing), AT_ONCE):
            buckets = differing[at : at + AT_ONCE]
            there, _ = await self.peers.digested(peer, buckets, of=self.me)
            async with self.sessions() as session:
                here = await entries_in(session, self.me, buckets)
            found += _beyond(here, {one: entry.seq for one, entry in there.items()}, peer)
        return found

    async def _known_to_kafka(self) -> list[Missing]:
        last: dict[UUID, int] = {}
        async with asyncio.timeout(max(self._settings.start_check_seconds, 5.0)):
            async for records in tail(self._settings.kafka, self._settings.kafka_prefix + TOPIC, LAST_MESSAGES):
                for event in decoded(records):
                    if event.source == self.me:
                        last[event.dossier_id] = max(event.seq, last.get(event.dossier_id, 0))
        async with self.sessions() as session:
            return _beyond(await entries_of(session, self.me, last.keys()), last, KAFKA)

    async def _settle(self, missing: list[Missing], *, is_complete: bool) -> None:
        """Stop with proof; go on without, unless an earlier proof stands and not everybody could be asked."""
        full = self._settings.full_sweep_seconds
        self._due_at = time.monotonic() + (full if is_complete else min(full, INCOMPLETE_SECONDS))
        async with self.sessions.begin() as session:
            if missing:
                await _record(session, self.me, missing)
            before = await session.get(Restoration, self.me)
            is_restored = bool(missing) or self._is_open(before)
            if before is not None and is_restored and not missing and is_complete:
                before.recovered_until = self.sessions.info["clock"].now()
                is_restored = self._is_open(before)
        if missing:
            log.critical("restored_from_backup", n_dossiers=len({one.dossier_id for one in missing}))
        self._turn("restored" if is_restored else "sound")

    def _is_open(self, row: Restoration | None) -> bool:
        """Say whether the service has still to recover; sessions learn until when it may have been heard before."""
        self.sessions.info["recovered_until"] = row.recovered_until if row is not None else None
        return row is not None and row.recovered_until is None

    def _turn(self, state: str) -> None:
        self.state = state
        now_set, now_clear = self._may_go_on, self._must_stop
        if state == "restored":
            now_set, now_clear = now_clear, now_set
        now_set.set()
        now_clear.clear()


def _beyond(here: dict[UUID, Entry], known: dict[UUID, int], by: str) -> list[Missing]:
    ours = {dossier_id: here.get(dossier_id, Entry()).seq for dossier_id in known}
    return [Missing(one, ours[one], seq, by) for one, seq in known.items() if seq > ours[one]]


def decoded(records: Iterable[Any]) -> Iterable[Event]:
    """Yield the events among *records*; what is not one was counted by the reader."""
    for record in records:
        try:
            yield from_message(record.headers, record.value)
        except Undecodable:
            continue


async def _n_ahead(session: Session) -> int | None:
    ahead = select(func.sum(Parked.n_tries + 1)).where(Parked.reason == str(Verdict.AHEAD))
    return await session.scalar(ahead)


async def _record(session: Session, me: str, missing: list[Missing]) -> None:
    shown = [one.shown() for one in missing[:SHOWN]]
    row = insert(Restoration).values(service=me, missing=shown)
    again = {"missing": shown, "recovered_until": None}
    await session.execute(row.on_conflict_do_update(index_elements=[Restoration.service], set_=again))
