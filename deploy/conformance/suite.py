"""The suite: every check by its name, in an order in which one that fails leaves the others alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.conformance import hearing, telling, trouble
from deploy.conformance.adapter import Adapter
from deploy.conformance.bench import Bench, Failed
from deploy.conformance.town import Town

Check = Callable[[Bench], Awaitable[str]]
CHECK_SECONDS = 30.0
CHECKS: Mapping[str, Check] = {
    "order": telling.order,
    "positive": telling.positive,
    "gateway": telling.gateway,
    "timeout": telling.timeout,
    "fence": trouble.fence,
    "killed": trouble.killed,
    "refused": telling.refused,
    "said": hearing.said,
    "repeated": hearing.repeated,
    "parked": hearing.parked,
    "unreadable": hearing.unreadable,
    "signature": hearing.signature,
    "away": trouble.away,
    "together": telling.together,
    "private": telling.private,
    "ends": trouble.ends,
}


@dataclass(frozen=True)
class Finding:
    """What became of one check."""

    name: str
    sentence: str
    passed: bool
    seen: str
    seconds: float


async def examine(
    town: Town, command: str, folder: Path, names: Iterable[str], tell: Callable[[Finding], None] = lambda _: None
) -> list[Finding]:
    """Run the adapter that *command* starts through the named checks; it is gone afterwards."""
    bench = Bench(town, Adapter(town, command, folder))
    findings = []
    try:
        await bench.adapter.start()
        await bench.adapter.introduce()
        for name in names:
            findings.append(await _one(bench, name))
            tell(findings[-1])
    finally:
        await bench.adapter.kill()
        await town.register("PUT", "/callback", {})
    return findings


async def _one(bench: Bench, name: str) -> Finding:
    check, began = CHECKS[name], time.monotonic()
    passed, seen = False, f"no end within {CHECK_SECONDS:.0f} s"
    try:
        if not bench.adapter.is_alive:
            await bench.adapter.start()
        await bench.town.faults()
        async with asyncio.timeout(CHECK_SECONDS):
            passed, seen = True, await check(bench)
    except Failed as failed:
        passed, seen = False, str(failed)
    except (TimeoutError, RuntimeError) as error:
        passed, seen = False, str(error) or seen
    finally:
        bench.town.door.is_shut, bench.town.door.hold = False, None
    sentence = str(check.__doc__).split("\n", 1)[0]
    return Finding(name, sentence, passed, seen, time.monotonic() - began)
