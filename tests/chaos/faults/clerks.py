"""Faults of people: a clerk changes or deletes a dossier in an outside system, a citizen withdraws at the portal.

Nobody tells us. What must follow: it is as it was again, or a person can see it; the suite's operator then decides.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.faults.fault import Place
from tests.chaos.faults.operator import rows, tell_again
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


@dataclass
class Clerk:
    """A clerk changes or deletes a few dossiers of one system."""

    verb: str
    _touched: list[Deed] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Do it, and wait for a while until it is seen."""
        system = place.rng.choice(READABLE)
        young = await rows(place, "workflow", _YOUNG, system)
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
        await tell_again(place, [one.dossier_id for one in self._touched])

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
