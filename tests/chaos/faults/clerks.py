"""Faults of people: a clerk changes or deletes a dossier in an outside system, a citizen withdraws at the portal.

Nobody tells us. What must follow: it is as it was again, or a person can see it; the suite's operator then decides.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from tests.chaos.faults.fault import Place
from tests.chaos.progress import TRANSIENT, not_seen
from tests.chaos.town import Deed

READABLE = ("tax", "bhxh", "dvcqg")
"""VBDLIS cannot be read: what a clerk does there is known only by its callbacks."""
CHANGES: dict[str, tuple[dict[str, Any], ...]] = {
    "dvcqg": (
        {"fields": {"NgayHenTra": "20300101080000"}}, {"fields": {"NgayTiepNhan": "20200101080000"}},
        {"fields": {"MaTTHC": "XX.01"}}, {"fields": {"DonViXuLy": "H99.02"}}, {"state": "7"}, {"state": "8"},
    ),
    "bhxh": ({"fields": {"MaThuTuc": "BH.99"}},),
    "tax": ({"fields": {"payments": []}},),
}  # fmt: skip
"""By system: what a look can see. Steps and dates of BHXH and sums of tax are the offices' own."""
_YOUNG = """
SELECT s.dossier_id::text, e.code FROM standing s JOIN exchange e USING (dossier_id)
WHERE s.system = $1 AND s.look_at < clock_timestamp() + interval '15 seconds' ORDER BY s.acknowledged_at DESC LIMIT 20
"""
"""Dossiers that will be looked at soon: an old one would be, too, but within hours."""
_MISSING = """
SELECT id::text FROM incident WHERE closed_at IS NULL AND kind = 'missing' AND dossier_id::text = ANY($1)
"""


@dataclass
class Clerk:
    """A clerk changes or deletes a few dossiers of one system."""

    verb: str
    _touched: list[Deed] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Do it, and wait for a while until it is seen."""
        system = place.rng.choice(READABLE)
        young = await _rows(place, _YOUNG, system)
        began = time.monotonic()
        for dossier, code in place.rng.sample(young, min(len(young), place.rng.randint(2, 5))):
            if await self._do(place, system, dossier if system == "dvcqg" else code):
                self._touched.append(Deed(system, dossier, place.town.clock.now()))
        place.town.deeds += self._touched
        n_left = await self._seen(place, 15)
        seen = f"not seen of {n_left}" if n_left else f"seen after {time.monotonic() - began:.1f} s"
        return f"{system}, {len(self._touched)} dossiers, {seen}" if self._touched else ""

    async def _do(self, place: Place, system: str, key: str) -> bool:
        path = f"/sandbox/{system}/dossiers/{key}"
        async with httpx.AsyncClient(base_url=place.town.url("sandbox"), trust_env=False, timeout=10) as http:
            if self.verb == "deletes":
                answer = await http.delete(path)
            else:
                answer = await http.post(f"{path}/change", json=place.rng.choice(CHANGES[system]))
        return answer.status_code < 300

    async def heal(self, place: Place) -> None:
        """Be the operator: what is gone there is told again; other differences stay, for all to see."""
        await self._seen(place, 45)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            missing = await _rows(place, _MISSING, [one.dossier_id for one in self._touched])
            if not missing:
                return
            for (incident,) in missing:
                await _tell_again(place, incident)
            await asyncio.sleep(1)

    async def _seen(self, place: Place, seconds: float) -> int:
        end = time.monotonic() + seconds
        while True:
            try:
                n_left = await not_seen(place.town, self._touched)
            except TRANSIENT:
                n_left = len(self._touched)
            if not n_left or time.monotonic() > end:
                return n_left
            await asyncio.sleep(0.5)


async def _tell_again(place: Place, incident: str) -> None:
    """Decide; refused while a change is on its way."""
    bearer = {"Authorization": f"Bearer {place.town.token('ops')}"}
    decision = {"action": "retry", "note": "chaos: đã hỏi cơ quan"}
    async with httpx.AsyncClient(base_url=place.town.url("workflow"), trust_env=False, timeout=10) as http:
        try:
            await http.post(f"/v1/incidents/{incident}/resolve", json=decision, headers=bearer)
        except httpx.TransportError:
            return


async def _rows(place: Place, query: str, *given: Any) -> list[Any]:
    url = place.town.stack.engines.postgres_url
    try:
        connection = await asyncpg.connect(url, database="lienthong_workflow", timeout=10, command_timeout=20)
    except TRANSIENT:
        return []
    try:
        return list(await connection.fetch(query, *given))
    except TRANSIENT:
        return []
    finally:
        connection.terminate()
