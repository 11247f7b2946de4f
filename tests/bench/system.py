"""The whole system on this machine: lifecycles per second, commands, commit → applied, memory, seconds to ready."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg
import psutil
import uvloop

from deploy.local.programs import local_plan
from deploy.local.stack import Stack
from shared.settings import SERVICES
from tests.bench.applied import Delays, Watch
from tests.bench.lifecycle import Measured, Patience, run
from tests.bench.table import Row, percentile
from tests.bench.wire import Wire

N_LIFECYCLES = 600
N_AT_ONCE = 48
N_WARM_UP = 60
HALF_LOAD_SECONDS = 15
FLOOR_SECONDS = 3.0
AIM_P95 = "< 100 ms"
PROGRAMS = ("postgres", "kafka", *SERVICES)


@dataclass
class Full:
    """One run as fast as it goes."""

    rate: float
    busy: float
    """The share of all cores that was not idle; well below 1, something else than CPU is the limit."""
    measured: Measured
    cpu: dict[str, float]
    """CPU seconds of each program."""
    floors: dict[str, float] = field(default_factory=dict)


def measure(runs: int, share: float) -> list[Row]:
    """Start a system of its own twice, measure, return the tables."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Stack(Path(folder), plan=local_plan(has_adapters=False), ports="free"):
            first = time.perf_counter() - began
        began = time.perf_counter()
        with Stack(Path(folder), plan=local_plan(has_adapters=False), ports="free") as stack:
            again = time.perf_counter() - began
            rows = uvloop.run(_measure(stack, runs, share))
            return [
                *rows,
                *_memory(stack),
                Row("seconds to ready, new data folder", [first], "{:.1f} s", "< 20 s"),
                Row("seconds to ready, again", [again], "{:.1f} s", "< 20 s"),
            ]


async def _measure(stack: Stack, runs: int, share: float) -> list[Row]:
    busy, calm = Patience(), Patience()
    await run(stack, N_WARM_UP, busy, at_once=N_AT_ONCE)
    await settle(stack)
    full = [await _full(stack, int(N_LIFECYCLES * share), busy) for _ in range(runs)]
    half_rate = median(one.rate for one in full) / 2
    watch = Watch(stack.engines.postgres_url)
    n_half = max(10, int(half_rate * HALF_LOAD_SECONDS * share))
    await run(stack, n_half, calm, per_second=half_rate)
    half = [await _half(stack, watch, n_half, half_rate, calm) for _ in range(runs)]
    return [*_full_rows(full), *_half_rows([seen for seen, _ in half], [delays for _, delays in half], half_rate)]


async def _full(stack: Stack, n_lifecycles: int, patience: Patience) -> Full:
    cpu_before, idle_before, began = cpu_of(stack), psutil.cpu_times().idle, time.perf_counter()
    measured = await run(stack, n_lifecycles, patience, at_once=N_AT_ONCE)
    busy = 1 - (psutil.cpu_times().idle - idle_before) / measured.seconds / (psutil.cpu_count() or 1)
    await settle(stack)
    rate = n_lifecycles / (time.perf_counter() - began)
    cpu = {name: seconds - cpu_before[name] for name, seconds in cpu_of(stack).items()}
    floors = {
        f"one-row commits/s, {N_AT_ONCE} connections": await commits_per_second(stack),
        f"GET /healthz per second, {N_AT_ONCE} connections": await requests_per_second(stack),
    }
    return Full(rate, busy, measured, {name: s / n_lifecycles * 1000 for name, s in cpu.items()}, floors)


async def _half(stack: Stack, watch: Watch, n: int, rate: float, patience: Patience) -> tuple[Measured, Delays]:
    await settle(stack)
    await watch.begin()
    measured = await run(stack, n, patience, per_second=rate)
    await settle(stack)
    return measured, await watch.end()


def _full_rows(runs: list[Full]) -> list[Row]:
    cpu = [Row(f"CPU per lifecycle, {name}", [one.cpu[name] for one in runs], "{:.1f} ms") for name in PROGRAMS]
    n = [len(one.measured.latencies["accept"]) for one in runs]
    played = list(zip(runs, n, strict=True))
    return [
        Row("lifecycles/s, every event applied everywhere", [one.rate for one in runs], "{:.1f}", "≥ 40"),
        Row(f"cores busy meanwhile, of {psutil.cpu_count()}", [one.busy * 100 for one in runs], "{:.0f} %"),
        *(Row(f"floor: {what}", [one.floors[what] for one in runs]) for what in runs[0].floors),
        *cpu,
        Row("CPU per lifecycle, generator", [one.measured.cpu_seconds / k * 1000 for one, k in played], "{:.1f} ms"),
        Row("commands sent too early, per lifecycle", [one.measured.n_early / k for one, k in played], "{:.2f}"),
        *_command_rows("full load", [one.measured for one in runs]),
    ]


def _half_rows(runs: list[Measured], delays: list[Delays], rate: float) -> list[Row]:
    load = f"half load ({rate:.1f} lifecycles/s)"
    rows = []
    for what in delays[0]:
        found = [one[what] for one in delays]
        rows.append(_latency_row(f"commit → {what}, {load}: p50", found, 50, "< 50 ms"))
        rows.append(_latency_row(f"commit → {what}, {load}: p99", found, 99, "< 150 ms"))
    rows += _command_rows(load, runs, AIM_P95)
    for name in runs[0].latencies:
        rows.append(_latency_row(f"{name}, {load}: p95", [one.latencies[name] for one in runs], 95, AIM_P95))
    return rows


def _command_rows(load: str, runs: list[Measured], aim: str = "–") -> list[Row]:
    found = [one.all_latencies() for one in runs]
    return [
        _latency_row(f"a command, {load}: p50", found, 50, "–"),
        _latency_row(f"a command, {load}: p95", found, 95, aim),
    ]


def _latency_row(what: str, runs: list[list[float]], percent: int, aim: str) -> Row:
    return Row(what, [percentile(found, percent) * 1000 for found in runs], "{:.0f} ms", aim)


async def settle(stack: Stack, seconds: float = 120) -> None:
    """Wait until all heads are equal in sum."""
    pools = [await asyncpg.connect(stack.engines.postgres_url, database=f"lienthong_{name}") for name in SERVICES]
    columns = ", ".join(f"coalesce(sum({source}_seq), 0)::bigint" for source in SERVICES)
    deadline = time.monotonic() + seconds
    try:
        while len({tuple(await one.fetchrow(f"SELECT {columns} FROM head") or ()) for one in pools}) > 1:
            if time.monotonic() > deadline:
                raise TimeoutError("the services did not come in step")
            await asyncio.sleep(0.05)
    finally:
        for one in pools:
            await one.close()


async def commits_per_second(stack: Stack) -> float:
    """The floor of the database: one-row transactions over raw asyncpg."""
    pool = await asyncpg.create_pool(
        stack.engines.postgres_url, database="postgres", min_size=N_AT_ONCE, max_size=N_AT_ONCE
    )
    await pool.execute("CREATE TABLE IF NOT EXISTS floor (n bigint)")

    async def commit() -> None:
        await pool.execute("INSERT INTO floor VALUES (1)")

    rate = await _per_second([commit] * N_AT_ONCE)
    await pool.close()
    return rate


async def requests_per_second(stack: Stack) -> float:
    """The floor of HTTP: an endpoint that does nothing."""
    wires = [Wire(stack.url("intake")) for _ in range(N_AT_ONCE)]

    def asking(wire: Wire) -> Callable[[], Awaitable[object]]:
        return lambda: wire.call("GET", "/healthz", "")

    rate = await _per_second([asking(wire) for wire in wires])
    for wire in wires:
        await wire.close()
    return rate


async def _per_second(works: list[Callable[[], Awaitable[object]]]) -> float:
    n, deadline = 0, time.monotonic() + FLOOR_SECONDS

    async def again(work: Callable[[], Awaitable[object]]) -> None:
        nonlocal n
        while time.monotonic() < deadline:
            await work()
            n += 1

    await asyncio.gather(*(again(work) for work in works))
    return n / FLOOR_SECONDS


def _family(stack: Stack, name: str) -> list[psutil.Process]:
    pid = stack.pid(name)
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if pid else []


def cpu_of(stack: Stack) -> dict[str, float]:
    """Return the CPU seconds of each program so far; PostgreSQL's are those of the sessions that are open."""
    return {name: sum(sum(one.cpu_times()[:2]) for one in _family(stack, name)) for name in PROGRAMS}


def _memory(stack: Stack) -> list[Row]:
    sizes = {
        name: sum(one.memory_full_info().pss for one in _family(stack, name)) / 1e6
        for name in (*PROGRAMS, "issuer", "sandbox")
    }
    total = sum(sizes[name] for name in PROGRAMS)
    return [
        Row("memory (PSS) of engines and four services", [total], "{:,.0f} MB", "< 1,200 MB"),
        *(Row(f"memory (PSS) of {name}", [size], "{:,.0f} MB") for name, size in sizes.items()),
    ]
