"""The system a place's figures go through: real engines, sla as a process, the ledgers of intake and workflow."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from deploy.figures.compare import Reports
from deploy.figures.lives import lives
from deploy.figures.place import Place
from deploy.figures.writer import Writer
from deploy.local.folder import ROOT
from deploy.local.programs import PROVINCE, Plan, Program, Task, port, python
from deploy.local.stack import Stack
from shared.settings import Settings
from shared.worktime import LOCAL, Calendar, CalendarData

OWNERS = ("intake", "workflow", "sla")
SEED = 1
GIVE_UP_SECONDS = 1800.0
APPLIED = "SELECT coalesce(sum(intake_seq + workflow_seq), 0)::bigint FROM head"
RECORDED = "SELECT count(*) FROM event"
DUE = "SELECT count(*) FROM timer WHERE due_at <= $1"
PROCEDURES = """
    SELECT data ->> 'field_code' AS field, count(*) AS n FROM reference
    WHERE kind = 'procedure' AND data ->> 'field_code' = ANY($1) AND data ->> 'citation' = 'giả định' GROUP BY 1
"""
AT_ONCE = 16
ALONE = {"LIENTHONG_SWEEP_SECONDS": "86400", "LIENTHONG_START_CHECK_SECONDS": "0"}
"""Intake and workflow are ledgers only: nobody there answers a sweep. The broker says what is complete."""
Told = Callable[[str, int, int], None]
"""(what, how many so far, of how many)."""


def run(place: Place, file: Path, folder: Path, told: Told) -> Reports:
    """Write a place's dossiers into an empty folder, let sla consume them, return what its reports answer."""
    shutil.rmtree(folder, ignore_errors=True)
    with Stack(folder, plan=_plan(file), ports="free", clock=_clock(place)) as stack:
        return asyncio.run(_run(place, stack, told))


def end_of(place: Place) -> datetime:
    """Return the instant at which sla stands: the last evening of the period."""
    return datetime.combine(place.to_on, time(23), LOCAL)


def _clock(place: Place) -> str:
    return f"{end_of(place).isoformat()}@{datetime.now(UTC).isoformat()}x1"


def _plan(file: Path) -> Plan:
    return Plan(
        programs=(
            Program("issuer", python("deploy.local.issuer"), port("issuer"), "issuer", docs_path=""),
            Program("sla", python("services.sla", "all"), port("sla"), env=ALONE),
        ),
        databases=tuple(f"lienthong_{name}" for name in OWNERS),
        loads=(
            Task("prepare", python("deploy.local.prepare", PROVINCE, *OWNERS)),
            Task("introduce", python("deploy.figures", "--introduce", str(file))),
        ),
    )


async def introduce(place: Place) -> None:
    """Publish what sla has to know of a place before it is ready; in an environment that the launcher made."""
    async with Writer(Settings(), place.calendar) as writer:
        await writer.introduce(place)


async def _run(place: Place, stack: Stack, told: Told) -> Reports:
    engines = stack.engines
    settings = Settings(mode="local", postgres_url=engines.postgres_url, kafka=engines.kafka)
    drawn = list(lives(place, _calendar(place), SEED))
    database = await asyncpg.connect(engines.postgres_url, database="lienthong_sla")
    async with Writer(settings, place.calendar) as writer:
        await writer.write(drawn, lambda n: told("written", n, len(drawn)))
        n_events = sum([await _count(engines.postgres_url, name) for name in OWNERS[:2]])
        await _until(database, APPLIED, (), lambda n: _say(told, "applied by sla", n, n_events))
        await _until(database, DUE, (end_of(place),), lambda n: n == 0)
        await _attempt(stack, writer.held, told)
    rows = await database.fetch(PROCEDURES, [field.code for field in place.fields])
    await database.close()
    return await _ask(place, stack, {row["field"]: row["n"] for row in rows})


def _calendar(place: Place) -> Calendar:
    file = ROOT / PROVINCE / "calendars" / f"{place.calendar}.json"
    return Calendar(CalendarData.model_validate_json(file.read_text(encoding="utf-8")))


async def _count(postgres_url: str, name: str) -> int:
    connection = await asyncpg.connect(postgres_url, database=f"lienthong_{name}")
    try:
        return int(await connection.fetchval(RECORDED))
    finally:
        await connection.close()


def _say(told: Told, what: str, n: int, of: int) -> bool:
    told(what, n, of)
    return n >= of


async def _until(
    database: asyncpg.Connection, query: str, given: tuple[Any, ...], enough: Callable[[int], bool]
) -> None:
    deadline = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
    while not enough(await database.fetchval(query, *given)):
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(query)
        await asyncio.sleep(0.5)


async def _attempt(stack: Stack, held: list[tuple[UUID, str]], told: Told) -> None:
    """Try to suspend what agencies hold, without ground or document, as the inspection found it."""
    tokens = {code: stack.token("officer", agency=code) for code in {code for _, code in held}}
    async with httpx.AsyncClient(base_url=stack.url("sla"), trust_env=False, timeout=30) as http:
        for start in range(0, len(held), AT_ONCE):
            some = held[start : start + AT_ONCE]
            await asyncio.gather(*(_attempt_one(http, dossier_id, tokens[code]) for dossier_id, code in some))
            told("refused", start + len(some), len(held))


async def _attempt_one(http: httpx.AsyncClient, dossier_id: UUID, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "If-Match": '"1"', "Idempotency-Key": str(dossier_id)}
    body = {"note": "tạm dừng"}
    answer = await http.post(f"/v1/dossiers/{dossier_id}/suspensions", json=body, headers=headers)
    if answer.json().get("code") != "unlawful_suspension":
        raise RuntimeError(f"not refused as unlawful: {answer.status_code} {answer.text}")


async def _ask(place: Place, stack: Stack, n_procedures: dict[str, int]) -> Reports:
    period = {"from": place.from_on.isoformat(), "to": place.to_on.isoformat()}
    headers = {"Authorization": f"Bearer {stack.token('leader')}"}
    async with httpx.AsyncClient(base_url=stack.url("sla"), trust_env=False, timeout=60, headers=headers) as http:
        by_agency = (await http.get("/v1/reports/06", params=period)).raise_for_status().json()
        suspensions = (await http.get("/v1/reports/suspensions", params=period)).raise_for_status().json()
    return Reports(by_agency, suspensions, n_procedures)
