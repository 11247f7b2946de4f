"""Callbacks through a real adapter: a system hears yes only for what our API settled."""

import json
from typing import Any

import httpx
import pytest

from deploy.sandbox.outside.signing import sign
from services.workflow.adapters.callbacks import LARGEST_BODY
from tests.integration.adapters.town import SECRET, Town
from tests.support import eventually

NO, YES = {"Result": 0, "Message": "Chưa nhận được"}, {"Result": 1, "Message": "Đã nhận"}
MOVE = {
    "MaCanBoChuyen": "CB-1", "MaCanBoNhan": "CB-2", "MaTrangThai": "THAMDINH", "LaTrangThaiChuyenLai": False,
    "NoiDungXuLy": "Chuyển bước", "NgayChuyen": "2026-11-20T02:00:00Z", "HanXuLy": None, "DanhSachTapTin": [],
}  # fmt: skip


async def post(town: Town, url: str, event: str, body: Any, **headers: str) -> httpx.Response:
    """Send a callback as a system would, signed unless *headers* say otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await town.client.post(f"{url}/callbacks/{event}", content=raw, headers=headers or sign(SECRET, raw))


async def test_what_clerks_do_becomes_messages_and_the_system_hears_yes(town: Town) -> None:
    dossier_id, code = await town.for_bhxh()
    async with town.adapter("bhxh"):
        await town.settled("bhxh", dossier_id)
        for action in ("next-step", "finish"):
            assert (await town.bhxh.act(action, code)).status_code == 200
        await accepted(town, 2)
    assert town.post.kinds() == ["leg_acknowledged", "progressed", "leg_acknowledged", "progressed", "leg_completed"]
    end = list(town.post.got.values())[-1]
    assert (end["dossier_code"], end["data"]["outcome"]) == (code, "issued")
    assert end["data"]["document_no"].startswith("QD-")


async def accepted(town: Town, n: int) -> None:
    """Wait until the sandbox has heard yes to *n* callbacks."""

    async def there() -> bool:
        found = [one for name in ("bhxh", "vbdlis") for one in await getattr(town, name).log(limit=200)]
        return len([one for one in found if one["direction"] == "callback" and one["took_effect"]]) >= n

    await eventually(there)


async def test_a_callback_that_comes_twice_is_one_message(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.vbdlis.faults({"kind": "duplicate_callback", "next_calls": 1})
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("next-step", code)).status_code == 200
        await accepted(town, 2)
    assert town.post.n_asked == 4
    assert sorted(town.post.kinds()) == ["leg_acknowledged", "progressed"]


@pytest.mark.parametrize("status", ["parked", "conflict"])
async def test_what_is_not_settled_is_a_no_until_it_is(town: Town, status: str) -> None:
    dossier_id, code = await town.accept()
    town.post.status["progressed"] = status
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("next-step", code)).status_code == 200

        async def refused() -> bool:
            found = [one for one in await town.vbdlis.log(limit=200) if one["direction"] == "callback"]
            return len(found) >= 2 and not any(one["took_effect"] for one in found)

        await eventually(refused)
        town.post.status["progressed"] = "moot"
        await accepted(town, 1)
    assert sorted(town.post.kinds()) == ["leg_acknowledged", "progressed"]


async def test_what_is_not_signed_or_too_large_is_refused_before_it_is_read(town: Town) -> None:
    _, code = await town.accept()
    raw = json.dumps({"SoBienNhan": code, **MOVE}).encode()
    signed = sign(SECRET, raw)
    async with town.adapter("vbdlis") as url:
        for headers in (
            {"x-nothing": ""},
            sign("khoa-cua-nguoi-khac", raw),
            sign(SECRET, raw + b" "),
            {**signed, "x-sandbox-timestamp": "1"},
            {**signed, "x-sandbox-timestamp": "²"},
            {**signed, "x-sandbox-signature": "sha256=é"},
        ):
            encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            found = await town.client.post(f"{url}/callbacks/ChuyenHoSo", content=raw, headers=encoded)
            assert (found.status_code, found.json()) == (401, NO), headers
        large = b'{"SoBienNhan": "' + b"x" * LARGEST_BODY + b'"}'
        found = await post(town, url, "ChuyenHoSo", large)
        assert (found.status_code, found.json()) == (413, NO)
        assert (await post(town, url, "ChuyenHoSo", raw)).json() == YES
    assert len(town.post.got) == 2


async def test_what_is_not_understood_or_not_known_is_a_no(town: Town) -> None:
    _, code = await town.accept()
    known = {"SoBienNhan": code, **MOVE}
    async with town.adapter("vbdlis") as url:
        for event, body in (
            ("KhongCo", known),
            ("ChuyenHoSo", {**known, "NgayChuyen": "20.11.2026"}),
            ("ChuyenHoSo", {**known, "NgayChuyen": "2026-11-20T02:00:00"}),
            ("ChuyenHoSo", {**known, "SoBienNhan": "  "}),
            ("ChuyenHoSo", {**known, "SoBienNhan": "H99.01-000000-9999"}),
            ("GuiKetQuaThue", known),
            ("ChuyenHoSo", b"[1]"),
            ("ChuyenHoSo", b'{"SoBienNhan": NaN}'),
            ("ChuyenHoSo", b'{"SoBienNhan": "\\ud800"}'),
            ("ChuyenHoSo", b"\xff"),
            ("ChuyenHoSo", b"[" * 100_000),
        ):
            found = await post(town, url, event, body)
            assert (found.status_code, found.json()) == (200, NO), (event, body)
        town.post.is_away = True
        assert (await post(town, url, "ChuyenHoSo", known)).json() == NO
        town.post.is_away = False
        assert (await post(town, url, "ChuyenHoSo", known)).json() == YES
        metrics = (await town.client.get(f"{url}/metrics")).text
    assert 'lienthong_adapter_callbacks_total{system="vbdlis",verdict="away"} 1.0' in metrics
    assert {one["dossier_code"] for one in town.post.got.values()} == {code}


async def test_all_nine_callbacks_of_vbdlis_are_understood_as_the_sandbox_sends_them(town: Town) -> None:
    dossier_id, code = await town.accept()
    notice = {"HoTenChu": "Nguyễn Văn Thử", "LoaiThue": "Lệ phí trước bạ", "SoThongBaoThue": "TB-1"}
    actions: list[tuple[str, dict[str, Any]]] = [
        ("received-for-one-stop", {}), ("next-step", {}), ("next-step", {}), ("tax-notices", {"notices": [notice]}),
        ("tax-returned", {}), ("ask-update", {}), ("wrong-procedure", {}), ("request-supplement", {}),
        ("propose-date", {"new_due_at": "2026-12-20T10:00:00Z"}), ("finish", {}),
    ]  # fmt: skip
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        for action, body in actions:
            done = await town.vbdlis.act(action, code, **body)
            assert done.status_code == 200, done.text
        await accepted(town, len(actions))
    others = [kind for kind in town.post.kinds() if kind not in {"leg_acknowledged", "progressed"}]
    assert others == [
        "leg_completed", "supplement_proposed", "leg_returned", "supplement_proposed", "date_proposed", "leg_completed",
    ]  # fmt: skip
    assert "Nguyễn Văn Thử" not in json.dumps(list(town.post.got.values()), ensure_ascii=False)
