"""The mode of the repeat: what was cut off after its effect, lands late, or makes the receiver count anew."""

from typing import Any
from uuid import UUID

import pytest

from tests.desync.naive import Portal, Tax
from tests.desync.table import Table
from tests.desync.town import Town, steps
from tests.integration.sandbox.partners import CODE, Partner, header, step
from tests.support import eventually

ACCEPTED = "2"


async def test_08_a_repeat_moves_no_date_and_adds_nothing(town: Town, table: Table) -> None:
    portal, tax = town.partner("dvcqg"), town.partner("tax")
    cut = {"kind": "timeout_after_effect", "next_calls": 1, "seconds": 0.1}
    await _repeat_naively(portal, tax, cut)

    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    ours = (await town.picture("dvcqg", dossier_id))["appointment_at"]
    later = {"kind": "clock", "seconds": 3600}
    await portal.faults(*({**cut, "calls": [call]} for call in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")), later)
    await tax.faults({**cut, "calls": ["TCT_GPC"]})
    async with town.adapter("dvcqg"), town.adapter("tax"):
        lane = await town.told("dvcqg", dossier_id)
        [slip] = await town.told("tax", dossier_id, "acknowledged")
    seen = await town.at_portal(dossier_id)
    received = (await town.picture("dvcqg", dossier_id))["accepted_at"]
    assert (seen["due_at"][:19], seen["received_at"][:19]) == (ours[:19], received[:19])
    assert len({one["text"] for one in seen["progress"]}) == len(seen["progress"]) == len(lane) == 7
    assert [one["n_tries"] for one in lane] == [3, *[1] * 6]
    assert await town.calls("tax", code, "TCT_GPC") == [True, False]
    assert (slip["n_tries"], len((await tax.dossier(code))["fields"]["slips"])) == (2, 1)
    await _late(town)
    await _counted_anew(town)
    table.add(
        8,
        naive="after time-outs the portal counts both dates anew and has the step twice; tax has two slips",
        ours="in step: header, step and slip were each cut off after their effect; both dates are ours, no line is"
        " there twice, and tax has one slip; what takes effect only after our time-out is seen: the newest header is"
        " told again, and the line that is there twice is a visible incident until a person accepts it; a portal that"
        " counts anew on every update is a visible incident after five tries",
    )


async def _repeat_naively(portal: Partner, tax: Partner, cut: dict[str, object]) -> None:
    """Repeat three calls whose answers were lost, as if nothing had come of them."""
    calls = Portal(portal)
    for service, row in (("DongBoHoSoMC", header()), ("CapNhatTienDoHoSoMC", step())):
        await portal.faults({**cut, "calls": [service]})
        with pytest.raises(Exception, match="disconnected"):
            await calls.call(service, data=[row])
        await calls.call(service, data=[row])
    await tax.faults(cut)
    with pytest.raises(Exception, match="disconnected"):
        await Tax(tax).tell(CODE, "")
    await Tax(tax).tell(CODE, "")
    seen = await portal.dossier(CODE)
    assert seen["fields"]["NgayHenTra"] != header()["NgayHenTra"]
    assert seen["fields"]["NgayTiepNhan"] != header()["NgayTiepNhan"]
    assert steps(seen) == ["4", "4"]
    assert len((await tax.dossier(CODE))["fields"]["slips"]) == 2


async def _late(town: Town) -> None:
    """Let a header and a line take effect after our time-out and after all that followed; see what becomes of it."""
    for seconds in (2.5, 6, 15):  # the longer ones for a machine that is too slow for the first
        await town.forget()
        portal = town.partner("dvcqg")
        calls = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")
        slow = {"kind": "delay", "next_calls": 1, "seconds": seconds}
        await portal.faults(*({**slow, "calls": [call]} for call in calls))
        dossier_id, _ = await town.accept()
        async with town.adapter("dvcqg", call_seconds=0.4):
            lane = await town.told("dvcqg", dossier_id)
            if await _n_delayed(town, dossier_id) == 0:
                await eventually(lambda told=dossier_id: _have_landed(town, told))
                return await _mended(town, dossier_id, len(lane))
    raise AssertionError("what was late was early")


async def _n_delayed(town: Town, dossier_id: UUID) -> int:
    """Return how many of the slow calls have taken effect."""
    log = await town.partner("dvcqg").log(dossier=str(dossier_id), limit=200)
    return len([one for one in log if "delay" in one["faults"]])


async def _have_landed(town: Town, dossier_id: UUID) -> bool:
    return await _n_delayed(town, dossier_id) == 2


async def _mended(town: Town, dossier_id: UUID, n_lines: int) -> None:
    """Wait until the newest header stands there again; the doubled line, which nobody can take away, is an incident."""

    async def there() -> Any:
        seen, found = await town.at_portal(dossier_id), await town.incidents(dossier_id)
        return found if seen["state"] == ACCEPTED and found else None

    [incident] = await eventually(there)
    assert (incident["kind"], incident["theirs"]) == ("log", {"doubled": [1]})
    assert len((await town.at_portal(dossier_id))["progress"]) == n_lines + 1
    await town.resolve(incident, "accept")
    await town.stands("dvcqg", dossier_id, "settled", n_repairs=1)
    assert await town.incidents(dossier_id) == []


async def _counted_anew(town: Town) -> None:
    """Let the portal count its dates anew on every update, too: it is told a few times, then a person is."""
    await town.forget()
    portal = town.partner("dvcqg")
    await portal.faults({"kind": "reset_dates", "next_calls": 1000}, {"kind": "clock", "seconds": 3600})
    dossier_id, _ = await town.accept()
    async with town.adapter("dvcqg"):
        stopped = await town.refused("dvcqg", dossier_id)
    [incident] = await town.incidents(dossier_id)
    assert (incident["kind"], incident["delivery_id"]) == ("refused", stopped["id"])
    assert stopped["reason_code"] == "not_there_after_yes"
    assert len(await town.calls("dvcqg", str(dossier_id), "DongBoHoSoMC")) <= 5 + stopped["no"]
