"""Checks of an adapter in trouble: old leases, SIGKILL, our API away, SIGTERM."""

import asyncio
import signal
import time

from deploy.conformance.adapter import LEASE_SECONDS
from deploy.conformance.bench import Bench, Failed, require
from deploy.conformance.door import Hold
from deploy.conformance.town import Dossier

STOP_SECONDS = 8.0
QUIET_SECONDS = 0.7


async def fence(bench: Bench) -> str:
    """An answer under an old fence is not insisted upon: once refused as stale, it is let be."""
    dossier, hold = await _held(bench)
    try:
        await bench.told(dossier)
    finally:
        hold.let_go.set()
    await asyncio.wait_for(hold.done.wait(), 5)
    old = hold.ack
    if old is None or old.status != 409:
        raise Failed(f"the late answer was not refused: {old and old.status}")
    await asyncio.sleep(QUIET_SECONDS)
    again = [
        one for one in bench.town.door.acks(dossier.id)[1:]
        if one.path == old.path and one.body().get("fence") == old.body().get("fence")
    ]  # fmt: skip
    insisted = [one for one in again if one.status == 409]
    require(it_is=len(insisted) <= 1, seen=f"the stale answer came {len(insisted)} times more")
    await bench.once_in_order(dossier)
    following = await bench.town.accept()
    return f"409 {old.said().get('code')} and let be; then {await bench.once_in_order(following)}"


async def killed(bench: Bench) -> str:
    """Killed (SIGKILL) between the call and its answer to us: after the restart nothing is doubled, nothing lost."""
    dossier, hold = await _held(bench)
    await bench.adapter.kill()
    hold.is_lost = True
    hold.let_go.set()
    await bench.adapter.start()
    seen = await bench.once_in_order(dossier)
    return f"killed after the call; {seen}"


async def _held(bench: Bench) -> tuple[Dossier, Hold]:
    """Have the first answer for a dossier wait at the door: the call has been made, its lease runs."""
    door = bench.town.door
    door.is_shut = True
    try:
        dossier = await bench.town.accept()
        hold = door.hold = Hold(dossier.id)
    finally:
        door.is_shut = False
    try:
        await asyncio.wait_for(hold.came.wait(), 10)
    except TimeoutError:
        door.hold = None
        raise Failed("no answer (ack) came for the first try (within 10 s)") from None
    return dossier, hold


async def away(bench: Bench) -> str:
    """Our API is away for some seconds: the adapter goes on living, and delivers when it is back."""
    process, door = bench.adapter.process, bench.town.door
    door.is_shut = True
    try:
        dossier = await bench.town.accept()
        await asyncio.sleep(2)
        require(it_is=bench.adapter.is_alive, seen="the adapter ended while our API was away")
    finally:
        door.is_shut = False
    seen = await bench.once_in_order(dossier)
    require(it_is=bench.adapter.process is process, seen="another process delivered")
    return f"away for 2 s (lease: {LEASE_SECONDS} s), then {seen}"


async def ends(bench: Bench) -> str:
    """On SIGTERM it ends within seconds."""
    began = time.monotonic()
    ended = await bench.adapter.end(signal.SIGTERM, STOP_SECONDS)
    seconds = time.monotonic() - began
    require(it_is=ended, seen=f"still running {STOP_SECONDS:.0f} s after SIGTERM")
    return f"ended after {seconds:.1f} s"
