"""The life of one land-transfer dossier, played by the citizen, the one-stop unit and the agencies."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.demo.client import PAUSE_SECONDS, Client, Json, Refused

UNIT = "H99.01"
LAND = "H99.VPDK"
TAX = "H99.THUE.01"
SECONDS_PER_STEP = 60
ENDED = {"returned", "withdrawn", "stopped", "refused"}


@dataclass
class Story:
    """One dossier and how long its officers take, in days of the demo's calendar."""

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

    async def play(self) -> None:
        """Play from submission to result; what goes wrong is kept in ``trouble``."""
        try:
            await self._submit()
            await self._accept()
            await self._work(LAND, self.days_at_land_office, "slip_sent")
            notice = {"notice_no": f"TB-{self.number:04}", "amount": 1_500_000 + self.number * 1000}
            await self._work(TAX, self.days_at_tax, "notice_issued", {"notices": [notice]})
            await self._pay()
            await self._work(UNIT, 0.1, "forwarded")
            await self._work(LAND, self.days_to_register, "signed")
            await self._return_result()
        except Refused as error:
            self.trouble = str(error)
        finally:
            self.done.set()

    async def _submit(self) -> None:
        body = {
            "procedure_code": "DD.01",
            "channel": "online",
            "receiving_unit_code": UNIT,
            "applicant": {
                "kind": "citizen",
                "full_name": f"Nguyễn Văn Mẫu {self.number}",
                "email": f"nguoi-nop-{self.number}@vi-du.invalid",
            },
            "result_delivery": "electronic",
            "attributes": {
                "transfer_kind": "transfer",
                "parcel_no": str(self.number),
                "map_sheet_no": "7",
                "area_m2": 120,
            },
            "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
        }
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
        """An agency takes its leg over when it is offered, works on it, and hands the dossier on."""
        leg = await self._offered(agency)
        leg = await self._leg(agency, leg, "acknowledge", {})
        await self.client.after(days=days)
        await self._leg(agency, leg, "complete", {"outcome": outcome, "data": data or {}})

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
