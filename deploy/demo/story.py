"""The lives of dossiers, played by the citizen, the one-stop unit, and clerks inside the outside systems.

Nobody keys anything in twice: the land registry, the tax office and BHXH work in their own software (the sandbox), and
the adapters carry it over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from deploy.demo.client import PAUSE_SECONDS, Client, Json, Refused

UNIT = "H99.01"
LAND = "H99.VPDK"
TAX = "H99.THUE.01"
BHXH = "H99.BHXH.01"
CIVIL = "H99.HT.01"
SECONDS_PER_STEP = 60


@dataclass
class Story:
    """One land-transfer dossier and how long everybody takes, in days of the demo's calendar."""

    client: Client
    number: int
    days_at_land_office: float = 1.2
    days_at_tax: float = 1.0
    days_to_pay: float = 0.8
    days_to_register: float = 1.0
    id: UUID | None = None
    code: str = ""
    trouble: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    systems: ClassVar[tuple[str, ...]] = ("vbdlis", "tax", "dvcqg")
    """The outside systems that are told of it."""

    async def play(self) -> None:
        """Play from submission to result; what goes wrong is kept in ``trouble``."""
        try:
            await self._submit(self.application())
            await self._accept()
            await self._process()
            await self._return_result()
        except Refused as error:
            self.trouble = str(error)
        finally:
            self.done.set()

    def application(self) -> Json:
        """Return what the citizen hands in."""
        attributes = {"transfer_kind": "transfer", "parcel_no": str(self.number), "map_sheet_no": "7", "area_m2": 120}
        return self._filled("DD.01", attributes, ("DON-11", "HOP-DONG", "GCN"))

    async def _process(self) -> None:
        await self._clerk(LAND, "vbdlis", self.days_at_land_office, "next-step", "next-step")
        owed = {"notices": [{"TEN_TIEUMUC": "Thuế thu nhập cá nhân", "SO_TIEN": 1_500_000 + self.number * 1000}]}
        await self._clerk(TAX, "tax", self.days_at_tax, ("determine", owed))
        await self._pay()
        await self._work(UNIT, 0.1, "forwarded")
        await self._clerk(LAND, "vbdlis", self.days_to_register, "next-step", "next-step", "finish")

    def _filled(self, procedure_code: str, attributes: Json, papers: tuple[str, ...]) -> Json:
        return {
            "procedure_code": procedure_code,
            "channel": "online",
            "receiving_unit_code": UNIT,
            "applicant": {
                "kind": "citizen",
                "full_name": f"Nguyễn Văn Mẫu {self.number}",
                "identity_number": f"{self.number:012}",
                "email": f"nguoi-nop-{self.number}@vi-du.invalid",
            },
            "result_delivery": "electronic",
            "attributes": attributes,
            "components": [{"code": code, "n_copies": 1} for code in papers],
        }

    async def _submit(self, body: Json) -> None:
        made = await self.client.post("intake", "/v1/dossiers", "portal", json=body)
        self.id = UUID(made.json()["id"])

    async def _accept(self) -> None:
        await self.client.after(hours=1)
        seen = await self._dossier()
        done = await self._intake("accept", seen, {})
        self.code = done["code"]

    async def _dossier(self) -> Json:
        return await self.client.get("intake", f"/v1/dossiers/{self.id}", "officer", UNIT)

    async def _intake(self, verb: str, seen: Json, body: Json) -> Json:
        headers = {"If-Match": f'"{seen["version"]}"'}
        path = f"/v1/dossiers/{self.id}/{verb}"
        answer = await self.client.post("intake", path, "officer", UNIT, headers=headers, json=body)
        found: Json = answer.json()
        return found

    async def _work(self, agency: str, days: float, outcome: str, data: Json | None = None) -> None:
        """An officer takes the agency's leg over when it is offered, works on it, and hands the dossier on."""
        leg = await self._offered(agency)
        leg = await self._leg(agency, leg, "acknowledge", {})
        await self.client.after(days=days)
        await self._leg(agency, leg, "complete", {"outcome": outcome, "data": data or {}})

    async def _clerk(self, agency: str, system: str, days: float, *deeds: str | tuple[str, Json]) -> None:
        """A clerk of the agency works in its own system: the first deed at once, the others after *days*."""
        leg = await self._offered(agency)
        there = f"/sandbox/{system}/dossiers/{self.code}"
        await self._until(lambda: self.client.has(there), f"{system} did not hear of {self.code}")
        for n, deed in enumerate(deeds):
            if n == min(1, len(deeds) - 1):
                await self.client.after(days=days)
            verb, body = deed if isinstance(deed, tuple) else (deed, {})
            await self.client.deed(f"{there}/{verb}", body)
        await self._until(lambda: self._is_over(leg["leg_no"]), f"what {system} did never came back")

    async def _is_over(self, leg_no: int) -> bool:
        legs = (await self.client.get("workflow", f"/v1/dossiers/{self.id}", "ops"))["legs"]
        return any(leg["leg_no"] == leg_no and leg["status"] == "completed" for leg in legs)

    async def _until(self, check: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        for _ in range(int(SECONDS_PER_STEP / PAUSE_SECONDS)):
            if await check():
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise Refused(f"{otherwise} within {SECONDS_PER_STEP} s")

    async def _offered(self, agency: str) -> Json:
        for _ in range(int(SECONDS_PER_STEP / PAUSE_SECONDS)):
            try:
                seen = await self.client.get("workflow", f"/v1/dossiers/{self.id}", "officer", agency)
            except Refused:
                seen = {"legs": []}
            for leg in seen["legs"]:
                if leg["agency_code"] == agency and leg["status"] == "offered":
                    found: Json = leg
                    return found
            await asyncio.sleep(PAUSE_SECONDS)
        raise Refused(f"no leg was offered to {agency} within {SECONDS_PER_STEP} s")

    async def _leg(self, agency: str, leg: Json, verb: str, body: Json) -> Json:
        path = f"/v1/dossiers/{self.id}/legs/{leg['leg_no']}/{verb}"
        headers = {"If-Match": f'"{leg["version"]}"'}
        answer = await self.client.post("workflow", path, "officer", agency, headers=headers, json=body)
        found: Json = answer.json()
        return found

    async def _pay(self) -> None:
        """The citizen pays what the notices say, through the portal."""
        await self._status("payment_requested")
        await self.client.after(days=self.days_to_pay)
        listed: Any = await self.client.get("intake", f"/v1/dossiers/{self.id}/payments", "portal")
        for notice in listed["items"]:
            proof = {
                "notice_no": notice["notice_no"],
                "amount": notice["amount"],
                "paid_at": self.client.clock.now().isoformat(),
                "method": "portal",
                "reference": f"GD-{self.number:06}",
            }
            await self.client.post("intake", f"/v1/dossiers/{self.id}/payments", "portal", json=proof)

    async def _status(self, wanted: str) -> Json:
        for _ in range(int(SECONDS_PER_STEP / PAUSE_SECONDS)):
            seen = await self._dossier()
            if seen["status"] == wanted:
                return seen
            await asyncio.sleep(PAUSE_SECONDS)
        raise Refused(f"the dossier was not {wanted} within {SECONDS_PER_STEP} s")

    async def _return_result(self) -> None:
        seen = await self._status("resolved")
        await self.client.after(hours=1)
        await self._intake("return-result", seen, {})


@dataclass
class Birth(Story):
    """A birth with a health-insurance card: three agencies behind one counter, BHXH in its own software."""

    systems: ClassVar[tuple[str, ...]] = ("bhxh", "dvcqg")

    def application(self) -> Json:
        """Return what the parents hand in."""
        attributes = {"child_name": f"Nguyễn Mẫu Con {self.number}", "born_on": "2026-11-01", "wants_health_card": True}
        return self._filled("LT.01", attributes, ("TK-KS", "GCS"))

    async def _process(self) -> None:
        await self._work(CIVIL, 0.2, "registered")
        await self._clerk(BHXH, "bhxh", 0.5, "next-step", "finish")
        await self._work(UNIT, 0.1, "ready")
