"""What the tests of the portal's translator share: facts that lead somewhere, faults, and what the portal shows."""

from typing import Any

from services.workflow.adapters.dvcqg.catalogue import read
from services.workflow.adapters.port import Answer, Translator
from shared.events import workflow
from tests.integration.sandbox.partners import Partner
from tests.unit.adapters.tale import PROVINCE, Tale

HEADER, PROGRESS, READ = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
CATALOGUE = read(PROVINCE / "procedures")
ACKNOWLEDGED = workflow.LegAcknowledged(leg_no=1)


def fault(kind: str, *calls: str, n: int = 1, **more: Any) -> dict[str, Any]:
    seconds = {"seconds": 1.5} if kind == "timeout_after_effect" else {}
    return {"kind": kind, "next_calls": n, "calls": calls, **seconds, **more}


async def texts(dvcqg: Partner, tale: Tale) -> list[str]:
    """Return what the portal's log says, in its order."""
    return [one["text"] for one in (await dvcqg.dossier(str(tale.dossier_id)))["progress"]]


async def n_effects(dvcqg: Partner, call: str) -> int:
    return len([one for one in await dvcqg.log(limit=1000) if one["call"] == call and one["took_effect"]])


async def n_tried(dvcqg: Partner, call: str) -> int:
    return len([one for one in await dvcqg.log(limit=1000) if one["call"] == call])


async def reach(portal: Translator, tale: Tale, *facts: Any) -> None:
    for told in tale.all(*facts):
        assert (await portal.deliver(told)).answer is Answer.TAKEN, told.fact
