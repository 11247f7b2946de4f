"""VBDLIS in the sandbox: its four calls, its nine callbacks, its clerks and its quirks."""

import base64
import hashlib
from typing import Any

import pytest

from tests.integration.sandbox.partners import CODE, Partner, PostOffice, Receiver, reception

YES = {"Result": 1, "Message": "OK"}


@pytest.fixture
async def receiver(vbdlis: Partner, post: PostOffice) -> Receiver:
    opened = post.open(YES)
    await vbdlis.listen(opened)
    return opened


def message(answer: dict[str, Any]) -> str:
    return str(answer["status"]["message"])


async def test_a_dossier_is_received_with_the_fields_of_the_contract(vbdlis: Partner) -> None:
    answer = await vbdlis.call("tiepnhan", reception())
    assert answer["data"] == 1
    assert set(answer["status"]) == {"success", "code", "type", "time", "message"}
    assert (answer["status"]["success"], answer["status"]["code"]) == (True, 200)
    assert answer["status"]["time"].endswith("Z")
    found = await vbdlis.dossier()
    assert (found["state"], found["due_at"]) == ("received", "2026-12-01T10:00:00.000Z")
    assert found["fields"]["ThongTinNguoiNopDon"]["HoTen"] == "Nguyễn Văn Thử"


async def test_a_repeat_is_told_that_the_dossier_exists_and_changes_nothing(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    before = await vbdlis.dossier()
    other = reception(NguoiTiepNhan="Người khác")
    answer = await vbdlis.call("tiepnhan", other)
    assert (answer["data"], answer["status"]["success"]) == (0, False)
    assert "đã tồn tại" in message(answer)
    assert await vbdlis.dossier() == before
    assert [row["took_effect"] for row in await vbdlis.log()] == [True, False]


@pytest.mark.parametrize(
    "missing", ["SoBienNhan", "NguoiTiepNhan", "NgayTiepNhan", "NgayHenTra", "ThongTinNguoiNopDon", "ThongTinQuyTrinh"]
)
async def test_a_required_field_that_is_missing_is_named(vbdlis: Partner, missing: str) -> None:
    body = reception()
    del body[missing]
    answer = await vbdlis.call("tiepnhan", body)
    assert answer["data"] == 0
    assert missing in message(answer)
    assert await vbdlis.codes() == []


@pytest.mark.parametrize(
    "wrong", [{"NgayHenTra": "20261201"}, {"NgayHenTra": "2026-12-01T10:00:00"}, {"NgayHen": "x"}, {"NgayTiepNhan": 5}]
)
async def test_a_date_without_offset_or_an_unknown_field_is_refused(vbdlis: Partner, wrong: dict[str, Any]) -> None:
    answer = await vbdlis.call("tiepnhan", reception(**wrong))
    assert answer["data"] == 0
    assert next(iter(wrong)) in message(answer)


async def test_what_is_no_json_object_is_refused_in_its_own_words(vbdlis: Partner) -> None:
    for body in (b"x", b"[]", b'{"a":NaN}', b"[" * 100_000):
        answer = await vbdlis.call("tiepnhan", body)
        assert (answer["data"], answer["status"]["success"]) == (0, False)
    assert (await vbdlis.post("doc", {})).status_code == 404


async def test_of_a_file_only_its_size_and_hash_are_kept(vbdlis: Partner) -> None:
    content = b"bytes of an invented scan"
    paper = {"TenGiayTo": "Hợp đồng", "TapTin": {"name": "a.pdf", "data": base64.b64encode(content).decode()}}
    await vbdlis.call("tiepnhan", reception(DanhSachGiayToDinhKem=[paper]))
    kept = (await vbdlis.dossier())["fields"]["DanhSachGiayToDinhKem"][0]["TapTin"]
    assert kept == {"name": "a.pdf", "n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


async def test_a_supplement_is_taken_only_while_waiting_for_it(vbdlis: Partner) -> None:
    body = {"SoBienNhan": CODE, "NgayHenTraMoi": "2026-12-08T10:00:00Z", "GhiChu": "Đủ"}
    assert "Không tìm thấy" in message(await vbdlis.call("capnhattrangthaibosunghoso", body))
    await vbdlis.call("tiepnhan", reception())
    assert "không chờ bổ sung" in message(await vbdlis.call("capnhattrangthaibosunghoso", body))
    await vbdlis.act("request-supplement")
    assert (await vbdlis.call("capnhattrangthaibosunghoso", body))["data"] == 1
    found = await vbdlis.dossier()
    assert (found["state"], found["due_at"]) == ("supplement_received", "2026-12-08T10:00:00.000Z")
    assert "không chờ bổ sung" in message(await vbdlis.call("capnhattrangthaibosunghoso", body))


async def test_a_result_is_handed_out_once_and_only_after_the_end(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    body = {"SoBienNhan": CODE, "NgayTra": "2026-11-30T03:00:00Z"}
    assert "chưa kết thúc" in message(await vbdlis.call("capnhattrangthaitraketquahoso", body))
    await vbdlis.act("finish")
    assert (await vbdlis.call("capnhattrangthaitraketquahoso", body))["data"] == 1
    assert "đã được trả" in message(await vbdlis.call("capnhattrangthaitraketquahoso", body))
    assert (await vbdlis.dossier())["state"] == "returned"


async def test_a_wrong_result_takes_a_finished_dossier_back(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    body = {"SoBienNhan": CODE, "NoiDung": "Sai diện tích", "DanhSachGiayToDinhKem": []}
    assert "chưa có kết quả" in message(await vbdlis.call("phanhoihososaiketqua", body))
    await vbdlis.act("finish")
    assert (await vbdlis.call("phanhoihososaiketqua", body))["data"] == 1
    found = await vbdlis.dossier()
    assert found["state"] == "appraisal"
    assert "Sai diện tích" in found["progress"][-1]["text"]


async def test_no_call_reads_a_dossier_back(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    for path in ("/vbdlis", f"/vbdlis/{CODE}", "/vbdlis/tiepnhan"):
        assert (await vbdlis.client.get(path)).status_code in {404, 405}
    paths = (await vbdlis.client.get("/openapi.json")).json()["paths"]
    assert {path: list(paths[path]) for path in paths if path.startswith("/vbdlis")} == {"/vbdlis/{call}": ["post"]}


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "next-step": (
        "ChuyenHoSo",
        {"note": "Đủ điều kiện"},
        {"MaTrangThai": "THAMDINH", "LaTrangThaiChuyenLai": False, "NoiDungXuLy": "Đủ điều kiện"},
        {"MaCanBoChuyen", "MaCanBoNhan", "NgayChuyen", "HanXuLy", "DanhSachTapTin"},
    ),
    "request-supplement": (
        "YeuCauBoSungHoSo",
        {"note": "Thiếu hợp đồng"},
        {"LaTamDung": True, "GhiChu": "Thiếu hợp đồng"},
        {"NgayChoBoSung", "MaCanBoXuLy", "TapTin"},
    ),
    "propose-date": (
        "NhanBoSungHoSo",
        {"new_due_at": "2026-12-09T17:00:00+07:00"},
        {"NgayHenTraMoi": "2026-12-09T10:00:00.000Z"},
        {"NgayNhanBoSung", "GhiChu"},
    ),
    "tax-notices": (
        "GuiKetQuaThue",
        {"notices": [{"HoTenChu": "Nguyễn Văn Thử", "LoaiThue": "TNCN", "SoThongBaoThue": "1"}]},
        {
            "DanhSachThongBaoThue": [
                {"HoTenChu": "Nguyễn Văn Thử", "LoaiThue": "TNCN", "SoThongBaoThue": "1", "DuongDanThongBaoThue": None}
            ]
        },
        {"NguoiXuLy", "NgayCoKetQuaThue"},
    ),
    "finish": (
        "KetThucHoSo",
        {"outcome": 2, "note": "Trả lại"},
        {"TrangThaiKetThuc": 2, "GhiChu": "Trả lại", "DanhSachGiayToKetQua": []},
        {"NgayKetThuc", "MaCanBoXuLy"},
    ),
    "ask-update": ("YeuCauCapNhatHoSo", {"note": "a"}, {"GhiChu": "a"}, {"MaCanBoXuLy"}),
    "received-for-one-stop": ("TiepNhanHoSoChoMotCua", {"note": "b"}, {"GhiChu": "b"}, {"MaCanBoXuLy"}),
    "wrong-procedure": ("ThongBaoNhapSaiThuTuc", {"note": "c"}, {"GhiChu": "c"}, {"MaCanBoXuLy"}),
    "tax-returned": ("ThueChuyenTraHoSoDoSai", {"note": "d"}, {"GhiChu": "d"}, {"MaCanBoXuLy"}),
}


@pytest.mark.parametrize("action", CASES)
async def test_each_deed_of_a_clerk_calls_back_with_the_fields_of_the_contract(
    vbdlis: Partner, receiver: Receiver, action: str
) -> None:
    event, given, expected, others = CASES[action]
    await vbdlis.call("tiepnhan", reception())
    assert (await vbdlis.act(action, **given)).status_code == 200
    await receiver.reached(1)
    assert receiver.events() == [event]
    body = receiver.bodies()[0]
    assert set(body) == {"SoBienNhan"} | set(expected) | others
    assert {key: body[key] for key in expected} == expected
    assert body["SoBienNhan"] == CODE


def test_the_cases_are_all_its_actions_and_all_its_callbacks() -> None:
    from deploy.sandbox.vbdlis import Vbdlis
    from deploy.sandbox.vbdlis.clerks import ACTIONS

    assert set(CASES) == set(ACTIONS)
    assert {case[0] for case in CASES.values()} == set(Vbdlis.callback_names)


async def test_a_proposed_date_moves_the_date_that_vbdlis_shows(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.act("propose-date", new_due_at="2026-12-09T17:00:00+07:00")
    assert (await vbdlis.dossier())["due_at"] == "2026-12-09T10:00:00.000Z"


async def test_a_dossier_can_be_passed_back_and_not_before_the_first_step(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.call("tiepnhan", reception())
    assert (await vbdlis.act("next-step", back=True)).status_code == 409
    await vbdlis.act("next-step")
    assert (await vbdlis.act("next-step", back=True)).json()["state"] == "received"
    await receiver.reached(2)
    assert [body["LaTrangThaiChuyenLai"] for body in receiver.bodies()] == [False, True]


@pytest.mark.parametrize("action", ["next-step", "request-supplement", "propose-date", "finish"])
async def test_a_finished_dossier_stays_finished(vbdlis: Partner, action: str) -> None:
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.act("finish")
    answer = await vbdlis.act(action)
    assert answer.status_code == 409
    assert "finished" in answer.json()["detail"]
    assert len((await vbdlis.ask("/callbacks"))["items"]) == 1


async def test_the_autopilot_takes_a_dossier_to_its_end_and_tells_each_step(
    vbdlis: Partner, receiver: Receiver
) -> None:
    await vbdlis.put("autopilot", {"on": True, "delay_seconds": 0})
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.reaches("finished")
    await receiver.reached(5)
    assert receiver.events() == ["ChuyenHoSo"] * 4 + ["KetThucHoSo"]
    steps = [body.get("MaTrangThai") for body in receiver.bodies()]
    assert steps == ["THAMDINH", "CHUYENTHUE", "SOANTHAO", "TRINHKY", None]
    assert receiver.bodies()[-1]["TrangThaiKetThuc"] == 0


async def test_the_autopilot_confirms_a_supplement_and_stops_where_it_is_told(
    vbdlis: Partner, receiver: Receiver
) -> None:
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.act("request-supplement")
    await vbdlis.put("autopilot", {"on": True, "delay_seconds": 0, "hold_at": ["tax_slip"]})
    body = {"SoBienNhan": CODE, "NgayHenTraMoi": "2026-12-08T10:00:00Z"}
    assert (await vbdlis.call("capnhattrangthaibosunghoso", body))["data"] == 1
    await vbdlis.reaches("tax_slip")
    await receiver.reached(3)
    assert receiver.events() == ["YeuCauBoSungHoSo", "NhanBoSungHoSo", "ChuyenHoSo"]
    assert receiver.bodies()[1]["NgayHenTraMoi"] == "2026-12-08T10:00:00Z"
    await vbdlis.act("next-step")
    await vbdlis.reaches("finished")
