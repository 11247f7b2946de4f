"""Timers: 100,000 due at once among a million open ones; cost by due and by open; lateness in normal load."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import uvloop

from shared.service import Service
from tests.bench.inside import one_service, running_engines
from tests.bench.many_clocks import connect, fire_all, multiply, one_clock
from tests.bench.table import Row, percentile
from tests.support import Databases

N_OPEN, N_DUE = 1_000_000, 100_000
PER_SECOND, SECONDS = 20, 20
NOW = datetime(2026, 3, 20, tzinfo=UTC)
LATER, MINUTE = datetime(2026, 6, 1, tzinfo=UTC), timedelta(minutes=1)
LATENESS = "SELECT extract(epoch FROM fired_at - deadline_at) FROM timer WHERE kind = 'breach' AND deadline_at >= $1"


def measure(runs: int, share: float) -> list[Row]:
    """Return seconds to fire by (open, due), and how late timers fire in normal load."""
    n_open, n_due = int(N_OPEN * share), int(N_DUE * share)
    cases = [(0, n_due), (n_open // 10, n_due), (n_open, n_due), (n_open, n_due // 10), (n_open, n_due // 100)]
    with running_engines() as found:
        seconds = uvloop.run(_throughput(Databases(found), cases, runs))
        late = uvloop.run(_lateness(Databases(found)))
    return [
        *(
            Row(f"{due:,} timers due at once, {opened:,} more open", seconds[opened, due], "{:.1f} s", aim)
            for opened, due in cases
            for aim in ("< 20 s" if (opened, due) == (n_open, n_due) else "–",)
        ),
        Row(f"lateness at {PER_SECOND} timers a second, p50", [percentile(late, 50)], "{:.2f} s"),
        Row(f"lateness at {PER_SECOND} timers a second, p99", [percentile(late, 99)], "{:.2f} s", "< 1 s"),
    ]


async def _throughput(
    databases: Databases, cases: list[tuple[int, int]], runs: int
) -> dict[tuple[int, int], list[float]]:
    seconds: dict[tuple[int, int], list[float]] = {}
    async with one_service(databases, "sla") as service:
        pattern, n_open = await one_clock(service), 0
        await fire_all(service, NOW)
        for opened, due in cases:
            if opened > n_open:
                await multiply(service, pattern, opened - n_open, LATER, MINUTE)
                n_open = opened
            seconds[opened, due] = [await _fired(service, due) for _ in range(runs)]
    return seconds


async def _fired(service: Service, n: int) -> float:
    pattern = await one_clock(service)
    await multiply(service, pattern, n - 1, NOW - MINUTE, timedelta())
    began = time.perf_counter()
    n_fired = await fire_all(service, NOW)
    seconds = time.perf_counter() - began
    assert n_fired >= n
    return seconds


async def _lateness(databases: Databases) -> list[float]:
    """Let the loops of a whole worker run, with a broker and its reader, while timers come due one by one."""
    async with one_service(databases, "sla") as service:
        pattern = await one_clock(service)
        begin = datetime.now(UTC) + timedelta(seconds=5)
        await multiply(service, pattern, PER_SECOND * SECONDS, begin, timedelta(seconds=1 / PER_SECOND))
        tasks = [asyncio.create_task(work) for work in service.background("all")]
        await asyncio.sleep(SECONDS + 12)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        connection = await connect(service)
        found = [float(row[0]) for row in await connection.fetch(LATENESS, begin)]
        await connection.close()
        return found
