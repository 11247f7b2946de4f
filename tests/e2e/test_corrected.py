"""The tax office corrects itself while the citizen is to pay: one command, and everybody tells of the new notice."""

from dataclasses import dataclass
from typing import Any

from deploy.demo.client import Client
from deploy.demo.narrator import equal_heads, in_step
from deploy.demo.story import Story
from tests.support import eventually

CORRECTED = 2_000_000


@dataclass
class Corrected(Story):
    """A land transfer whose taxes are determined a second time before they are paid."""

    async def _pay(self) -> None:
        await self._status("payment_requested")
        owed = {"notices": [{"TEN_TIEUMUC": "Thuế thu nhập cá nhân", "SO_TIEN": CORRECTED}]}
        await self.client.deed(f"/sandbox/tax/dossiers/{self.code}/determine", owed)
        incident = await eventually(self._incident, seconds=30)
        body = {"action": "take_over", "note": "cơ quan thuế đã xác nhận"}
        await self.client.post("workflow", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)
        (notice,) = await eventually(self._payable, seconds=30)
        proof = {
            "notice_no": notice["notice_no"], "amount": CORRECTED, "method": "portal", "reference": "GD-1",
            "paid_at": self.client.clock.now().isoformat(),
        }  # fmt: skip
        await self.client.post("intake", f"/v1/dossiers/{self.id}/payments", "portal", json=proof)

    async def _incident(self) -> Any:
        found = await self.client.get("workflow", "/v1/incidents?system=tax", "ops")
        return next((one for one in found["items"] if one["dossier_id"] == str(self.id)), None)

    async def _payable(self) -> Any:
        """Return what is to be paid, once the first notice is void."""
        notices = (await self.client.get("intake", f"/v1/dossiers/{self.id}/payments", "portal"))["items"]
        void = [one for one in notices if one["voided_at"]]
        return [one for one in notices if not one["voided_at"]] if void and len(notices) > 1 else None


async def test_a_second_determination_is_taken_over_and_the_dossier_comes_to_its_end(client: Client) -> None:
    story = Corrected(client, 80, days_at_land_office=0.2, days_at_tax=0.2, days_to_pay=0.2, days_to_register=0.2)
    await story.play()
    assert story.trouble == ""
    assert await equal_heads(client, story, seconds=30)
    assert await in_step(client, story, seconds=60)
    there = (await client.seen("tax", story.code))["fields"]
    assert (len(there["slips"]), [one["SoTien"] for one in there["payments"]]) == (1, [CORRECTED])
    assert await story._incident() is None
    clock = await client.get("sla", f"/v1/dossiers/{story.id}/clock", "ops")
    assert (clock["status"], clock["verdict"] in {"early", "on_time"}) == ("finished", True)
