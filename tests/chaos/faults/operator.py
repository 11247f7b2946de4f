"""What an operator does after some faults: asks applicants again, and has told again what waits for a decision."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.chaos.faults.fault import Place
from tests.chaos.lives import UNIT, application
from tests.chaos.progress import TRANSIENT

_NOBODY = """
SELECT id::text, version FROM dossier d WHERE status NOT IN ('refused', 'withdrawn', 'stopped', 'returned')
AND NOT EXISTS (SELECT FROM applicant a WHERE a.dossier_id = d.id AND a.version = d.applicant_version)
"""
_OPEN = """
SELECT id::text FROM incident WHERE closed_at IS NULL AND dossier_id::text = ANY($1)
AND (kind = 'missing' OR kind = 'refused' AND theirs->>'reason_code' = 'no_applicant')
"""
"""What is gone there is told again, and what waited for particulars; other differences stay, for all to see."""


async def rows(place: Place, service: str, query: str, *given: Any) -> list[Any]:
    """Return what a query finds; nothing while the database is away."""
    url = place.town.stack.engines.postgres_url
    try:
        connection = await asyncpg.connect(url, database=f"lienthong_{service}", timeout=10, command_timeout=20)
    except TRANSIENT:
        return []
    try:
        return list(await connection.fetch(query, *given))
    except TRANSIENT:
        return []
    finally:
        connection.terminate()


async def ask_again(place: Place) -> None:
    """Key in the particulars of dossiers that have none any more."""
    asked: set[str] = set()
    for _ in range(5):
        nobody = await rows(place, "intake", _NOBODY)
        if not nobody:
            break
        people = {"applicant": application("LT.01", place.rng.randrange(10**6))["applicant"]}
        for dossier, version in nobody:
            await _call(place, "intake", ("PUT", f"/v1/dossiers/{dossier}/applicant"), people, version)
            asked.add(dossier)
    await tell_again(place, sorted(asked))


async def tell_again(place: Place, dossiers: Sequence[str], seconds: float = 20) -> None:
    """Decide that it is told again, until nothing of the kind is open; refused while a change is on its way."""
    end, decision = time.monotonic() + seconds, {"action": "retry", "note": "chaos: đã hỏi lại"}
    while time.monotonic() < end:
        waiting = await rows(place, "workflow", _OPEN, list(dossiers))
        if not waiting:
            return
        for (incident,) in waiting:
            await _call(place, "workflow", ("POST", f"/v1/incidents/{incident}/resolve"), decision)
        await asyncio.sleep(1)


async def _call(place: Place, service: str, what: tuple[str, str], body: Any, version: int | None = None) -> None:
    role = place.town.token("officer", agency=UNIT) if service == "intake" else place.town.token("ops")
    headers = {"Authorization": f"Bearer {role}", "Idempotency-Key": str(uuid4())}
    headers |= {"If-Match": f'"{version}"'} if version is not None else {}
    async with httpx.AsyncClient(base_url=place.town.url(service), trust_env=False, timeout=10) as http:
        try:
            await http.request(*what, json=body, headers=headers)
        except httpx.TransportError:
            return
