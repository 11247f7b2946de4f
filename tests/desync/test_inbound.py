"""Modes of what partners say: never a yes for what was not applied, never applied twice."""

from datetime import datetime, timedelta
from typing import Any

from tests.desync.naive import Registry, Tax
from tests.desync.table import Table
from tests.desync.town import Town
from tests.integration.sandbox.partners import CODE, PostOffice
from tests.support import eventually

NOBODY = "H99.01-000000-9999"
ROUTE = ("tax", "payment", "registration", "return")


def ended(code: str, how: int = 0) -> dict[str, Any]:
    """Return a KetThucHoSo."""
    body = {
        "SoBienNhan": code, "NgayKetThuc": "2026-11-20T02:00:00Z", "MaCanBoXuLy": "CB-1", "TrangThaiKetThuc": how,
        "GhiChu": "", "DanhSachGiayToKetQua": [],
    }  # fmt: skip
    return {"event": "KetThucHoSo", "dossier": code, "body": body}


async def test_09_what_is_not_known_is_never_a_success(town: Town, table: Table, post: PostOffice) -> None:
    registry = town.partner("vbdlis")
    receiver, applied = post.open({"Result": 1, "Message": "OK"}), {CODE: "appraisal"}
    await registry.listen(receiver)
    for body in (ended(NOBODY), ended(CODE, 7)):
        assert (await registry.client.post("/sandbox/vbdlis/callbacks", json=body)).is_success
    assert await town.callbacks("vbdlis", 2) == [True, True]
    assert applied == {CODE: "appraisal"}

    await registry.reset()
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.told("vbdlis", dossier_id)
        for body in (ended(NOBODY), ended(code, 7)):
            assert (await registry.client.post("/sandbox/vbdlis/callbacks", json=body)).is_success
        await eventually(lambda: _both_parked(town, code))
        assert not any(await town.callbacks("vbdlis", 2))
    assert (await town.legs(dossier_id))["appraisal"] == "in_progress"
    table.add(9, naive="", ours="")


async def _both_parked(town: Town, code: str) -> bool:
    return bool(await town.parked("vbdlis", NOBODY)) and bool(await town.parked("vbdlis", code))


async def test_12_another_appointment_is_a_conflict(town: Town, table: Table, post: PostOffice) -> None:
    registry = town.partner("vbdlis")
    await Registry(registry).tell(CODE, "")
    ours, log = (await registry.dossier(CODE))["due_at"], []
    receiver = post.open({"Result": 1, "Message": "OK"})
    await registry.listen(receiver)
    assert (await registry.act("propose-date", CODE, new_due_at="2027-01-20T10:00:00Z")).status_code == 200
    assert await town.callbacks("vbdlis", 1) == [True]
    log += receiver.bodies()
    assert log[0]["NgayHenTraMoi"] != ours
    assert (await registry.dossier(CODE))["due_at"] != ours

    await registry.reset()
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.told("vbdlis", dossier_id)
        ours = (await town.picture("vbdlis", dossier_id))["appointment_at"]
        theirs = (datetime.fromisoformat(ours) + timedelta(days=40)).isoformat()
        assert (await registry.act("propose-date", code, new_due_at=theirs)).status_code == 200
        assert not any(await town.callbacks("vbdlis", 2))
    [incident] = await town.incidents(dossier_id)
    assert (incident["kind"], incident["ours"]) == ("date", {"appointment_at": ours})
    assert datetime.fromisoformat(incident["theirs"]["appointment_at"]) == datetime.fromisoformat(theirs)
    assert (await town.picture("vbdlis", dossier_id))["appointment_at"] == ours
    print(incident["allowed"])
    table.add(
        12,
        naive="VBDLIS hears yes, the new date is a line in a log: two due dates",
        ours="a visible incident with both dates; VBDLIS hears no until they agree, our date is not overwritten",
    )


async def test_13_a_repeated_result_moves_nothing(town: Town, table: Table, post: PostOffice) -> None:
    tax = town.partner("tax")
    twice = {"kind": "duplicate_callback", "next_calls": 1}
    receiver = post.open({"ERROR_CODE": "0"})
    await Tax(tax).tell(CODE, "")
    await tax.listen(receiver)
    await tax.faults(twice)
    assert (await tax.act("determine", CODE)).status_code == 200
    await receiver.reached(2)
    assert ROUTE[len(receiver.got)] == "registration"

    await tax.reset()
    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    await tax.faults(twice)
    async with town.adapter("tax"):
        await town.told("tax", dossier_id, "acknowledged")
        assert (await tax.act("determine", code)).status_code == 200
        assert await town.callbacks("tax", 2) == [True, True]
    legs = await town.legs(dossier_id)
    assert (legs["tax"], legs["payment"], "registration" in legs) == ("completed", "offered", False)
    assert [one["kind"] for one in await town.heard("tax", code)] == ["leg_completed"]
    [slip] = await town.lane("tax", dossier_id)
    assert (slip["state"], slip["result"]["result_code"]) == ("done", "00")
    notices = "SELECT 1 FROM event WHERE dossier_id = :id AND type LIKE '%TaxNoticeIssued%'"
    assert len(await town.rows(notices, id=dossier_id)) == 2
    table.add(
        13,
        naive="the same determination twice: the dossier passes over the payment to registration",
        ours="in step: heard twice, applied once; two notices, the payment is open, the slip has its result",
    )
