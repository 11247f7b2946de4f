"""Callbacks through a real adapter: a system hears yes only for what our API settled."""

import json
from typing import Any

import httpx

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
    heard = await town.heard("bhxh", code)
    assert kinds(heard) == ["progressed", "leg_acknowledged", "progressed", "leg_completed"]
    assert {one["status"] for one in heard} == {"applied"}
    assert heard[-1]["data"]["document_no"].startswith("QD-")
    assert (await town.legs(dossier_id))["health-card"] == "completed"


def kinds(heard: list[dict[str, Any]]) -> list[str]:
    """Return the kinds of messages."""
    return [one["kind"] for one in heard]


async def accepted(town: Town, n: int) -> None:
    """Wait until the sandbox has heard yes to *n* callbacks."""

    async def there() -> bool:
        found = [one for name in ("bhxh", "vbdlis") for one in await getattr(town, name).log(limit=200)]
        return len([one for one in found if one["direction"] == "callback" and one["took_effect"]]) >= n

    await eventually(there)


async def test_a_callback_that_its_sender_believes_was_heard_is_read_and_if_it_comes_after_all_it_is_the_same_message(
    town: Town,
) -> None:
    dossier_id, code = await town.for_bhxh()
    async with town.adapter("bhxh", looks_at_once=4):
        await town.settled("bhxh", dossier_id)
        for event, action, kind in (
            ("YeuCauBoSung", "request-supplement", "supplement_proposed"), ("KetThuc", "finish", "leg_completed"),
        ):  # fmt: skip
            await town.bhxh.faults({"kind": "silent_loss", "next_calls": 1, "calls": [event]})
            assert (await town.bhxh.act(action, code)).status_code == 200
            await town.look_now("bhxh", dossier_id)

            async def read(kind: str = kind) -> bool:
                return kind in kinds(await town.heard("bhxh", code))

            await eventually(read)
        before = await town.heard("bhxh", code)
        lost = [one for one in (await town.bhxh.ask("/callbacks"))["items"] if one["state"] == "lost"]
        for one in lost:
            said = {"event": one["event"], "dossier": code, "body": one["body"]}
            await town.client.post("/sandbox/bhxh/callbacks", json=said)
        await accepted(town, 2)
    assert kinds(before) == ["supplement_proposed", "progressed", "leg_completed"]
    assert {one["status"] for one in before} == {"applied"}
    assert before[-1]["data"]["document_no"].startswith("QD-")
    assert await town.heard("bhxh", code) == before
    assert (await town.legs(dossier_id))["health-card"] == "completed"


async def test_a_callback_that_comes_twice_is_one_message(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.vbdlis.faults({"kind": "duplicate_callback", "next_calls": 1})
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("next-step", code)).status_code == 200
        await accepted(town, 2)
    assert town.door.n_messages == 4
    assert kinds(await town.heard("vbdlis", code)) == ["progressed", "leg_acknowledged"]


async def test_what_is_parked_is_a_no_until_it_can_be_applied(town: Town) -> None:
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("finish", code)).status_code == 200
        await refused(town, 2)
        assert [one["status"] for one in await town.heard("vbdlis", code)] == ["applied", "parked"]
        await town.work(dossier_id, "appraisal", "tax_exempt")
        await accepted(town, 1)
    heard = await town.heard("vbdlis", code)
    assert [(one["kind"], one["status"]) for one in heard] == [("progressed", "applied"), ("leg_completed", "applied")]
    assert (await town.legs(dossier_id))["registration"] == "completed"


async def test_another_date_is_an_incident_and_stops_nothing_that_comes_after_it(town: Town) -> None:
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("propose-date", code, new_due_at="2027-01-20T10:00:00Z")).status_code == 200
        assert (await town.vbdlis.act("next-step", code)).status_code == 200

        async def heard() -> bool:
            return "leg_acknowledged" in {one["kind"] for one in await town.heard("vbdlis", code)}

        assert await eventually(heard)
        found = {one["kind"]: one["status"] for one in await town.heard("vbdlis", code)}
        assert (found["date_proposed"], found["leg_acknowledged"]) == ("conflict", "applied")


async def refused(town: Town, n: int) -> None:
    """Wait until VBDLIS has heard no to *n* callbacks, and never yes."""

    async def there() -> bool:
        found = [one for one in await town.vbdlis.log(limit=200) if one["direction"] == "callback"]
        return len(found) >= n and not any(one["took_effect"] for one in found)

    await eventually(there)


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
    assert kinds(await town.heard("vbdlis", code)) == ["progressed", "leg_acknowledged"]


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
        town.door.is_shut = True
        assert (await post(town, url, "ChuyenHoSo", known)).json() == NO
        town.door.is_shut = False
        assert (await post(town, url, "ChuyenHoSo", known)).json() == YES
        metrics = (await town.client.get(f"{url}/metrics")).text
    assert 'lienthong_adapter_callbacks_total{system="vbdlis",verdict="away"} 1.0' in metrics
    assert kinds(await town.heard("vbdlis", code)) == ["progressed", "leg_acknowledged"]


async def test_a_life_at_vbdlis_moves_our_legs(town: Town) -> None:
    dossier_id, code = await town.accept()
    notice = {"HoTenChu": "Nguyễn Văn Thử", "LoaiThue": "Lệ phí trước bạ", "SoThongBaoThue": "TB-1"}
    at_first: list[tuple[str, dict[str, Any]]] = [
        ("received-for-one-stop", {}), ("next-step", {}), ("ask-update", {}), ("next-step", {}),
        ("tax-notices", {"notices": [notice]}), ("tax-returned", {}),
    ]  # fmt: skip
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        await act(town, code, at_first)
        await accepted(town, len(at_first))
        assert (await town.legs(dossier_id))["appraisal"] == "completed"
        await town.work(dossier_id, "tax", "no_tax_due")
        await act(town, code, [("next-step", {}), ("next-step", {}), ("request-supplement", {"pause": True})])
        await accepted(town, len(at_first) + 3)
        await act(town, code, [("finish", {})])
        await accepted(town, len(at_first) + 4)
        again = await town.settled("vbdlis", dossier_id, no=2)
    assert (again["fact"], again["reason_code"]) == ("LegOffered", "already_held")
    heard = [one for one in await town.heard("vbdlis", code) if one["kind"] != "progressed"]
    assert [(one["kind"], one["status"]) for one in heard] == [
        ("leg_acknowledged", "applied"), ("leg_acknowledged", "moot"), ("supplement_proposed", "applied"),
        ("leg_completed", "applied"), ("leg_acknowledged", "applied"), ("supplement_proposed", "applied"),
        ("leg_completed", "applied"),
    ]  # fmt: skip
    assert (await town.legs(dossier_id))["registration"] == "completed"
    assert "Nguyễn Văn Thử" not in json.dumps(await town.heard("vbdlis", code), ensure_ascii=False)


async def test_a_wrong_procedure_sends_the_dossier_back(town: Town) -> None:
    dossier_id, code = await town.accept(channel="counter")
    await town.work(dossier_id, "reception", "forwarded")
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        await act(town, code, [("wrong-procedure", {})])
        await accepted(town, 1)
    assert kinds(await town.heard("vbdlis", code)) == ["progressed", "leg_acknowledged", "leg_returned"]
    assert (await town.legs(dossier_id))["reception"] == "offered"


async def act(town: Town, code: str, actions: list[tuple[str, dict[str, Any]]]) -> None:
    """Let clerks of VBDLIS do one thing after another."""
    for action, body in actions:
        done = await town.vbdlis.act(action, code, **body)
        assert done.status_code == 200, done.text
