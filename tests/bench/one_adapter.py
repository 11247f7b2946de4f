"""One adapter alone: the deliveries that gathered while it was away, told to the national portal by itself.

Real processes: workflow, the sandbox and the adapter of the portal; those of the others stay away, nobody else works.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import uvloop

from deploy.local.programs import ADAPTER_PORTS, local_plan
from deploy.local.stack import Stack
from tests.bench.lifecycle import Patience, run
from tests.bench.no_kafka import connections
from tests.bench.system import settle
from tests.bench.table import Row

SYSTEM = "dvcqg"
N_LIFECYCLES = 150
GIVE_UP_SECONDS = 300.0
LEFT = "SELECT count(*) FROM delivery WHERE system = 'dvcqg' AND state NOT IN ('done', 'acknowledged')"
PROGRAMS = (SYSTEM, "workflow", "sandbox", "intake")


@dataclass
class Told:
    """One backlog told: deliveries a second, and CPU ms a delivery of each program."""

    n: int
    rate: float
    cpu: dict[str, float]


def measure(runs: int, share: float) -> list[Row]:
    """Start a system of its own, let a backlog gather and be told once a run, return the table."""
    with TemporaryDirectory() as folder, Stack(Path(folder), ports="free", plan=local_plan()) as stack:
        seen = uvloop.run(_measure(stack, runs, int(N_LIFECYCLES * share)))
    cpu = [Row(f"CPU per delivery, {name}", [one.cpu[name] for one in seen], "{:.1f} ms") for name in PROGRAMS]
    return [
        Row("deliveries in the backlog of the portal", [float(one.n) for one in seen]),
        Row("deliveries/s of its adapter alone", [one.rate for one in seen], "{:.1f}"),
        *cpu,
    ]


async def _measure(stack: Stack, runs: int, n_lifecycles: int) -> list[Told]:
    for system in ADAPTER_PORTS:
        stack.kill(system)
    patience = Patience()
    return [await _told(stack, patience, n_lifecycles) for _ in range(runs)]


async def _told(stack: Stack, patience: Patience, n_lifecycles: int) -> Told:
    await run(stack, n_lifecycles, patience, at_once=24)
    await settle(stack)
    async with connections(stack) as opened:
        n = await opened["workflow"].fetchval(LEFT)
        await asyncio.to_thread(stack.restart, SYSTEM)
        began, cpu = time.monotonic(), _cpu(stack)
        n_then = await opened["workflow"].fetchval(LEFT)
        while await opened["workflow"].fetchval(LEFT):
            if time.monotonic() > began + GIVE_UP_SECONDS:
                raise TimeoutError("the backlog was not told")
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
    spent = {name: (used - cpu[name]) / n_then * 1000 for name, used in _cpu(stack).items()}
    stack.kill(SYSTEM)
    return Told(n, n_then / seconds, spent)


def _cpu(stack: Stack) -> dict[str, float]:
    found = {name: psutil.Process(stack.pid(name)).cpu_times() for name in PROGRAMS}
    return {name: times.user + times.system for name, times in found.items()}
