"""A service whose database is a backup again: it stops by itself, is recovered as an operator would, and goes on."""

import asyncio
import os
import subprocess
import time
from dataclasses import dataclass, field

import asyncpg
import httpx

from deploy.local.folder import ROOT
from deploy.local.programs import python
from tests.chaos.faults.fault import Place
from tests.chaos.faults.operator import ask_again
from tests.chaos.points import SERVICES

QUIET_TRIES, SOUND_SECONDS = 10, 90
_ALL, _UNSENT = "SELECT count(*) FROM event", "SELECT count(*) FROM event WHERE published_at IS NULL"
_ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1)"


@dataclass
class Restored:
    """Back up one service in the middle of its work, let it go on, restore it, and recover.

    It is killed for the restore when everything it has said is in Kafka: what nobody else has ever had is lost with
    a disk, and no recovery brings it back.
    """

    _stopped: list[str] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Do all of it, the operator's part too: without it the service would refuse everything for ever."""
        service = place.rng.choice(SERVICES)
        names = [one for one in place.town.workers() if one.removesuffix("-second") == service]
        live, backup = f"lienthong_{service}", f"backup_{service}"
        await self._stop(place, names)
        await _copy(place, live, backup)
        await self._start(place)
        await place.hold(6, 14)
        if not await self._stopped_quietly(place, names, live):
            return ""
        n_lost = await _number(place, live, _ALL) - await _number(place, backup, _ALL)
        await _copy(place, backup, live)
        await self._start(place)
        said = await _recovered(place, service)
        return f"{service}, {n_lost} events lost; {said}" if n_lost else ""

    async def heal(self, place: Place) -> None:
        """Let it run, whatever became of the rest, and ask applicants again for what only they know."""
        await self._start(place)
        await ask_again(place)

    async def _stop(self, place: Place, names: list[str]) -> None:
        self._stopped = names
        for one in names:
            await asyncio.to_thread(place.town.stack.kill, one)

    async def _start(self, place: Place) -> None:
        await asyncio.gather(*(asyncio.to_thread(place.town.restart, one) for one in self._stopped))
        self._stopped = []

    async def _stopped_quietly(self, place: Place, names: list[str], live: str) -> bool:
        place.town.flows.clear()
        try:
            for _ in range(QUIET_TRIES):
                await _until_sent(place, live)
                await self._stop(place, names)
                if not await _number(place, live, _UNSENT):
                    return True
                await self._start(place)
        finally:
            place.town.flows.set()
        return False


async def _until_sent(place: Place, live: str) -> None:
    """Wait until nothing was left to send for a second."""
    n_quiet, end = 0, time.monotonic() + 20
    while n_quiet < 10 and time.monotonic() < end:
        n_quiet = 0 if await _number(place, live, _UNSENT) else n_quiet + 1
        await asyncio.sleep(0.1)


async def _number(place: Place, database: str, query: str) -> int:
    connection = await asyncpg.connect(place.town.stack.engines.postgres_url, database=database, timeout=10)
    try:
        n: int = await connection.fetchval(query)
        return n
    finally:
        await connection.close()


async def _copy(place: Place, source: str, target: str) -> None:
    """Copy a database that nobody uses any more."""
    connection = await asyncpg.connect(place.town.stack.engines.postgres_url, database="postgres", timeout=10)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        await connection.fetch(_ENDED, [source])
        await connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
    finally:
        await connection.close()


async def _recovered(place: Place, service: str) -> str:
    """Recover as soon as the service has noticed, and wait until it goes on; return what the operator reads."""
    standing = await _standing(place, service, {"restored", "sound"})
    if standing != "restored":
        return f"{standing or 'silent'}: it has not noticed"
    said = await asyncio.to_thread(_operate, place, service)
    goes_on = await _standing(place, service, {"sound"})
    return said if goes_on else f"{said}, and does not go on"


def _operate(place: Place, service: str) -> str:
    argv, env = (
        python("deploy.local", "operate", service, "recover"),
        {"LIENTHONG_DATA": str(place.town.stack.data_dir)},
    )
    done = subprocess.run(
        argv, env=os.environ | env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line and "━" not in line]
    return "; ".join(lines) if done.returncode == 0 else f"recover failed: {(lines or [done.stderr[-300:]])[-1]}"


async def _standing(place: Place, service: str, wanted: set[str]) -> str:
    """Return the standing of a service as soon as it is one that is *wanted*; empty if it does not come."""
    end, bearer = time.monotonic() + SOUND_SECONDS, {"Authorization": f"Bearer {place.town.token('ops')}"}
    async with httpx.AsyncClient(base_url=place.town.url(service), trust_env=False, timeout=5) as http:
        while time.monotonic() < end:
            try:
                standing: str = (await http.get("/readyz", headers=bearer)).json().get("standing", "")
            except (httpx.TransportError, ValueError):
                standing = ""
            if standing in wanted:
                return standing
            await asyncio.sleep(0.2)
    return ""
