"""What the exchange ledger and the sweeps cost in lifecycles per second, adapters stopped.

Systems take turns, a round a run: one as it is, one that never sweeps, one that knows no outside system either.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from deploy.local.folder import ROOT
from deploy.local.programs import PROVINCE, Plan, Task, local_plan, python
from deploy.local.stack import Stack
from shared.settings import SERVICES
from tests.bench.lifecycle import Patience, run
from tests.bench.system import N_AT_ONCE, cpu_of, settle
from tests.bench.table import Row

N_LIFECYCLES, N_WARM_UP = 300, 60
FAR_AWAY = "86400"
WHOLE, LESS = "as it is", ("no sweeps", "neither ledger nor sweeps")
AIM = "< 10 %"


def measure(runs: int, share: float) -> list[Row]:
    """Measure rounds of three variants in turn."""
    n = int(N_LIFECYCLES * share)
    with TemporaryDirectory() as folder:
        variants = _variants(_bare_province(Path(folder)))
        rounds = [_round(Path(folder) / str(number), variants, n) for number in range(runs)]
    rates = {name: [one[name].rate for one in rounds] for name in variants}
    spent = {name: [one[name].cpu for one in rounds] for name in variants}
    return [
        *(Row(f"lifecycles/s, {name}", rates[name], "{:.1f}") for name in variants),
        *(Row(f"CPU per lifecycle, {name}", spent[name], "{:.0f} ms") for name in variants),
        *(Row(f"cost in lifecycles/s of {WHOLE} against {name}", _lost(rates, name), "{:.1f} %", AIM) for name in LESS),
        *(Row(f"cost in CPU of {WHOLE} against {name}", _more(spent, name), "{:.1f} %", AIM) for name in LESS),
    ]


def _lost(rates: dict[str, list[float]], name: str) -> list[float]:
    return [(1 - whole / less) * 100 for whole, less in zip(rates[WHOLE], rates[name], strict=True)]


def _more(spent: dict[str, list[float]], name: str) -> list[float]:
    return [(whole / less - 1) * 100 for whole, less in zip(spent[WHOLE], spent[name], strict=True)]


def _bare_province(folder: Path) -> Path:
    """Copy the sample province without its outside systems."""
    bare = folder / "province"
    shutil.copytree(ROOT / PROVINCE, bare)
    for file in (bare / "systems").iterdir():
        file.unlink()
    return bare


def _variants(bare: Path) -> dict[str, tuple[Plan, str]]:
    """Return each variant's plan and the seconds between its sweeps."""
    whole = local_plan(has_adapters=False)
    plain = replace(whole, loads=(Task("prepare", python("deploy.local.prepare", str(bare), *SERVICES)),))
    return {WHOLE: (whole, "5"), LESS[0]: (whole, FAR_AWAY), LESS[1]: (plain, FAR_AWAY)}


@dataclass
class Seen:
    """What one variant came to: lifecycles a second, CPU ms a lifecycle of engines and services."""

    rate: float
    cpu: float


def _round(folder: Path, variants: dict[str, tuple[Plan, str]], n: int) -> dict[str, Seen]:
    """Measure each variant once; which comes first changes from round to round, for the machine drifts."""
    names = list(variants)
    first = int(folder.name) % len(names)
    return {name: _seen(folder / name, *variants[name], n) for name in names[first:] + names[:first]}


def _seen(folder: Path, plan: Plan, sweep_seconds: str, n: int) -> Seen:
    with _environment(LIENTHONG_SWEEP_SECONDS=sweep_seconds), Stack(folder, plan=plan, ports="free") as stack:
        return uvloop.run(_lifecycles(stack, n))


async def _lifecycles(stack: Stack, n: int) -> Seen:
    patience = Patience()
    await run(stack, N_WARM_UP, patience, at_once=N_AT_ONCE)
    await settle(stack)
    before = sum(cpu_of(stack).values())
    measured = await run(stack, n, patience, at_once=N_AT_ONCE)
    await settle(stack)
    return Seen(n / measured.seconds, (sum(cpu_of(stack).values()) - before) / n * 1000)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
