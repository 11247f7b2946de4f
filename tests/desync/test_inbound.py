"""Modes of what partners say: never a yes for what was not applied, never applied twice."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.desync.naive import Desk, Registry, Tax
from tests.desync.table import Table
from tests.desync.town import Town
from tests.integration.sandbox.partners import CODE, Partner, PostOffice, Receiver
from tests.support import eventually

NOBODY = "H99.01-000000-9999"
TWICE = {"kind": "duplicate_callback", "next_calls": 1}


def ended(code: str) -> dict[str, Any]:
    """Return VBDLIS's end of a dossier with a result."""
    body = {
        "SoBienNhan": code, "NgayKetThuc": "2026-11-20T02:00:00Z", "MaCanBoXuLy": "CB-1", "TrangThaiKetThuc": 0,
        "GhiChu": "", "DanhSachGiayToKetQua": [],
    }  # fmt: skip
    return {"event": "KetThucHoSo", "dossier": code, "body": body}


def moved(code: str) -> dict[str, Any]:
    """Return VBDLIS's move of a dossier to a step that nobody has heard of."""
    body = {
        "SoBienNhan": code, "MaCanBoChuyen": "CB-1", "MaCanBoNhan": "CB-2", "MaTrangThai": "KHONGAIBIET",
        "LaTrangThaiChuyenLai": False, "NoiDungXuLy": "", "NgayChuyen": "2026-11-20T01:00:00Z", "HanXuLy": None,
        "DanhSachTapTin": [],
    }  # fmt: skip
    return {"event": "ChuyenHoSo", "dossier": code, "body": body}


def concluded(code: str, seq_id: str) -> dict[str, Any]:
    """Return a result of tax with a code that nobody has heard of."""
    body = {
        "MSG_TYPE": "11", "SEQ_ID": "TCT-99", "SEQ_REFID": seq_id, "MA_KETQUA": "99", "DIEN_GIAI": "",
        "BODY": {"MA_HS": code, "LIST": []},
    }  # fmt: skip
    return {"event": "TCT_GPC", "dossier": code, "body": body}


async def send(partner: Partner, *callbacks: dict[str, Any]) -> None:
    """Let a system call back."""
    for body in callbacks:
        assert (await partner.client.post(f"/sandbox/{partner.name}/callbacks", json=body)).is_success


async def test_09_what_is_not_known_is_never_a_success(town: Town, table: Table, post: PostOffice) -> None:
    registry = town.partner("vbdlis")
    receiver, desk = post.open({"Result": 1, "Message": "OK"}), Desk({CODE: "registration"})
    await registry.listen(receiver)
    await send(registry, ended(NOBODY), moved(CODE))
    assert await town.callbacks("vbdlis", 2) == [True, True]
    hear(desk, receiver)
    assert (desk.legs, desk.log) == ({CODE: "registration"}, [])

    await registry.reset()
    dossier_id, code = await town.accept()
    _, other_code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.told("vbdlis", dossier_id)
        await send(registry, moved(other_code), ended(code), ended(NOBODY))
        await eventually(lambda: _all_heard(town, {NOBODY, code, other_code}))
    assert await town.parked("vbdlis", NOBODY) == ["unknown_dossier"]
    assert await town.parked("vbdlis", code) == ["unmapped_outcome"]
    yes = {(one["dossier"], one["call"]) for one in await registry.log(limit=200) if one["took_effect"]}
    assert not yes & {(NOBODY, "KetThucHoSo"), (code, "KetThucHoSo")}
    assert (await town.legs(dossier_id))["appraisal"] == "offered"
    assert (other_code, "ChuyenHoSo") in yes
    assert await _parked_at_tax(town) == ["unmapped_outcome"]
    table.add(
        9,
        naive="VBDLIS hears yes for an end of a dossier nobody knows and for a step nobody knows; nothing is kept",
        ours="parked and shown, and answered no until it can be applied: an unknown dossier, an end that the open leg"
        " does not have, a result of tax that is in no table; a step inside VBDLIS is kept and moves nothing",
    )


async def _all_heard(town: Town, codes: set[str]) -> bool:
    """Say whether a callback about each of these dossiers was answered, and what is not applied is seen."""
    log = await town.partner("vbdlis").log(limit=200)
    answered = {one["dossier"] for one in log if one["direction"] == "callback"}
    parked = [await town.parked("vbdlis", code) for code in codes]
    return codes <= answered and len([one for one in parked if one]) >= 2


def hear(desk: Desk, receiver: Receiver) -> None:
    """Let a naive desk hear what a receiver got."""
    for event, body in zip(receiver.events(), receiver.bodies(), strict=True):
        desk.hear(event, body)


async def _parked_at_tax(town: Town) -> list[str]:
    """Send a result that is in no table; return why it is parked. It is never a yes, and moves nothing."""
    tax = town.partner("tax")
    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    async with town.adapter("tax"):
        await town.told("tax", dossier_id, "acknowledged")
        [slip] = (await tax.dossier(code))["fields"]["slips"]
        await send(tax, concluded(code, slip["SEQ_ID"]))
        assert not any(await town.callbacks("tax", 2))
    assert (await town.legs(dossier_id))["tax"] == "offered"
    return await town.parked("tax", code)


async def _log_another_date(registry: Partner, receiver: Receiver) -> None:
    """Write a date that VBDLIS moved into a log, and answer yes."""
    await Registry(registry).tell(CODE, "")
    ours, desk = (await registry.dossier(CODE))["due_at"], Desk({CODE: "appraisal"})
    await registry.listen(receiver)
    assert (await registry.act("propose-date", CODE, new_due_at="2027-01-20T10:00:00Z")).status_code == 200
    await receiver.reached(1)
    hear(desk, receiver)
    assert (desk.legs, len(desk.log)) == ({CODE: "appraisal"}, 1)
    assert (await registry.dossier(CODE))["due_at"] != ours


async def test_12_another_appointment_is_a_conflict(town: Town, table: Table, post: PostOffice) -> None:
    registry = town.partner("vbdlis")
    await _log_another_date(registry, post.open({"Result": 1, "Message": "OK"}))

    await registry.reset()
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.told("vbdlis", dossier_id)
        ours = (await town.picture("vbdlis", dossier_id))["appointment_at"]
        theirs = (datetime.fromisoformat(ours) + timedelta(days=40)).isoformat()
        for n in (1, 2):  # dismissed by a person and said again, it is seen again
            assert (await registry.act("propose-date", code, new_due_at=theirs)).status_code == 200
            assert await town.callbacks("vbdlis", n) == [True] * n
            [incident] = await town.incidents(dossier_id)
            assert (incident["kind"], incident["ours"]) == ("date", {"appointment_at": ours})
            assert datetime.fromisoformat(incident["theirs"]["appointment_at"]) == datetime.fromisoformat(theirs)
            await town.dismiss(incident)
    assert (await town.picture("vbdlis", dossier_id))["appointment_at"] == ours
    table.add(
        12,
        naive="VBDLIS hears yes, the new date is a line in a log: two due dates",
        ours="a visible incident with both dates, and our date is not overwritten; VBDLIS hears yes, since the rest is"
        " a person's matter; said again after it was dismissed, it is seen again",
    )


async def _hear_twice(tax: Partner, receiver: Receiver) -> None:
    """Apply a determination as often as it comes."""
    desk = Desk({CODE: "tax"})
    await Tax(tax).tell(CODE, "")
    await tax.listen(receiver)
    await tax.faults(TWICE)
    assert (await tax.act("determine", CODE)).status_code == 200
    await receiver.reached(2)
    hear(desk, receiver)
    assert desk.legs == {CODE: "registration"}


async def test_13_a_repeated_result_moves_nothing(town: Town, table: Table, post: PostOffice) -> None:
    tax = town.partner("tax")
    await _hear_twice(tax, post.open({"ERROR_CODE": "0"}))

    await tax.reset()
    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    await tax.faults(TWICE)
    async with town.adapter("tax"):
        await town.told("tax", dossier_id, "acknowledged")
        assert (await tax.act("determine", code)).status_code == 200
        assert await town.callbacks("tax", 2) == [True, True]
        await _applied_once(town, dossier_id, code)
    table.add(
        13,
        naive="the same determination twice: the dossier passes over the payment to registration",
        ours="in step: heard twice, applied once, both times answered yes; two notices, the payment is open, the slip"
        " has its result",
    )


async def _applied_once(town: Town, dossier_id: UUID, code: str) -> None:
    legs = await town.legs(dossier_id)
    assert (legs["tax"], legs["payment"], "registration" in legs) == ("completed", "offered", False)
    assert [one["kind"] for one in await town.heard("tax", code)] == ["leg_completed"]
    slip = await town.settled("tax", dossier_id)
    assert slip["result"]["result_code"] == "00"
    notices = "SELECT 1 FROM event WHERE dossier_id = :id AND type LIKE '%TaxNoticeIssued%'"
    assert len(await town.rows(notices, id=dossier_id)) == 2


async def test_a_result_that_was_brought_by_half_is_brought_by_the_repeat(town: Town) -> None:
    tax = town.partner("tax")
    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    async with town.adapter("tax"):
        await town.told("tax", dossier_id, "acknowledged")
        async with town.no_commit("UPDATE", "NEW.system = 'tax' AND NEW.state = 'done'"):
            assert (await tax.act("determine", code)).status_code == 200
            assert not any(await town.callbacks("tax", 1))
        await town.settled("tax", dossier_id)
        await _applied_once(town, dossier_id, code)
