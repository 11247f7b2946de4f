"""A decision changes a calendar: 100,000 open clocks are brought to its new version, and say what moved."""

import time
from datetime import timedelta

import uvloop

from services.sla import handlers
from services.sla.jobs import adopt_calendars, try_out_calendars
from shared.auth import Principal, Role
from shared.service import Service
from shared.worktime import CalendarChange
from tests.bench.inside import one_service, running_engines
from tests.bench.many_clocks import DEADLINE, connect, multiply, one_clock
from tests.bench.table import Row
from tests.support import Databases

N_CLOCKS = 100_000
DAY_OFF = {"date": "2026-03-11", "kind": "off", "document": "x", "name": "Nghỉ"}
OPS = Principal(subject="ops", roles=frozenset({Role.OPS}), agency_code=None)


def measure(runs: int, share: float) -> list[Row]:
    """Return the seconds of a dry run and of the real one."""
    n = int(N_CLOCKS * share)
    with running_engines() as found:
        seen = [uvloop.run(_run(Databases(found), n)) for _ in range(runs)]
    return [
        Row(f"dry run over {n:,} open clocks", [dry for dry, _ in seen], "{:.1f} s"),
        Row(f"{n:,} open clocks brought to a new version, each moved", [real for _, real in seen], "{:.1f} s"),
    ]


async def _run(databases: Databases, n: int) -> tuple[float, float]:
    async with one_service(databases, "sla") as service:
        await multiply(service, await one_clock(service), n - 1, DEADLINE, timedelta())
        dry, real = await _timed(service, dry_run=True), await _timed(service, dry_run=False)
        connection = await connect(service)
        moved = await connection.fetchval("SELECT count(*) FROM clock WHERE calendar_version = 2")
        await connection.close()
        assert moved == n
        return dry, real


async def _timed(service: Service, *, dry_run: bool) -> float:
    change = CalendarChange.model_validate({"document": "x", "overrides": [DAY_OFF]})
    async with service.sessions.begin() as session:
        await handlers.change_calendar(session, "VN", change, dry_run=dry_run, by=OPS)
    await service.references.refresh()
    began = time.perf_counter()
    tick = try_out_calendars if dry_run else adopt_calendars
    while await tick(service):
        pass
    return time.perf_counter() - began
