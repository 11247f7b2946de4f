"""The whole system on this machine: lifecycles per second, commands, commit → applied, memory, seconds to ready."""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import asyncpg
import psutil

from deploy.local.stack import Stack
from shared.settings import SERVICES
from tests.bench.lifecycle import Measured, run
from tests.bench.wire import Wire

N_LIFECYCLES = 400
N_PLAYERS = 24
WARM_UP = 60


def main(runs: int) -> None:
    """Start a system of its own, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Stack(Path(folder), ports="free") as stack:
            ready = time.perf_counter() - began
            asyncio.run(measure(stack, runs, ready))


async def measure(stack: Stack, runs: int, ready: float) -> None:
    """Print the tables of a running system."""
    await run(stack, WARM_UP, 8)
    await settle(stack)
    rates, all_runs = [], []
    for _ in range(runs):
        began = time.perf_counter()
        seen = await run(stack, N_LIFECYCLES, N_PLAYERS)
        await settle(stack)
        rates.append(N_LIFECYCLES / (time.perf_counter() - began))
        all_runs.append(seen)
    print(f"| what | median of {runs} |\n|---|---|")
    print(f"| lifecycles per second, every event applied everywhere | {median(rates):.1f} |")
    print(
        f"| floor: commits per second, one row each, {N_PLAYERS} connections | {await commits_per_second(stack):,.0f} |"
    )
    print(f"| floor: GET /healthz per second, {N_PLAYERS} connections | {await requests_per_second(stack):,.0f} |")
    _print_commands(all_runs)
    await _print_convergence(stack, median(rates) / 2)
    _print_memory(stack)
    print(f"| seconds to ready, new data folder | {ready:.1f} |")


def _print_commands(runs: list[Measured]) -> None:
    for name in runs[0].latencies:
        found = sorted(value for one in runs for value in one.latencies[name])
        p50, p95 = (quantiles(found, n=100)[at - 1] * 1000 for at in (50, 95))
        print(f"| command {name}: p50 / p95 at full load | {p50:.0f} / {p95:.0f} ms |")


async def settle(stack: Stack, seconds: float = 60) -> None:
    """Wait until every ledger is published and all heads are equal in sum."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if len({await _sums(stack, name) for name in SERVICES}) == 1:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the services did not come in step")


async def _sums(stack: Stack, service: str) -> tuple[int, ...]:
    connection = await asyncpg.connect(stack.engines.postgres_url, database=f"lienthong_{service}")
    try:
        columns = ", ".join(f"coalesce(sum({source}_seq), 0)::bigint" for source in SERVICES)
        return tuple(await connection.fetchrow(f"SELECT {columns} FROM head") or ())
    finally:
        await connection.close()


async def _print_convergence(stack: Stack, rate: float) -> None:
    """Commit → applied elsewhere at half load: the delay from a ledger row to the head of the slowest other service."""
    before = time.time()
    n_players = max(2, N_PLAYERS // 3)
    await run(stack, int(rate * 10), n_players)
    await settle(stack)
    found = await applied_delays(stack, before)
    if found:
        p50, p99 = (quantiles(found, n=100)[at - 1] * 1000 for at in (50, 99))
        print(
            f"| commit → next service's command possible, {n_players} players: p50 / p99 | {p50:.0f} / {p99:.0f} ms |"
        )


async def applied_delays(stack: Stack, since: float) -> list[float]:
    """Return seconds from the commit of an intake event to its application in workflow, by intake's timeline copy."""
    connection = await asyncpg.connect(stack.engines.postgres_url, database="lienthong_workflow")
    try:
        rows = await connection.fetch(
            "SELECT extract(epoch FROM published_at - recorded_at)::float AS s FROM event "
            "WHERE recorded_at > to_timestamp($1) AND published_at IS NOT NULL", since,
        )  # fmt: skip
        return [row["s"] for row in rows]
    finally:
        await connection.close()


async def commits_per_second(stack: Stack, seconds: float = 3) -> float:
    """The floor of the database: one-row transactions over raw asyncpg."""
    pool = await asyncpg.create_pool(
        stack.engines.postgres_url, database="postgres", min_size=N_PLAYERS, max_size=N_PLAYERS
    )
    await pool.execute("CREATE TABLE IF NOT EXISTS floor (n bigint)")
    n = 0
    deadline = time.monotonic() + seconds

    async def work() -> None:
        nonlocal n
        async with pool.acquire() as connection:
            while time.monotonic() < deadline:
                await connection.execute("INSERT INTO floor VALUES (1)")
                n += 1

    await asyncio.gather(*(work() for _ in range(N_PLAYERS)))
    await pool.close()
    return n / seconds


async def requests_per_second(stack: Stack, seconds: float = 3) -> float:
    """The floor of HTTP: an endpoint that does nothing."""
    n = 0
    deadline = time.monotonic() + seconds

    async def work() -> None:
        nonlocal n
        wire = Wire(stack.url("intake"))
        while time.monotonic() < deadline:
            await wire.call("GET", "/healthz", "")
            n += 1
        await wire.close()

    await asyncio.gather(*(work() for _ in range(N_PLAYERS)))
    return n / seconds


def _print_memory(stack: Stack) -> None:
    total = 0.0
    for name in ("postgres", "kafka", "issuer", *SERVICES, "sandbox"):
        pid = stack.pid(name)
        if pid is None:
            continue
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        size = sum(process.memory_full_info().pss for process in family) / 1e6
        total += size if name not in {"issuer", "sandbox"} else 0
        print(f"| memory (PSS) of {name} | {size:.0f} MB |")
    print(f"| memory (PSS) of engines and four services | {total:.0f} MB |")
