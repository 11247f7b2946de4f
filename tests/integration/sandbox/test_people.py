"""What people do with an outside system beside its contract: look, change, delete, fly it; and what a restart keeps."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.sandbox.conftest import NAMES
from tests.integration.sandbox.partners import CODE, Partner, creation, partner, reception, slip
from tests.support import eventually, free_port


async def test_dossiers_are_listed_by_code_page_by_page_or_newest_first(vbdlis: Partner) -> None:
    codes = [f"H-{number}" for number in range(5)]
    for code in reversed(codes):
        await vbdlis.call("tiepnhan", reception(code))
    assert await vbdlis.codes() == codes
    page = await vbdlis.ask("/dossiers", after="H-1", limit=2)
    assert (page["n"], [one["code"] for one in page["items"]]) == (5, ["H-2", "H-3"])
    newest = await vbdlis.ask("/dossiers", order="newest", limit=1)
    assert newest["items"][0]["code"] == "H-0"
    assert (await vbdlis.client.get("/sandbox/vbdlis/dossiers/H-9")).status_code == 404


async def test_the_log_can_be_read_from_a_number_on_and_by_dossier_and_call(vbdlis: Partner) -> None:
    for number in range(3):
        await vbdlis.call("tiepnhan", reception(f"H-{number}"))
    await vbdlis.act("ask-update", "H-1")
    rows = await vbdlis.log()
    assert [(row["direction"], row["call"], row["dossier"]) for row in rows] == [
        ("call", "tiepnhan", "H-0"),
        ("call", "tiepnhan", "H-1"),
        ("call", "tiepnhan", "H-2"),
        ("clerk", "ask-update", "H-1"),
    ]
    assert await vbdlis.log(after=rows[1]["no"], limit=1) == [rows[2]]
    assert await vbdlis.log(dossier="H-1") == [rows[1], rows[3]]
    assert await vbdlis.log(call="ask-update") == [rows[3]]
    assert await vbdlis.log(order="newest", limit=1) == [rows[3]]


async def test_a_clerk_changes_a_field_or_the_state_and_nobody_is_told(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    changed = await vbdlis.act("change", fields={"NgayHenTra": "2027-01-05T10:00:00Z"}, state="drafting")
    assert (changed.json()["due_at"], changed.json()["state"]) == ("2027-01-05T10:00:00.000Z", "drafting")
    assert (await vbdlis.dossier())["fields"]["NguoiTiepNhan"] == reception()["NguoiTiepNhan"]
    assert (await vbdlis.ask("/callbacks"))["items"] == []
    assert (await vbdlis.act("change", state="mất")).status_code == 409


async def test_a_date_that_a_clerk_made_unreadable_is_shown_as_it_is(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.act("change", fields={"NgayHenTra": "tuần sau"})
    assert (await vbdlis.dossier())["due_at"] == "tuần sau"


async def test_a_clerk_deletes_a_dossier_and_nobody_is_told(vbdlis: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    url = f"/sandbox/vbdlis/dossiers/{CODE}"
    assert [(await vbdlis.client.delete(url)).status_code for _ in range(2)] == [204, 404]
    assert await vbdlis.codes() == []
    assert (await vbdlis.log(call="delete"))[0]["took_effect"]
    assert (await vbdlis.ask("/callbacks"))["items"] == []


async def test_a_deed_needs_a_known_dossier_a_known_name_and_a_fitting_form(vbdlis: Partner) -> None:
    assert (await vbdlis.act("next-step")).status_code == 404
    await vbdlis.call("tiepnhan", reception())
    unknown = await vbdlis.act("dance")
    assert (unknown.status_code, "next-step" in unknown.text) == (404, True)
    wrong = await vbdlis.act("finish", outcome="nhiều")
    assert (wrong.status_code, "outcome" in wrong.text) == (422, True)
    assert (await vbdlis.act("finish", whim=1)).status_code == 422
    assert (await vbdlis.dossier())["state"] == "received"


@pytest.mark.parametrize("name", NAMES)
async def test_every_deed_is_listed_with_its_form(fresh: dict[str, Partner], name: str) -> None:
    listed = await fresh[name].ask("/actions")
    assert "change" in listed
    assert all(one["title"] and one["body"]["type"] == "object" for one in listed.values())


async def test_the_autopilot_is_off_until_it_is_told_and_knows_its_states(vbdlis: Partner) -> None:
    assert await vbdlis.ask("/autopilot") == {"on": False, "delay_seconds": 2, "hold_at": []}
    wrong = await vbdlis.put("autopilot", {"on": True, "hold_at": ["đâu đó"]})
    assert (wrong.status_code, "tax_slip" in wrong.text) == (422, True)
    assert (await vbdlis.put("autopilot", {"on": True, "delay_seconds": -1})).status_code == 422
    assert not (await vbdlis.ask("/autopilot"))["on"]


async def test_the_autopilot_waits_its_time_after_the_last_change(vbdlis: Partner) -> None:
    begun = time.monotonic()
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.put("autopilot", {"on": True, "delay_seconds": 0.6})
    await vbdlis.reaches("appraisal")
    assert time.monotonic() - begun >= 0.6


async def test_an_autopilot_that_is_off_does_nothing(vbdlis: Partner, tax: Partner) -> None:
    await vbdlis.call("tiepnhan", reception())
    await vbdlis.put("autopilot", {"on": False, "delay_seconds": 0})
    await tax.call("TCT_GPC", slip())
    await tax.put("autopilot", {"on": True, "delay_seconds": 0.5})
    await tax.reaches("determined")
    assert (await vbdlis.dossier())["state"] == "received"


async def test_the_autopilot_leaves_to_the_clerks_the_states_it_is_told_to(vbdlis: Partner) -> None:
    for code in (CODE, "H-2"):
        await vbdlis.call("tiepnhan", reception(code))
    await vbdlis.put("autopilot", {"on": True, "delay_seconds": 0, "hold_at": ["received"]})
    await vbdlis.act("next-step", "H-2")
    await vbdlis.reaches("finished", "H-2")
    assert (await vbdlis.dossier())["state"] == "received"


async def test_the_autopilot_passes_over_what_a_clerk_made_unreadable(tax: Partner) -> None:
    await tax.call("TCT_GPC", slip())
    await tax.act("change", fields={"slips": "hỏng"})
    await tax.put("autopilot", {"on": True, "delay_seconds": 0})
    await tax.call("TCT_GPC", slip("S2", "H-2"))
    await tax.reaches("determined", "H-2")
    assert (await tax.dossier())["state"] == "slip_received"


@pytest.mark.parametrize("name", NAMES)
async def test_the_page_of_a_system_stands_alone(fresh: dict[str, Partner], name: str) -> None:
    answer = await fresh[name].client.get(f"/sandbox/{name}")
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="vi">' in answer.text
    assert f'const BASE = "{name}";' in answer.text
    assert not re.search(r"https?://|\$(title|name|ours|words)", answer.text)


async def test_the_common_page_shows_calls_to_each_system(vbdlis: Partner) -> None:
    await vbdlis.faults({"kind": "bad_gateway", "next_calls": 1})
    assert (await vbdlis.client.post("/vbdlis/tiepnhan", json=reception())).status_code == 502
    await vbdlis.call("tiepnhan", reception())
    assert (await vbdlis.act("next-step")).status_code == 200
    systems = (await vbdlis.client.get("/arrivals")).json()["systems"]
    (column,) = [one for one in systems if one["name"] == "vbdlis"]
    titles = [f"Chuyển bước · {CODE}", f"tiepnhan · {CODE}", f"tiepnhan · {CODE}"]
    assert [card["title"] for card in column["cards"]] == titles
    assert [card["state"] for card in column["cards"]] == ["", "", "lỗi cố ý: cổng báo 502"]
    assert column["cards"][-1]["subtitle"] == "gọi đến · trả lời 502 · không ghi"


async def test_a_restart_keeps_dossiers_log_counters_and_settings_but_not_switches(tmp_path: Path) -> None:
    async with partner("bhxh", tmp_path) as first:
        number = (await first.call("TiepNhanHoSo", creation()))["SoHoSo"]
        await first.put("autopilot", {"on": False, "delay_seconds": 9})
        await first.put("callback", {"url": "http://127.0.0.1:1/x"})
        await first.faults({"kind": "bad_gateway", "probability": 1})
        before = await first.dossier(), await first.log()
    async with partner("bhxh", tmp_path) as second:
        assert (await second.dossier(), await second.log()) == before
        assert (await second.ask("/autopilot"))["delay_seconds"] == 9
        assert (await second.ask("/callback"))["url"] == "http://127.0.0.1:1/x"
        other = (await second.call("TiepNhanHoSo", creation("H-2")))["SoHoSo"]
        assert int(other[-5:]) == int(number[-5:]) + 1


async def test_without_a_folder_nothing_outlives_the_process() -> None:
    async with partner("vbdlis") as first:
        await first.call("tiepnhan", reception())
        assert await first.codes() == [CODE]
    async with partner("vbdlis") as second:
        assert await second.codes() == []


async def test_the_systems_keep_the_time_of_the_demo(tmp_path: Path) -> None:
    clock = "2030-01-02T01:00:00+00:00@2026-01-01T00:00:00+00:00x0"
    async with partner("vbdlis", tmp_path, clock) as running:
        assert (await running.call("tiepnhan", reception()))["status"]["time"] == "2030-01-02T01:00:00.000Z"


def _start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    ports = {"LIENTHONG_SANDBOX_PORT": str(port), "LIENTHONG_SANDBOX_SMTP_PORT": str(free_port())}
    environment = {**os.environ, **ports, "LIENTHONG_DATA": str(folder)}
    return subprocess.Popen([sys.executable, "-m", "deploy.sandbox"], env=environment)


async def _ready(client: httpx.AsyncClient) -> None:
    async def answers() -> bool:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    await eventually(answers)


async def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    port = free_port()
    process = _start(port, tmp_path)
    acknowledged: list[str] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        await _ready(client)
        running: dict[str, Any] = {name: Partner(name, client) for name in NAMES}
        for number in range(40):
            code = f"H-{number:02d}"
            assert (await running["vbdlis"].call("tiepnhan", reception(code)))["data"] == 1
            assert (await running["tax"].call("TCT_GPC", slip(f"S{number}", code)))["ERROR_CODE"] == "0"
            acknowledged.append(code)
        process.kill()
        process.wait()
        again = _start(port, tmp_path)
        try:
            await _ready(client)
            for name in ("vbdlis", "tax"):
                assert await running[name].codes() == acknowledged
                assert [row["took_effect"] for row in await running[name].log()] == [True] * 40
        finally:
            again.kill()
            again.wait()
