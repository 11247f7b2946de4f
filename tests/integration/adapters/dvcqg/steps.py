"""What the tests of the portal's translator share: facts that lead somewhere, faults, and what the portal shows."""

from typing import Any

from services.workflow.adapters.dvcqg.catalogue import read
from services.workflow.adapters.port import Answer, Told, Translator
from shared.events import workflow
from tests.integration.sandbox.partners import Partner
from tests.unit.adapters.tale import PROVINCE, Tale

HEADER, PROGRESS, READ = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
CATALOGUE = read(PROVINCE / "procedures")
ACKNOWLEDGED = workflow.LegAcknowledged(leg_no=1)


def fault(kind: str, *calls: str, n: int = 1, **more: Any) -> dict[str, Any]:
    seconds = {"seconds": 0.05} if kind == "timeout_after_effect" else {}
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


async def insist(portal: Translator, told: Told, n_tries: int = 40) -> None:
    """Deliver as the runtime does, without its pauses: what is unknown is observed before it is repeated."""
    said = await portal.deliver(told)
    for _ in range(n_tries):
        if said.answer is Answer.UNKNOWN:
            said = await portal.observe(told) or said
        if said.answer is Answer.TAKEN:
            return
        assert said.answer is not Answer.REFUSED, said
        said = await portal.deliver(told) if said.answer is Answer.NO_EFFECT else said
    assert said.answer is Answer.TAKEN, said
