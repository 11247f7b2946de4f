"""What the exchange ledger and the sweeps cost in lifecycles per second, adapters stopped.

Two systems take turns, a pair a run: one as it is, one that knows no outside system and never sweeps.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from deploy.local.folder import ROOT
from deploy.local.programs import PROVINCE, Plan, Task, local_plan, python
from deploy.local.stack import Stack
from shared.settings import SERVICES
from tests.bench.lifecycle import Patience, run
from tests.bench.system import N_AT_ONCE, settle
from tests.bench.table import Row

N_LIFECYCLES, N_WARM_UP = 300, 60
FAR_AWAY = "86400"


def measure(runs: int, share: float) -> list[Row]:
    """Measure pairs, one with and one without, in turn."""
    n = int(N_LIFECYCLES * share)
    with TemporaryDirectory() as folder:
        bare = _bare_province(Path(folder))
        pairs = [_pair(Path(folder) / str(number), bare, n) for number in range(runs)]
    return [
        Row("lifecycles/s with ledger and sweeps", [pair[0] for pair in pairs], "{:.1f}"),
        Row("lifecycles/s without", [pair[1] for pair in pairs], "{:.1f}"),
        Row("cost of ledger and sweeps", [(1 - pair[0] / pair[1]) * 100 for pair in pairs], "{:.1f} %", "< 10 %"),
    ]


def _bare_province(folder: Path) -> Path:
    """Copy the sample province without its outside systems."""
    bare = folder / "province"
    shutil.copytree(ROOT / PROVINCE, bare)
    for file in (bare / "systems").iterdir():
        file.unlink()
    return bare


def _pair(folder: Path, bare: Path, n: int) -> tuple[float, float]:
    """Return the rates with and without; whichever begins changes from pair to pair, for the machine drifts."""
    whole = local_plan(has_adapters=False)
    plain = replace(whole, loads=(Task("prepare", python("deploy.local.prepare", str(bare), *SERVICES)),))
    with_, without = ("with", whole, "5"), ("without", plain, FAR_AWAY)
    order = (with_, without) if int(folder.name) % 2 == 0 else (without, with_)
    rates = {name: _rate(folder / name, plan, seconds, n) for name, plan, seconds in order}
    return rates["with"], rates["without"]


def _rate(folder: Path, plan: Plan, sweep_seconds: str, n: int) -> float:
    with _environment(LIENTHONG_SWEEP_SECONDS=sweep_seconds), Stack(folder, plan=plan, ports="free") as stack:
        return uvloop.run(_lifecycles(stack, n))


async def _lifecycles(stack: Stack, n: int) -> float:
    patience = Patience()
    await run(stack, N_WARM_UP, patience, at_once=N_AT_ONCE)
    await settle(stack)
    measured = await run(stack, n, patience, at_once=N_AT_ONCE)
    return n / measured.seconds


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
