"""A land-transfer lifecycle as the four services told it, and as many copies of it as a benchmark needs."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.outbox import new_dossier_id
from shared.settings import SERVICES
from shared.tables import HeadRow
from shared.timeline import Event, chain_over
from tests.bench.inside import Town, town
from tests.bench.lifecycle import Cast, Patience
from tests.support import Databases, World

IN_FLIGHT = 50
"""Lifecycles that go on at the same time: their events come one of each in turn, as in the running system."""


async def told(databases: Databases) -> list[Event]:
    """Play one real lifecycle through four real services; return all its events in causal order."""
    async with town(databases, "all") as found:
        cast = Cast(Town(found), Patience())
        dossier_id = UUID(await cast.play(1))
        await cast.close()
        await _in_step(found, dossier_id)
        peers = found.service("intake").peers
        pulled = [await peers.pull(source, [(dossier_id, 1)]) for source in SERVICES]
    return sorted((event for part in pulled for event in part.events), key=lambda event: event.order)


async def _in_step(found: World, dossier_id: UUID) -> None:
    """Wait until all services know the same, and have for a second: nobody has more to say."""
    seen: set[tuple[int, ...]] = set()
    for _ in range(60):
        before, seen = seen, {await _heads(found, service, dossier_id) for service in SERVICES}
        if seen == before and len(seen) == 1:
            return
        await asyncio.sleep(1)
    raise TimeoutError("the services did not come in step")


async def _heads(found: World, service: str, dossier_id: UUID) -> tuple[int, ...]:
    async with found.service(service).sessions() as session:
        head = await session.get_one(HeadRow, dossier_id)
        return tuple(head.entry(source).seq for source in SERVICES)


def copies(history: list[Event], n: int) -> Iterator[Event]:
    """Yield the events of *n* dossiers that live through *history*, each with a chain of its own."""
    began = datetime.now(UTC)
    for at in range(0, n, IN_FLIGHT):
        lives = [list(_copy(history, timedelta(milliseconds=at + k), began)) for k in range(min(IN_FLIGHT, n - at))]
        for moment in zip(*lives, strict=True):
            yield from moment


def _copy(history: Iterable[Event], later: timedelta, began: datetime) -> Iterator[Event]:
    dossier_id, chains = new_dossier_id(began), dict.fromkeys(SERVICES, 0)
    for event in history:
        copied = event._replace(dossier_id=dossier_id, id=uuid4(), time=event.time + later)
        chains[event.source] = chain_over(chains[event.source], copied)
        yield copied._replace(chain=chains[event.source])
