"""The fault switches, over each outside system: what goes wrong goes wrong as often as it was told to."""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.sandbox.conftest import NAMES
from tests.integration.sandbox.partners import CODE, Partner, creation, header, reception, slip
from tests.support import eventually


@dataclass
class Opening:
    """The call that creates a dossier: its name, its body, and how to send it."""

    partner: Partner
    call: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]

    async def send(self, **more: Any) -> httpx.Response:
        return await self.partner.post(self.path, self.body, headers=self.headers, **more)

    async def row(self) -> dict[str, Any]:
        """Return the last line of the log about this call."""
        return (await self.partner.log(call=self.call))[-1]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.body).encode()).hexdigest()


@pytest.fixture(params=NAMES)
async def opening(fresh: dict[str, Partner], request: pytest.FixtureRequest) -> Opening:
    name = str(request.param)
    partner = fresh[name]
    if name != "dvcqg":
        path, body = {
            "vbdlis": ("tiepnhan", reception()),
            "tax": ("TCT_GPC", slip()),
            "bhxh": ("TiepNhanHoSo", creation()),
        }[name]
        return Opening(partner, path, path, body, {})
    session = (await partner.call("a/mapi/login", {"username": "lienthong", "password": "chi-de-thu"}))["session"]
    body = {"session": session, "madonvi": "H99", "service": "DongBoHoSoMC", "isUpdating": "False", "data": [header()]}
    return Opening(partner, "DongBoHoSoMC", "a/mapi/g", body, {"dstcode": "VN:THU:1"})


def succeeded(answer: dict[str, Any]) -> bool:
    """Say whether a naive caller would read the answer as success."""
    return bool(
        answer.get("status", {}).get("success")
        or answer.get("ERROR_CODE") == "0"
        or answer.get("MaLoi") == 0
        or answer.get("error_code") == "0"
    )


async def test_without_switches_a_call_takes_effect_and_is_logged_with_its_body_hash(opening: Opening) -> None:
    answer = await opening.send()
    assert succeeded(answer.json())
    row = await opening.row()
    assert (row["direction"], row["dossier"], row["body_sha256"]) == ("call", CODE, opening.sha256)
    assert (row["status"], row["answer"], row["took_effect"], row["faults"]) == (200, answer.json(), True, [])


async def test_a_bad_gateway_stores_nothing_and_the_next_call_passes(opening: Opening) -> None:
    await opening.partner.faults({"kind": "bad_gateway", "next_calls": 2})
    assert [(await opening.send()).status_code for _ in range(2)] == [502, 502]
    assert await opening.partner.codes() == []
    row = await opening.row()
    assert (row["status"], row["took_effect"], row["faults"]) == (502, False, ["bad_gateway"])
    assert (await opening.send()).status_code == 200
    assert await opening.partner.codes() == [CODE]
    (switch,) = (await opening.partner.ask("/faults"))["switches"]
    assert (switch["n_fired"], switch["n_left"]) == (2, 0)


async def test_a_time_out_stores_everything_and_answers_nothing_within_the_patience(opening: Opening) -> None:
    await opening.partner.faults({"kind": "timeout_after_effect", "next_calls": 1, "seconds": 60})
    with pytest.raises(httpx.ReadTimeout):
        await opening.send(timeout=0.3)

    async def is_stored() -> bool:
        return await opening.partner.codes() == [CODE]

    await eventually(is_stored)
    row = await opening.row()
    assert (row["status"], row["answer"], row["took_effect"]) == (None, None, True)
    assert row["faults"] == ["timeout_after_effect"]


async def test_a_held_connection_is_closed_without_an_answer(opening: Opening) -> None:
    await opening.partner.faults({"kind": "timeout_after_effect", "next_calls": 1, "seconds": 0.2})
    begun = time.monotonic()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await opening.send()
    assert time.monotonic() - begun >= 0.2
    assert await opening.partner.codes() == [CODE]


async def test_the_word_for_success_can_hide_an_error_and_nothing_is_stored(opening: Opening) -> None:
    await opening.partner.faults({"kind": "error_inside", "next_calls": 1})
    answer = await opening.send()
    assert answer.status_code == 200
    assert succeeded(answer.json())
    assert "Lỗi" in answer.text
    assert await opening.partner.codes() == []
    row = await opening.row()
    assert (row["took_effect"], row["faults"]) == (False, ["error_inside"])


async def test_a_silent_loss_looks_like_success_and_stores_nothing(opening: Opening) -> None:
    await opening.partner.faults({"kind": "silent_loss", "next_calls": 1})
    lost = await opening.send()
    assert lost.status_code == 200
    assert await opening.partner.codes() == []
    row = await opening.row()
    assert (row["answer"], row["took_effect"], row["faults"]) == (lost.json(), False, ["silent_loss"])
    kept = await opening.send()
    assert _timeless(kept.json()) == _timeless(lost.json())
    assert await opening.partner.codes() == [CODE]


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "status": {**answer["status"], "time": ""}} if "status" in answer else answer


async def test_a_delayed_call_is_late_and_takes_effect(opening: Opening) -> None:
    await opening.partner.faults({"kind": "delay", "next_calls": 1, "seconds": 0.3})
    begun = time.monotonic()
    assert (await opening.send()).status_code == 200
    assert time.monotonic() - begun >= 0.3
    row = await opening.row()
    assert (row["took_effect"], row["faults"]) == (True, ["delay"])


async def test_a_system_that_is_down_answers_503_and_stores_nothing(opening: Opening) -> None:
    await opening.partner.faults({"kind": "down", "seconds": 3_600})
    assert (await opening.send()).status_code == 503
    assert await opening.partner.codes() == []
    row = await opening.row()
    assert (row["status"], row["took_effect"], row["faults"]) == (503, False, ["down"])


async def test_a_system_is_up_again_when_its_time_is_up(vbdlis: Partner) -> None:
    begun = time.monotonic()
    await vbdlis.faults({"kind": "down", "seconds": 0.6})

    async def is_up() -> bool:
        return (await vbdlis.post("tiepnhan", reception())).status_code == 200

    await eventually(is_up, seconds=10)
    assert time.monotonic() - begun >= 0.6
    assert await vbdlis.codes() == [CODE]


async def test_a_system_that_is_down_can_close_the_line_instead(opening: Opening) -> None:
    await opening.partner.faults({"kind": "down", "seconds": 3_600, "answer": "close"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await opening.send()
    row = await opening.row()
    assert (row["status"], row["took_effect"], row["faults"]) == (None, False, ["down"])
    await opening.partner.client.delete(f"/sandbox/{opening.partner.name}/faults")
    assert (await opening.send()).status_code == 200


@pytest.mark.parametrize("error", [300, -300])
async def test_a_wrong_clock_shows_in_what_the_system_writes_but_not_in_the_log(vbdlis: Partner, error: int) -> None:
    await vbdlis.faults({"kind": "clock", "seconds": error})
    answer = await vbdlis.call("tiepnhan", reception())
    (row,) = await vbdlis.log(call="tiepnhan")
    written = [answer["status"]["time"], (await vbdlis.dossier())["progress"][0]["at"]]
    for text in written:
        apart = datetime.fromisoformat(text) - datetime.fromisoformat(row["at"]) - timedelta(seconds=error)
        assert abs(apart) < timedelta(seconds=5)
    await vbdlis.client.delete("/sandbox/vbdlis/faults")
    right = (await vbdlis.call("tiepnhan", reception()))["status"]["time"]
    assert abs(datetime.fromisoformat(right) - datetime.fromisoformat(row["at"])) < timedelta(seconds=60)


async def test_a_wrong_clock_shows_in_every_system(opening: Opening) -> None:
    await opening.send()
    await opening.partner.faults({"kind": "clock", "seconds": 3_600}, {"kind": "reset_dates", "next_calls": 1})
    if "data" in opening.body:
        opening.body["isUpdating"] = "True"
    await opening.send()
    received = datetime.fromisoformat((await opening.partner.dossier())["received_at"])
    logged = datetime.fromisoformat((await opening.row())["at"])
    assert abs(received - logged - timedelta(hours=1)) < timedelta(seconds=5)


async def test_a_repeat_resets_both_dates_and_keeps_the_length_between_them(opening: Opening) -> None:
    await opening.send()
    if "data" in opening.body:
        opening.body["isUpdating"] = "True"
    before = await _dates(opening)
    await opening.partner.faults({"kind": "reset_dates", "next_calls": 1})
    await opening.send()
    after = await _dates(opening)
    row = await opening.row()
    assert (row["took_effect"], row["faults"]) == (True, ["reset_dates"])
    assert after[0] != before[0]
    assert after[1] - after[0] == before[1] - before[0]
    await opening.send()
    assert (await opening.row())["faults"] == []


async def _dates(opening: Opening) -> tuple[datetime, datetime]:
    found = await opening.partner.dossier()
    return datetime.fromisoformat(found["received_at"]), datetime.fromisoformat(found["due_at"])


async def test_a_switch_strikes_only_the_calls_it_names(vbdlis: Partner) -> None:
    await vbdlis.faults({"kind": "bad_gateway", "probability": 1, "calls": ["phanhoihososaiketqua"]})
    assert (await vbdlis.post("tiepnhan", reception())).status_code == 200
    assert (await vbdlis.post("phanhoihososaiketqua", {})).status_code == 502
    await vbdlis.faults({"kind": "down", "seconds": 60, "calls": ["tiepnhan"]})
    assert (await vbdlis.post("tiepnhan", reception())).status_code == 503
    assert (await vbdlis.post("phanhoihososaiketqua", {})).status_code == 200


async def test_the_second_dialect_of_the_portal_is_struck_in_its_own_words(dvcqg: Partner) -> None:
    await dvcqg.faults({"kind": "error_inside", "next_calls": 1, "calls": ["GetToken"]})
    answer = await dvcqg.call("b/GetToken", {"client_id": "lienthong", "client_secret": "chi-de-thu"})
    assert (answer["code"], answer["data"]) == (200, None)
    assert "lỗi" in answer["message"]


async def pattern(vbdlis: Partner, seed: int) -> list[int]:
    await vbdlis.faults({"kind": "bad_gateway", "probability": 0.5}, seed=seed)
    return [(await vbdlis.post("tiepnhan", reception(f"H-{seed}-{number}"))).status_code for number in range(30)]


async def test_the_same_seed_fails_in_the_same_way_and_another_does_not(vbdlis: Partner) -> None:
    first, again, other = [await pattern(vbdlis, seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert set(first) == {200, 502}


async def test_a_seed_that_is_not_given_is_told(vbdlis: Partner) -> None:
    seeds = [(await vbdlis.put("faults", {"switches": []})).json()["seed"] for _ in range(2)]
    assert seeds[0] != seeds[1]
    assert (await vbdlis.ask("/faults"))["seed"] == seeds[1]


async def test_mixed_switches_strike_in_a_fixed_order_and_a_call_uses_up_only_what_struck_it(vbdlis: Partner) -> None:
    await vbdlis.faults(
        {"kind": "silent_loss", "next_calls": 1},
        {"kind": "bad_gateway", "next_calls": 1},
        {"kind": "error_inside", "next_calls": 1},
    )
    for number in range(4):
        await vbdlis.post("tiepnhan", reception(f"H-{number}"))
    struck = [row["faults"] for row in await vbdlis.log(call="tiepnhan")]
    assert struck == [["bad_gateway"], ["error_inside"], ["silent_loss"], []]
    assert await vbdlis.codes() == ["H-3"]


@pytest.mark.parametrize(
    ("switch", "complaint"),
    [
        ({"kind": "gremlins", "next_calls": 1}, "gremlins"),
        ({"kind": "delay"}, "next_calls or probability"),
        ({"kind": "delay", "next_calls": 1, "probability": 0.5}, "next_calls or probability"),
        ({"kind": "delay", "probability": 1.5}, "less than or equal to 1"),
        ({"kind": "delay", "next_calls": 0}, "greater than or equal to 1"),
        ({"kind": "delay", "next_calls": 1, "seconds": -1}, "seconds from 0 to 3600"),
        ({"kind": "bad_gateway", "next_calls": 1, "seconds": 1}, "takes no seconds"),
        ({"kind": "bad_gateway", "next_calls": 1, "calls": ["ChuyenHoSo"]}, "does not apply to ChuyenHoSo"),
        ({"kind": "duplicate_callback", "next_calls": 1, "calls": ["tiepnhan"]}, "does not apply to tiepnhan"),
        ({"kind": "down"}, "seconds from 0.1 to 86400"),
        ({"kind": "down", "seconds": 5, "next_calls": 1}, "takes neither"),
        ({"kind": "clock", "seconds": 300, "calls": ["tiepnhan"]}, "does not apply to tiepnhan"),
        ({"kind": "clock", "seconds": 300_000}, "seconds from -86400 to 86400"),
        ({"kind": "delay", "next_calls": 1, "answer": "close"}, "answer belongs to down"),
        ({"kind": "delay", "next_calls": 1, "who": "me"}, "Extra inputs"),
    ],
)
async def test_an_invalid_switch_is_refused_with_the_reason(
    vbdlis: Partner, switch: dict[str, Any], complaint: str
) -> None:
    await vbdlis.faults({"kind": "bad_gateway", "next_calls": 1})
    answer = await vbdlis.put("faults", {"switches": [switch]})
    assert answer.status_code == 422
    assert complaint in answer.text
    kinds = [one["kind"] for one in (await vbdlis.ask("/faults"))["switches"]]
    assert kinds == ["bad_gateway"], "what was on before stays on"


async def test_the_portal_has_no_callbacks_to_disturb(dvcqg: Partner) -> None:
    answer = await dvcqg.put("faults", {"switches": [{"kind": "duplicate_callback", "next_calls": 1}]})
    assert answer.status_code == 422
    assert "sends no callbacks" in answer.text
