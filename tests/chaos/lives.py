"""The lives of dossiers: what citizens, officers and clerks do, one short script a kind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from tests.chaos.caller import Caller, GivenUp, Json, Refused

UNIT, LAND, TAX, BHXH, CIVIL = "H99.01", "H99.VPDK", "H99.THUE.01", "H99.BHXH.01", "H99.HT.01"
PORTAL = ("portal", "")
LOOK_SECONDS, LONGEST_SECONDS = 0.4, 2.0
"""How soon somebody looks again, at first and after many looks: else looking is most of what the machine does."""
LONGEST_LOOKS = 120
"""How often somebody looks for what should come, before it counts as lost: four minutes."""
STALE = {404, 409, 412}
"""What was looked at has moved, or has not come yet: look again."""


class Stale(Exception):
    """A read that does not show what was acknowledged before it."""


@dataclass
class Life:
    """One dossier and the people around it."""

    caller: Caller
    number: int
    rng: Random
    id: str = ""
    code: str = ""
    trouble: str = ""
    kind: str = ""
    steps: list[str] = field(default_factory=list)

    async def play(self, kind: str) -> None:
        """Play a kind of life; what can not be explained by a fault is kept in ``trouble``."""
        self.kind = kind
        try:
            await getattr(self, kind)()
        except (Refused, GivenUp, Stale, TimeoutError) as error:
            self.trouble = f"{kind} {self.code or self.id} after {self.steps[-1:]}: {type(error).__name__} {error}"

    # The kinds

    async def land(self) -> None:
        """A transfer of land: the registry and the tax office work in their own software, the one-stop unit in ours."""
        await self._begin("DD.01")
        await self._inside("vbdlis", LAND, ("next-step", {}), ("next-step", {}))
        owed = {"notices": [{"TEN_TIEUMUC": "Thuế thu nhập cá nhân", "SO_TIEN": 1_500_000 + self.number}]}
        await self._inside("tax", TAX, ("determine", owed))
        await self._pay()
        await self._leg(UNIT, "forwarded")
        await self._inside("vbdlis", LAND, ("next-step", {}), ("next-step", {}), ("finish", {}))
        await self._hand_out()

    async def birth(self) -> None:
        """A birth with a health-insurance card: BHXH works in its own software."""
        await self._begin("LT.01")
        await self._leg(CIVIL, "registered")
        await self._inside("bhxh", BHXH, ("next-step", {}), ("finish", {}))
        await self._leg(UNIT, "ready")
        await self._hand_out()

    async def birth_without_card(self) -> None:
        """A birth that officers finish among themselves."""
        await self._submit("LT.01", wants_health_card=False)
        await self._accept()
        await self._leg(CIVIL, "registered")
        await self._leg(UNIT, "ready")
        await self._hand_out()

    async def refused(self) -> None:
        """Refused at the counter."""
        await self._submit("LT.01")
        await self._intake("refuse", ("officer", UNIT), {"reason_code": "incomplete", "note": "thiếu"})

    async def withdrawn(self) -> None:
        """Withdrawn by the citizen before anybody took it."""
        await self._submit("DD.01")
        await self._intake("withdraw", PORTAL, {"reason_code": "changed_mind"})

    async def supplemented(self) -> None:
        """Something was missing, came in, and then it is processed by officers."""
        await self._submit("LT.01")
        ask = {"ground": "supplement", "component_codes": ["GCS"], "note": "Thiếu bản chính"}
        await self._intake("request-supplement", ("officer", UNIT), ask)
        await self._intake("supplement", PORTAL, {"components": [{"code": "GCS", "n_originals": 1}]})
        await self._accept()
        await self._leg(CIVIL, "registered")

    async def forgotten(self) -> None:
        """Accepted, and then nobody works on it: its deadline comes."""
        await self._begin("DD.01")

    # What people do

    async def _begin(self, procedure: str) -> None:
        await self._submit(procedure)
        await self._accept()

    async def _submit(self, procedure: str, **attributes: Any) -> None:
        body = application(procedure, self.number)
        body["attributes"] |= attributes
        told = await self.caller.post("intake", "/v1/dossiers", PORTAL, body)
        self.id = told["id"]
        self.steps.append("submit")

    async def _accept(self) -> None:
        self.code = (await self._intake("accept", ("officer", UNIT), {}))["code"]

    async def _intake(self, verb: str, who: tuple[str, str], body: Json) -> Json:
        """Command on the version that was just read; what moved meanwhile is read again."""

        async def act() -> Json | None:
            seen = await self.caller.get("intake", f"/v1/dossiers/{self.id}", "officer", UNIT)
            if seen is None or verb not in seen["allowed"]:
                return None
            told = await self.caller.post("intake", f"/v1/dossiers/{self.id}/{verb}", who, body, seen["version"])
            await self._read_back(told["version"])
            return told

        return await self._until(verb, act)

    async def _read_back(self, version: int) -> None:
        """After a 2xx the next read shows it."""
        seen = await self.caller.get("intake", f"/v1/dossiers/{self.id}", "officer", UNIT)
        if seen is None or seen["version"] < version:
            raise Stale(f"version {version} was answered, then {seen and seen['version']} was read")

    async def _leg(self, agency: str, outcome: str, data: Json | None = None) -> None:
        """Take the agency's open leg over and complete it."""
        await self._until(f"{agency} acknowledge", lambda: self._on_leg(agency, "offered", "acknowledge", {}))
        done = {"outcome": outcome, "data": data or {}}
        await self._until(f"{agency} complete", lambda: self._on_leg(agency, "in_progress", "complete", done))

    async def _on_leg(self, agency: str, status: str, verb: str, body: Json) -> Json | None:
        leg = await self._leg_of(agency, status)
        if leg is None:
            return None
        path = f"/v1/dossiers/{self.id}/legs/{leg['leg_no']}/{verb}"
        return await self.caller.post("workflow", path, ("officer", agency), body, leg["version"])

    async def _leg_of(self, agency: str, *statuses: str) -> Json | None:
        seen = await self.caller.get("workflow", f"/v1/dossiers/{self.id}", "officer", agency)
        legs = [leg for leg in (seen or {"legs": []})["legs"] if leg["agency_code"] == agency]
        return next((leg for leg in legs if leg["status"] in statuses), None)

    async def _inside(self, system: str, agency: str, *deeds: tuple[str, Json]) -> None:
        """Let a clerk do *deeds* in the agency's own software, and wait until the leg is over here."""
        leg = await self._until(f"{agency} offered", lambda: self._leg_of(agency, "offered", "in_progress"))
        for verb, body in deeds:
            await self._until(f"{system} {verb}", partial(self._deed, system, verb, body))
        await self._until(f"{system} {agency} over", lambda: self._is_over(leg["leg_no"]))

    async def _deed(self, system: str, verb: str, body: Json) -> Json | None:
        if await self.caller.seen(system, self.code) is None:
            return None
        return {} if await self.caller.clerk(system, self.code, verb, body) else None

    async def _is_over(self, leg_no: int) -> Json | None:
        seen = await self.caller.get("workflow", f"/v1/dossiers/{self.id}", "ops")
        legs = (seen or {"legs": []})["legs"]
        return next((leg for leg in legs if leg["leg_no"] == leg_no and leg["status"] == "completed"), None)

    async def _pay(self) -> None:
        """Pay every notice through the portal."""

        async def asked() -> Json | None:
            seen = await self.caller.get("intake", f"/v1/dossiers/{self.id}/payments", "portal")
            return seen if seen and seen["items"] else None

        for notice in (await self._until("notices", asked))["items"]:
            proof = {
                "notice_no": notice["notice_no"],
                "amount": notice["amount"],
                "paid_at": self.caller.town.clock.now().isoformat(),
                "method": "portal",
                "reference": f"GD-{self.number:06}",
            }
            await self.caller.post("intake", f"/v1/dossiers/{self.id}/payments", PORTAL, proof)
        self.steps.append("paid")

    async def _hand_out(self) -> None:
        await self._intake("return-result", ("officer", UNIT), {})

    async def _until(self, step: str, look: Callable[[], Awaitable[Json | None]]) -> Json:
        """Look again and again, with pauses, until there is something."""
        self.steps.append(step)
        for n in range(LONGEST_LOOKS):
            try:
                found = await look()
            except Refused as error:
                if error.status not in STALE:
                    raise
                found = None
            if found is not None:
                return found
            await asyncio.sleep(min(LONGEST_SECONDS, LOOK_SECONDS * 1.3**n) * self.rng.uniform(0.5, 1.5))
        msg = f"{step} never came"
        raise TimeoutError(msg)


WEIGHTS = {
    "land": 4, "birth": 3, "birth_without_card": 2, "refused": 1, "withdrawn": 1, "supplemented": 1, "forgotten": 2,
}  # fmt: skip


def kinds(rng: Random, n: int) -> list[str]:
    """Return *n* kinds of lives; every kind is there if *n* allows it."""
    every = list(WEIGHTS)
    drawn = [*every, *rng.choices(every, list(WEIGHTS.values()), k=max(0, n - len(every)))][:n]
    rng.shuffle(drawn)
    return drawn


def application(procedure: str, number: int) -> Json:
    """Return what a citizen hands in; invented."""
    land = {"transfer_kind": "transfer", "parcel_no": str(number), "map_sheet_no": "7", "area_m2": 120}
    birth = {"child_name": f"Nguyễn Mẫu Con {number}", "born_on": "2026-02-01", "wants_health_card": True}
    papers = {"DD.01": ("DON-11", "HOP-DONG", "GCN"), "LT.01": ("TK-KS", "GCS")}[procedure]
    return {
        "procedure_code": procedure,
        "channel": "online",
        "receiving_unit_code": UNIT,
        "applicant": {
            "kind": "citizen",
            "full_name": f"Nguyễn Văn Mẫu {number}",
            "identity_number": f"{number:012}",
            "email": f"nguoi-nop-{number}@vi-du.invalid",
        },
        "result_delivery": "electronic",
        "attributes": land if procedure == "DD.01" else birth,
        "components": [{"code": code, "n_copies": 1} for code in papers],
    }
