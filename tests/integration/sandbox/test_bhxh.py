"""Social insurance in the sandbox, by the contract we assume."""

import re
from typing import Any

import pytest

from tests.integration.sandbox.partners import CODE, Partner, PostOffice, Receiver, creation

YES = {"MaLoi": 0, "MoTa": "OK"}


@pytest.fixture
async def receiver(bhxh: Partner, post: PostOffice) -> Receiver:
    opened = post.open(YES)
    await bhxh.listen(opened)
    return opened


async def read_back(bhxh: Partner, **params: str) -> Any:
    return (await bhxh.client.get("/bhxh/TraCuuHoSo", params=params)).json()


async def test_a_dossier_gets_a_number_of_the_known_form_and_a_repeat_the_same(bhxh: Partner) -> None:
    first = await bhxh.call("TiepNhanHoSo", creation())
    assert first["MaLoi"] == 0
    assert re.fullmatch(r"\d{5}/\d{4}/\d{5}", first["SoHoSo"])
    again = await bhxh.call("TiepNhanHoSo", creation())
    assert (again["MaLoi"], again["SoHoSo"]) == (1, first["SoHoSo"])
    other = await bhxh.call("TiepNhanHoSo", creation("H99.01-261119-0002"))
    assert int(other["SoHoSo"][-5:]) == int(first["SoHoSo"][-5:]) + 1


@pytest.mark.parametrize("missing", ["MaHoSoMotCua", "MaThuTuc", "NguoiNop", "NgayTiepNhan", "NgayHenTra"])
async def test_a_required_field_that_is_missing_is_named(bhxh: Partner, missing: str) -> None:
    body = creation()
    del body[missing]
    answer = await bhxh.call("TiepNhanHoSo", body)
    assert answer["MaLoi"] == -1
    assert missing in answer["MoTa"]
    assert await bhxh.codes() == []


async def test_a_dossier_is_read_back_by_either_number(bhxh: Partner) -> None:
    number = (await bhxh.call("TiepNhanHoSo", creation()))["SoHoSo"]
    await bhxh.act("next-step", note="Đang đối chiếu")
    by_code, by_number = await read_back(bhxh, MaHoSoMotCua=CODE), await read_back(bhxh, SoHoSo=number)
    assert by_code == by_number
    found = by_code["HoSo"]
    assert (found["SoHoSo"], found["TrangThai"], found["NgayHenTra"]) == (number, "checking", "2026-12-01T10:00:00Z")
    assert [one["NoiDung"] for one in found["TienDo"]] == [f"Tiếp nhận, số hồ sơ {number}", "Đang đối chiếu"]
    assert "Không tìm thấy" in (await read_back(bhxh, MaHoSoMotCua="X"))["MoTa"]
    assert "Không tìm thấy" in (await read_back(bhxh, SoHoSo="99001/2026/99999"))["MoTa"]
    for wrong in ({}, {"SoHoSo": "1/2/3"}, {"SoHoSo": number, "MaHoSoMotCua": CODE}):
        assert (await read_back(bhxh, **wrong))["MaLoi"] == -1


async def test_each_deed_of_a_clerk_calls_back(bhxh: Partner, receiver: Receiver) -> None:
    number = (await bhxh.call("TiepNhanHoSo", creation()))["SoHoSo"]
    await bhxh.act("next-step")
    await bhxh.act("propose-date", new_due_at="2026-12-05T17:00:00+07:00", note="Cần xác minh")
    await bhxh.act("request-supplement", note="Thiếu tờ khai")
    body = {"MaHoSoMotCua": CODE, "NgayBoSung": "2026-11-24T01:00:00Z"}
    assert (await bhxh.call("BoSungHoSo", body))["MaLoi"] == 0
    assert "không chờ bổ sung" in (await bhxh.call("BoSungHoSo", body))["MoTa"]
    await bhxh.act("finish")
    await receiver.reached(4)
    assert receiver.events() == ["TienDo", "HenTra", "YeuCauBoSung", "KetThuc"]
    assert {(one["MaHoSoMotCua"], one["SoHoSo"]) for one in receiver.bodies()} == {(CODE, number)}
    moved, _, ended = receiver.bodies()[1:]
    assert (moved["NgayHenTraMoi"], moved["LyDo"]) == ("2026-12-05T10:00:00.000Z", "Cần xác minh")
    assert (ended["KetQua"], ended["SoQuyetDinh"][:3]) == (0, "QD-")
    assert (await bhxh.dossier())["due_at"] == "2026-12-05T10:00:00.000Z"


async def test_a_refusal_ends_it_without_a_decision_and_it_stays_ended(bhxh: Partner, receiver: Receiver) -> None:
    await bhxh.call("TiepNhanHoSo", creation())
    assert (await bhxh.act("finish", outcome=1, note="Không đủ điều kiện")).json()["state"] == "refused"
    await receiver.reached(1)
    ended = receiver.bodies()[0]
    assert (ended["KetQua"], ended["SoQuyetDinh"], ended["GhiChu"]) == (1, None, "Không đủ điều kiện")
    for action in ("next-step", "request-supplement", "finish"):
        assert (await bhxh.act(action)).status_code == 409


async def test_the_autopilot_finishes_a_dossier(bhxh: Partner, receiver: Receiver) -> None:
    await bhxh.put("autopilot", {"on": True, "delay_seconds": 0})
    await bhxh.call("TiepNhanHoSo", creation())
    await bhxh.reaches("finished")
    await receiver.reached(3)
    assert receiver.events() == ["TienDo", "TienDo", "KetThuc"]
