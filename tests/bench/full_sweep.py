"""The full sweep over a million dossiers: proof that a service has applied exactly what a source has published."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import uvloop

from shared.outbox import new_dossier_id
from tests.bench.inside import running_engines, town
from tests.bench.table import Row
from tests.support import Databases, World

N_DOSSIERS = 1_000_000
SOURCE, READER = "intake", "workflow"
N_DIFFERENT = 100
SIDES = (SOURCE, READER)
COLUMNS = ("dossier_id", "time", f"{SOURCE}_seq", f"{SOURCE}_chain")
BEHIND = f"""
    UPDATE head SET {SOURCE}_seq = {SOURCE}_seq - 1
    WHERE dossier_id IN (SELECT dossier_id FROM head ORDER BY dossier_id LIMIT {N_DIFFERENT})
"""


@dataclass(frozen=True)
class Seen:
    """Seconds of one run."""

    equal: float
    different: float
    """With some dossiers behind: drilled into, found and put on hold."""
    start: float
    """The look of a start: what the reader knows of the source and its ledger lacks."""


def measure(runs: int, share: float) -> list[Row]:
    """Return how long the sweeps take."""
    n = int(N_DOSSIERS * share)
    with running_engines() as found:
        seen = uvloop.run(_runs(Databases(found), runs, n))
    return [
        Row(f"full sweep of {n:,} dossiers, one source", [one.equal for one in seen], "{:.1f} s", "< 10 s"),
        Row(f"… with {N_DIFFERENT} behind: found and put on hold", [one.different for one in seen], "{:.1f} s"),
        Row("a start's look at what one peer knows of it", [one.start for one in seen], "{:.1f} s"),
    ]


async def _runs(databases: Databases, runs: int, n: int) -> list[Seen]:
    async with town(databases, "api") as found:
        rows = list(_heads(n))
        for service in SIDES:
            connection = await _connect(found, service)
            await connection.copy_records_to_table("head", records=rows, columns=COLUMNS)
            await connection.execute("VACUUM ANALYZE head")
            await connection.close()
        return [await _one(found) for _ in range(runs)]


def _heads(n: int) -> Iterator[tuple[Any, ...]]:
    """Yield the heads of dossiers that were submitted over three years."""
    first = datetime.now(UTC) - timedelta(days=3 * 365)
    for at in range(n):
        instant = first + timedelta(days=3 * 365) * (at / n)
        yield new_dossier_id(instant), instant, 9, secrets.randbits(63)


async def _one(found: World) -> Seen:
    reader, source = found.service(READER), found.service(SOURCE)
    equal = await _timed(reader.full_sweep.sweep(SOURCE))
    began = time.perf_counter()
    missing, _ = await source.watch.look(with_kafka=False)
    start = time.perf_counter() - began
    assert missing == []
    connection = await _connect(found, READER)
    await connection.execute(BEHIND)
    different = await _timed(reader.full_sweep.sweep(SOURCE))
    held = await connection.fetchval("WITH gone AS (DELETE FROM hold RETURNING 1) SELECT count(*) FROM gone")
    await connection.execute(BEHIND.replace("seq - 1", "seq + 1"))
    await connection.execute("VACUUM head")
    await connection.close()
    assert held == N_DIFFERENT
    return Seen(equal, different, start)


async def _timed(sweep: Any) -> float:
    began = time.perf_counter()
    assert await sweep
    return time.perf_counter() - began


async def _connect(found: World, service: str) -> "asyncpg.Connection":
    settings = found.settings[service]
    return await asyncpg.connect(settings.postgres_url, database=f"{settings.database_prefix}{service}")
