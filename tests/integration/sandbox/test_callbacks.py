"""Callbacks of the sandbox: signed, in order, again until they are accepted – unless a switch wants otherwise."""

import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.sandbox.outside.signing import sign
from tests.integration.sandbox.partners import (
    CODE,
    SECRET,
    Partner,
    PostOffice,
    Receiver,
    creation,
    partner,
    reception,
    slip,
)
from tests.support import eventually

YES = {"Result": 1, "Message": "OK"}
OTHER = "H99.01-261119-0002"


@pytest.fixture
async def receiver(vbdlis: Partner, post: PostOffice) -> Receiver:
    for code in (CODE, OTHER):
        await vbdlis.call("tiepnhan", reception(code))
    return post.open(YES)


async def states(vbdlis: Partner) -> list[str]:
    return [one["state"] for one in (await vbdlis.ask("/callbacks"))["items"]]


async def settled(vbdlis: Partner) -> None:
    async def none_waits() -> bool:
        return "waiting" not in await states(vbdlis)

    await eventually(none_waits)


async def test_a_callback_is_sent_again_with_the_same_body_until_it_is_accepted(
    vbdlis: Partner, receiver: Receiver
) -> None:
    receiver.answers = [(500, YES), (200, {"Result": 0, "Message": "chưa"}), (200, "một chữ"), (201, YES), (200, {})]
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await settled(vbdlis)
    assert receiver.events() == ["ChuyenHoSo"] * 6
    assert len({body for _, body, _ in receiver.got}) == 1
    rows = [row for row in await vbdlis.log(call="ChuyenHoSo") if row["direction"] == "callback"]
    assert [row["took_effect"] for row in rows] == [False] * 5 + [True]
    assert [row["status"] for row in rows] == [500, 200, 200, 201, 200, 200]
    assert {row["body_sha256"] for row in rows} == {hashlib.sha256(receiver.got[0][1]).hexdigest()}


OPENINGS: dict[str, tuple[str, dict[str, Any], str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "tax": ("TCT_GPC", slip(), "determine", ({"ERROR_CODE": "01"}, {"ERROR_CODE": "0"})),
    "bhxh": ("TiepNhanHoSo", creation(), "next-step", ({"MaLoi": -1}, {"MaLoi": 0})),
}


@pytest.mark.parametrize("name", OPENINGS)
async def test_the_others_too_repeat_until_they_hear_their_own_yes(
    fresh: dict[str, Partner], post: PostOffice, name: str
) -> None:
    path, body, action, (no, yes) = OPENINGS[name]
    receiver = post.open(yes)
    receiver.answers = [(200, no)]
    await fresh[name].listen(receiver)
    await fresh[name].call(path, body)
    await fresh[name].act(action)
    await settled(fresh[name])
    assert len(receiver.got) == 2
    assert receiver.got[0][1] == receiver.got[1][1]


async def test_the_pauses_grow_and_are_bounded(vbdlis: Partner, receiver: Receiver) -> None:
    receiver.answers = [(500, {})] * 1_000
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await receiver.reached(6)

    async def rested() -> float:
        (row,) = (await vbdlis.ask("/callbacks"))["items"]
        return max(0.0, row["due_at"] - time.time()) if row["n_attempts"] >= 6 else 0.0

    assert 0 < await eventually(rested) <= 0.2


async def test_a_callback_is_signed_and_a_changed_body_is_not(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.listen(receiver, secret=SECRET)
    await vbdlis.act("next-step")
    await receiver.reached(1)
    _, body, headers = receiver.got[0]
    timestamp = headers["x-sandbox-timestamp"]
    assert abs(time.time() - int(timestamp)) < 60
    digest = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-sandbox-signature"] == f"sha256={digest}"
    assert headers["content-type"] == "application/json"


async def test_calls_can_be_refused_unless_they_are_signed(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.listen(receiver, secret=SECRET, check_calls=True)
    body = b'{"SoBienNhan": "x"}'
    good = sign(SECRET, body)
    stale = {**good, "x-sandbox-timestamp": str(int(time.time()) - 3_600)}
    cases = [({}, 401), (sign("another-secret", body), 401), (sign(SECRET, b"{}"), 401), (stale, 401), (good, 200)]
    for headers, status in cases:
        answer = await vbdlis.post("tiepnhan", body, headers=headers)
        assert answer.status_code == status
    answer = await vbdlis.put("callback", {"check_calls": True})
    assert (answer.status_code, "secret" in answer.text) == (422, True)


async def test_callbacks_of_a_dossier_keep_their_order_while_those_of_others_pass(
    vbdlis: Partner, receiver: Receiver
) -> None:
    receiver.answers = [(500, {})] * 2
    await vbdlis.listen(receiver)
    await vbdlis.act("ask-update")
    await receiver.reached(1)
    await vbdlis.act("next-step")
    await vbdlis.act("next-step", OTHER)
    await settled(vbdlis)
    mine = [
        event for event, body in zip(receiver.events(), receiver.bodies(), strict=True) if body["SoBienNhan"] == CODE
    ]
    assert mine in (["YeuCauCapNhatHoSo"] * 3 + ["ChuyenHoSo"], ["YeuCauCapNhatHoSo"] * 2 + ["ChuyenHoSo"])
    assert OTHER in [body["SoBienNhan"] for body in receiver.bodies()]


async def test_a_receiver_that_is_slow_about_one_dossier_holds_up_no_other(vbdlis: Partner, receiver: Receiver) -> None:
    receiver.held = CODE
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await receiver.reached(1)
    await vbdlis.act("next-step", OTHER)
    await receiver.reached(2)
    assert [body["SoBienNhan"] for body in receiver.bodies()] == [CODE, OTHER]
    receiver.is_open.set()
    await settled(vbdlis)
    assert len(receiver.got) == 2


async def test_nothing_is_sent_before_there_is_a_url_and_nothing_is_forgotten(
    vbdlis: Partner, receiver: Receiver
) -> None:
    await vbdlis.act("next-step")
    assert await states(vbdlis) == ["waiting"]
    await vbdlis.listen(receiver)
    await receiver.reached(1)


async def test_a_receiver_that_is_away_gets_its_callback_when_it_is_back(vbdlis: Partner, receiver: Receiver) -> None:
    pauses = {"first_pause_seconds": 0.05, "longest_pause_seconds": 0.1}
    await vbdlis.put("callback", {"url": "http://127.0.0.1:1", **pauses})
    await vbdlis.act("next-step")

    async def refused() -> bool:
        (row,) = (await vbdlis.ask("/callbacks"))["items"]
        return bool(row["n_attempts"] >= 2 and row["answer"] == "ConnectError")

    await eventually(refused)
    await vbdlis.listen(receiver)
    await receiver.reached(1)


async def test_a_doubled_callback_comes_twice_though_it_was_accepted(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.faults({"kind": "duplicate_callback", "next_calls": 1, "calls": ["ChuyenHoSo"]})
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await vbdlis.act("next-step")
    await settled(vbdlis)
    bodies = [body for _, body, _ in receiver.got]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] != bodies[2]


async def test_a_callback_out_of_order_is_overtaken_by_the_next_of_its_dossier(
    vbdlis: Partner, receiver: Receiver
) -> None:
    await vbdlis.faults({"kind": "callback_out_of_order", "next_calls": 1, "seconds": 600})
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await vbdlis.act("next-step", OTHER)
    await receiver.reached(1)
    await vbdlis.act("finish")
    await settled(vbdlis)
    assert receiver.events() == ["ChuyenHoSo", "KetThucHoSo", "ChuyenHoSo"]
    assert [body["SoBienNhan"] for body in receiver.bodies()] == [OTHER, CODE, CODE]


async def test_a_held_callback_comes_alone_when_its_time_is_up(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.faults({"kind": "callback_out_of_order", "next_calls": 1, "seconds": 0.3})
    await vbdlis.listen(receiver)
    begun = time.monotonic()
    await vbdlis.act("next-step")
    await receiver.reached(1)
    assert time.monotonic() - begun >= 0.3


async def test_a_callback_can_be_lost_or_late_if_it_is_named(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.faults(
        {"kind": "silent_loss", "next_calls": 1, "calls": ["ChuyenHoSo"]},
        {"kind": "delay", "next_calls": 1, "calls": ["KetThucHoSo"], "seconds": 0.3},
    )
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    begun = time.monotonic()
    await vbdlis.act("finish")
    await settled(vbdlis)
    assert time.monotonic() - begun >= 0.3
    assert receiver.events() == ["KetThucHoSo"]
    assert await states(vbdlis) == ["lost", "done"]


async def test_a_switch_for_calls_does_not_touch_callbacks_that_it_does_not_name(
    vbdlis: Partner, receiver: Receiver
) -> None:
    await vbdlis.faults({"kind": "silent_loss", "probability": 1})
    await vbdlis.listen(receiver)
    await vbdlis.act("next-step")
    await receiver.reached(1)


async def test_nor_one_that_has_the_name_of_a_call(tax: Partner, post: PostOffice) -> None:
    """Found by chaos (seed 701): slips were to be lost, and determinations were, too."""
    receiver = post.open({"ERROR_CODE": "0"})
    await tax.call("TCT_GPC", slip())
    await tax.faults({"kind": "silent_loss", "probability": 1}, {"kind": "delay", "probability": 1, "seconds": 60})
    await tax.listen(receiver)
    await tax.act("determine")
    await receiver.reached(1)


async def test_a_system_that_is_down_calls_nobody_until_it_is_up(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.listen(receiver)
    begun = time.monotonic()
    await vbdlis.faults({"kind": "down", "seconds": 0.6})
    await vbdlis.act("next-step")
    await receiver.reached(1)
    assert time.monotonic() - begun >= 0.6


async def test_any_callback_can_be_sent_by_hand(vbdlis: Partner, receiver: Receiver) -> None:
    await vbdlis.listen(receiver)
    raw = {"SoBienNhan": "khong-co", "MaTrangThai": "LA", "NgayChuyen": "2099-01-01T00:00:00Z"}
    sent = {"event": "ChuyenHoSo", "dossier": "khong-co", "body": raw}
    answer = await vbdlis.client.post("/sandbox/vbdlis/callbacks", json=sent)
    assert answer.status_code == 202
    await receiver.reached(1)
    assert receiver.bodies() == [raw]


async def test_a_callback_that_waits_is_sent_after_a_restart(tmp_path: Path, post: PostOffice) -> None:
    async with partner("vbdlis", tmp_path) as first:
        await first.call("tiepnhan", reception())
        await first.act("next-step")
    receiver = post.open(YES)
    async with partner("vbdlis", tmp_path) as second:
        await second.listen(receiver)
        await receiver.reached(1)
        assert receiver.bodies()[0]["SoBienNhan"] == CODE
