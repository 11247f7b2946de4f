"""A minute without Kafka at 100 events a second: how long until every service has what was recorded meanwhile.

The recent sweeps go on without the broker, so that dossiers move, only more slowly; the relays keep what they could
not send and send it afterwards.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
import uvloop

from deploy.local.programs import local_plan
from deploy.local.stack import Stack
from shared.settings import SERVICES
from tests.bench.lifecycle import Patience, run
from tests.bench.system import settle
from tests.bench.table import Row
from tests.chaos.progress import BEHIND

EVENTS_PER_SECOND, EVENTS_PER_LIFECYCLE = 100, 29
BEFORE, WITHOUT = 15.0, 60.0
GIVE_UP_SECONDS = 300.0
RECORDED = "SELECT count(*) FROM event"
UNSENT = "SELECT count(*) FROM event WHERE published_at IS NULL"
STILL_UNSENT = """
    SELECT count(*) FROM event JOIN unnest($1::uuid[], $2::int[]) AS wanted(dossier_id, seq) USING (dossier_id)
    WHERE event.seq <= wanted.seq AND published_at IS NULL
"""
Opened = dict[str, asyncpg.Connection]
Wanted = dict[str, tuple[list[UUID], list[int]]]


@dataclass
class Outage:
    """One outage: what flowed during it, and seconds from the moment the broker listened again."""

    events_per_second: float
    n_unsent: int
    back: float
    """Seconds the broker took to start."""
    known: float
    """Until all services had applied what was recorded before the broker listened again."""
    sent: float
    """Until the relays had sent all of that too."""


def measure(runs: int, share: float) -> list[Row]:
    """Start a system of its own, take its broker away once a run, return the table."""
    plan = local_plan(has_adapters=False)
    with TemporaryDirectory() as folder, Stack(Path(folder), plan=plan, ports="free") as stack:
        seen = uvloop.run(_measure(stack, runs, share))
    return [
        Row("events/s recorded in a minute without Kafka", [one.events_per_second for one in seen]),
        Row("events that waited in the relays when it was back", [float(one.n_unsent) for one in seen]),
        Row("Kafka's own start", [one.back for one in seen], "{:.1f} s"),
        Row("Kafka back → every service has all of them", [one.known for one in seen], "{:.1f} s"),
        Row("Kafka back → sent and marked, too", [one.sent for one in seen], "{:.1f} s"),
    ]


async def _measure(stack: Stack, runs: int, share: float) -> list[Outage]:
    patience = Patience()
    await run(stack, 40, patience, at_once=16)
    await settle(stack)
    return [await _outage(stack, patience, WITHOUT * share) for _ in range(runs)]


async def _outage(stack: Stack, patience: Patience, without: float) -> Outage:
    rate = EVENTS_PER_SECOND / EVENTS_PER_LIFECYCLE
    flowing = asyncio.create_task(run(stack, int((BEFORE + without) * rate), patience, per_second=rate))
    await asyncio.sleep(BEFORE)
    async with connections(stack) as opened:
        await asyncio.to_thread(stack.kill, "kafka")
        n_before = await _count(opened, RECORDED)
        await asyncio.sleep(without)
        n_recorded = await _count(opened, RECORDED) - n_before
        back = await asyncio.to_thread(stack.restart, "kafka")
        began, wanted, n_unsent = time.monotonic(), await _wanted(opened), await _count(opened, UNSENT)
        known = await _seconds(began, lambda: _all_know(opened, wanted))
        sent = await _seconds(began, lambda: _all_sent(opened, wanted))
    await flowing
    await settle(stack)
    return Outage(n_recorded / without, n_unsent, back, known, sent)


@asynccontextmanager
async def connections(stack: Stack) -> AsyncIterator[Opened]:
    """Open one connection to each database."""
    url = stack.engines.postgres_url
    opened = {name: await asyncpg.connect(url, database=f"lienthong_{name}") for name in SERVICES}
    try:
        yield opened
    finally:
        for one in opened.values():
            await one.close()


async def _count(opened: Opened, query: str) -> int:
    return sum([await one.fetchval(query) for one in opened.values()])


async def _wanted(opened: Opened) -> Wanted:
    rows = {name: await one.fetch("SELECT dossier_id, max(seq) FROM event GROUP BY 1") for name, one in opened.items()}
    return {name: ([row[0] for row in found], [row[1] for row in found]) for name, found in rows.items()}


async def _all_know(opened: Opened, wanted: Wanted) -> bool:
    pairs = ((reader, source) for reader in SERVICES for source in SERVICES)
    behind = [await opened[reader].fetchval(BEHIND.format(source=source), *wanted[source]) for reader, source in pairs]
    return not any(behind)


async def _all_sent(opened: Opened, wanted: Wanted) -> bool:
    return not any([await one.fetchval(STILL_UNSENT, *wanted[name]) for name, one in opened.items()])


async def _seconds(began: float, check: Callable[[], Awaitable[bool]]) -> float:
    while not await check():
        if time.monotonic() > began + GIVE_UP_SECONDS:
            raise TimeoutError("not in step after Kafka was back")
        await asyncio.sleep(0.1)
    return time.monotonic() - began
