"""How long it takes until what had been recorded at an instant has arrived everywhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx

from tests.chaos.checker.evidence import waiting_callbacks
from tests.chaos.points import ADAPTERS, SERVICES
from tests.chaos.town import Deed, Town

LOOK_SECONDS = 0.4
TRANSIENT = (
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError, httpx.HTTPError,
)  # fmt: skip
"""The third is what asyncpg says now and then of a connection that is lost in the middle of a statement."""
Connections = dict[str, Any]

BEHIND = """
SELECT count(*) FROM unnest($1::uuid[], $2::int[]) AS wanted(dossier_id, seq)
LEFT JOIN head USING (dossier_id) WHERE coalesce(head.{source}_seq, 0) < wanted.seq
"""
_LATELY = """
SELECT dossier_id, max(seq) FROM event WHERE recorded_at > clock_timestamp() - interval '3 minutes' GROUP BY dossier_id
"""
_NOT_TOLD = """
SELECT count(*) FROM delivery d WHERE state NOT IN ('done', 'acknowledged') AND made_at <= $1 AND NOT EXISTS (
    SELECT FROM incident i WHERE i.dossier_id = d.dossier_id AND i.system = d.system)
"""
_NOT_LOOKED_AT = """
SELECT count(*) FROM standing s
WHERE (is_fresh OR due_since IS NOT NULL) AND look_at IS NOT NULL AND acknowledged_at <= $1
"""
_NOT_SEEN = """
SELECT count(*) FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS deed (system, dossier_id, at)
JOIN standing s ON s.system = deed.system AND s.dossier_id = deed.dossier_id::uuid
WHERE (s.observed_at IS NULL OR s.observed_at <= deed.at) AND NOT EXISTS (
    SELECT FROM incident i WHERE i.dossier_id = s.dossier_id AND i.system = s.system AND i.closed_at IS NULL)
"""


@asynccontextmanager
async def connections(town: Town) -> AsyncIterator[Connections]:
    """Open one connection to each database."""
    url, opened = town.stack.engines.postgres_url, {}
    try:
        for service in SERVICES:
            opened[service] = await asyncpg.connect(
                url, database=f"lienthong_{service}", timeout=10, command_timeout=20
            )
        yield opened
    finally:
        for one in opened.values():
            one.terminate()


async def seconds_to_be_in_step(town: Town, limit: float) -> tuple[float | None, float | None]:
    """Return the seconds until all services, and all outside systems, have what is recorded now; None: not in time."""
    began, now = time.monotonic(), datetime.now(UTC)
    wanted = await _patiently(lambda: _recorded(town), limit)
    if wanted is None:
        return None, None
    services = await _until(lambda: _all_have(town, wanted), began, limit)
    partners = await _until(lambda: _all_told(town, now), began, limit)
    return services, partners


async def _recorded(town: Town) -> dict[str, tuple[list[Any], list[int]]]:
    async with connections(town) as opened:
        found = {}
        for service, one in opened.items():
            rows = await one.fetch(_LATELY)
            found[service] = ([row[0] for row in rows], [row[1] for row in rows])
        return found


async def _all_have(town: Town, wanted: dict[str, tuple[list[Any], list[int]]]) -> bool:
    async with connections(town) as opened:
        for reader in SERVICES:
            for source in SERVICES:
                if await opened[reader].fetchval(BEHIND.format(source=source), *wanted[source]):
                    return False
    return True


async def _all_told(town: Town, now: datetime) -> bool:
    async with connections(town) as opened:
        return not any([await opened["workflow"].fetchval(query, now) for query in (_NOT_TOLD, _NOT_LOOKED_AT)])


async def backlog(town: Town) -> int:
    """Return how many deliveries wait now."""
    url = town.stack.engines.postgres_url
    workflow = await asyncpg.connect(url, database="lienthong_workflow", timeout=5, command_timeout=10)
    try:
        n: int = await workflow.fetchval(_NOT_TOLD, datetime.now(UTC))
        return n
    finally:
        workflow.terminate()


async def not_seen(town: Town, deeds: Sequence[Deed]) -> int:
    """Return how many of the dossiers that somebody touched in an outside system were not looked at since."""
    async with connections(town) as opened:
        return await _n_not_seen(opened["workflow"], deeds)


async def _n_not_seen(workflow: Any, deeds: Sequence[Deed]) -> int:
    columns = ([one.system for one in deeds], [one.dossier_id for one in deeds], [one.at for one in deeds])
    n: int = await workflow.fetchval(_NOT_SEEN, *columns)
    return n


async def _until(check: Callable[[], Awaitable[bool]], began: float, limit: float) -> float | None:
    while time.monotonic() < began + limit:
        try:
            if await check():
                return time.monotonic() - began
        except TRANSIENT:
            pass
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _patiently(ask: Callable[[], Awaitable[Any]], limit: float) -> Any:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            return await ask()
        except TRANSIENT:
            await asyncio.sleep(LOOK_SECONDS)
    return None


async def settled(town: Town, limit: float) -> dict[str, int]:
    """Wait until nothing waits anywhere; return what still does after *limit*, by name."""
    left: dict[str, int] = {"unknown": 1}
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            left = await waiting(town)
        except TRANSIENT:
            left = {"unknown": 1}
        if not left:
            return {}
        await asyncio.sleep(0.5)
    return left


async def waiting(town: Town) -> dict[str, int]:
    """Return what waits now."""
    found: dict[str, int] = {}
    async with connections(town) as opened:
        for service, one in opened.items():
            for name, query in (
                ("held", "SELECT count(*) FROM hold"),
                ("parked", "SELECT count(*) FROM parked"),
                ("unpublished", "SELECT count(*) FROM event WHERE published_at IS NULL"),
            ):
                found[f"{service} {name}"] = await one.fetchval(query)
        found["deliveries"] = await opened["workflow"].fetchval(_NOT_TOLD, datetime.now(UTC))
        found["looks"] = await opened["workflow"].fetchval(_NOT_LOOKED_AT, datetime.now(UTC))
        found["deeds not seen"] = await _n_not_seen(opened["workflow"], town.deeds)
        found["messages"] = await opened["notify"].fetchval("SELECT count(*) FROM message WHERE status = 'pending'")
        sums = [await one.fetchrow(_SUMS) for one in opened.values()]
        found["heads that differ"] = len(set(map(tuple, sums))) - 1
    found["callbacks"] = await _callbacks(town)
    return {name: n for name, n in found.items() if n}


_SUMS = "SELECT " + ", ".join(f"coalesce(sum({source}_seq), 0)::bigint" for source in SERVICES) + " FROM head"


async def _callbacks(town: Town) -> int:
    async with httpx.AsyncClient(base_url=town.url("sandbox"), trust_env=False, timeout=10) as http:
        return sum([await waiting_callbacks(http, system) for system in ADAPTERS])
