"""Deliveries by a real adapter: once, in order, and taken only if the system has it."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.adapters.town import Town, holds_nobody
from tests.integration.notify.town import PRIVATE
from tests.integration.sandbox.partners import Partner, reception
from tests.support import eventually

SUPPLEMENT = "capnhattrangthaibosunghoso"
TIMEOUT = {"kind": "timeout_after_effect", "next_calls": 1, "seconds": 3}


async def calls(system: Partner, code: str, call: str = "") -> list[dict[str, Any]]:
    """Return the calls that arrived about a dossier, oldest first."""
    found = await system.log(dossier=code, limit=200)
    return [one for one in found if one["direction"] == "call" and call in {"", one["call"]}]


async def tried(town: Town, system: str, dossier_id: UUID, n: int) -> dict[str, Any]:
    """Wait until at least *n* tries of the first delivery of a lane were answered."""

    async def there() -> dict[str, Any] | None:
        found = (await town.lane(system, dossier_id))[0]
        return found if found["n_tries"] >= n and found["leased_until"] is None else None

    reached: dict[str, Any] = await eventually(there)
    return reached


async def test_a_dossier_reaches_vbdlis_once_with_its_people(town: Town) -> None:
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        done = await town.settled("vbdlis", dossier_id)
    assert (done["n_tries"], done["reason_code"]) == (1, "200")
    assert [one["call"] for one in await calls(town.vbdlis, code)] == ["tiepnhan"]
    fields = (await town.vbdlis.dossier(code))["fields"]
    assert fields["ThongTinNguoiNopDon"]["HoTen"] == PRIVATE[0]
    assert fields["ThongTinThuaDat"] == [{"SoThuTuThua": "1", "SoHieuBanDo": "2", "DienTich": 100.5}]
    assert await town.looks(dossier_id) == [("vbdlis", "exchange:vbdlis:LegOffered", 1)]
    assert holds_nobody(await town.lane("vbdlis", dossier_id))


async def test_a_dossier_reaches_bhxh_once_with_its_people(town: Town) -> None:
    dossier_id, code = await town.for_bhxh()
    async with town.adapter("bhxh"):
        done = await town.settled("bhxh", dossier_id)
    assert (done["n_tries"], done["reason_code"]) == (1, "0")
    fields = (await town.bhxh.dossier(code))["fields"]
    assert (fields["NguoiNop"]["HoTen"], fields["MaThuTuc"]) == (PRIVATE[0], "LT.01")
    assert await town.looks(dossier_id) == [("bhxh", "exchange:bhxh:LegOffered", 1)]


@pytest.mark.parametrize("system", ["vbdlis", "bhxh"])
async def test_a_timeout_after_the_effect_is_unknown_and_then_settled_without_a_second_dossier(
    town: Town, system: str
) -> None:
    dossier_id, code = await (town.accept() if system == "vbdlis" else town.for_bhxh())
    partner: Partner = getattr(town, system)
    await partner.faults(TIMEOUT)
    async with town.adapter(system):
        unknown = await town.settled(system, dossier_id, state="unknown")
        assert unknown["reason_code"] == "cut_off"
        done = await town.settled(system, dossier_id)
    assert await partner.codes() == [code]
    found = await calls(partner, code)
    assert [one["took_effect"] for one in found] == [True, False]
    expected = ("tiepnhan", "400") if system == "vbdlis" else ("TraCuuHoSo", "observed")
    assert (found[-1]["call"], done["reason_code"]) == expected


async def test_a_bad_gateway_after_a_timeout_does_not_make_it_forgotten(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.vbdlis.faults(TIMEOUT)
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id, state="unknown")
        await town.vbdlis.faults({"kind": "bad_gateway", "next_calls": 1})
        still = await tried(town, "vbdlis", dossier_id, 2)
        assert still["state"] in {"unknown", "done"}
        done = await town.settled("vbdlis", dossier_id)
    assert (done["n_tries"], "đã tồn tại" in done["message"]) == (3, True)
    assert await town.vbdlis.codes() == [code]


async def test_a_bad_gateway_is_tried_again_in_order(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.command(dossier_id, "withdraw", {"reason_code": "applicant_request"})
    await town.vbdlis.faults({"kind": "bad_gateway", "next_calls": 2})
    async with town.adapter("vbdlis"):
        waiting = await tried(town, "vbdlis", dossier_id, 1)
        assert waiting["state"] in {"waiting", "done"}
        done = await town.settled("vbdlis", dossier_id)
        assert done["n_tries"] == 3
        refused = await town.settled("vbdlis", dossier_id, no=2, state="refused")
    assert refused["reason_code"] == "no_call"
    assert [one["took_effect"] for one in await calls(town.vbdlis, code)] == [False, False, True]


@pytest.mark.parametrize("how", ["503", "close"])
async def test_a_system_that_is_down_gets_everything_when_it_is_back(town: Town, how: str) -> None:
    dossiers = [await town.accept() for _ in range(3)]
    await town.vbdlis.faults({"kind": "down", "seconds": 60, "answer": how})
    async with town.adapter("vbdlis"):
        for dossier_id, _ in dossiers:
            down = await tried(town, "vbdlis", dossier_id, 1)
            assert down["state"] in {"waiting", "unknown"}
        await town.vbdlis.client.delete("/sandbox/vbdlis/faults")
        for dossier_id, _ in dossiers:
            await town.settled("vbdlis", dossier_id)
    assert sorted(await town.vbdlis.codes()) == sorted(code for _, code in dossiers)
    for _, code in dossiers:
        assert [one["took_effect"] for one in await calls(town.vbdlis, code, "tiepnhan")].count(True) == 1


@pytest.mark.parametrize("system", ["vbdlis", "bhxh"])
async def test_success_with_an_error_inside_is_not_taken(town: Town, system: str) -> None:
    dossier_id, code = await (town.accept() if system == "vbdlis" else town.for_bhxh())
    partner: Partner = getattr(town, system)
    call = {"bhxh": "TiepNhanHoSo", "vbdlis": "tiepnhan"}[system]
    await partner.faults({"kind": "error_inside", "next_calls": 1, "calls": [call]})
    async with town.adapter(system):
        unknown = await town.settled(system, dossier_id, state="unknown")
        assert unknown["acknowledged_at"] is None
        assert await partner.codes() == []
        await town.settled(system, dossier_id)
    assert await partner.codes() == [code]


async def test_words_that_prove_an_earlier_try_are_a_refusal_on_a_first_one(town: Town) -> None:
    dossier_id, code = await town.accept()
    assert (await town.vbdlis.call("tiepnhan", reception(code)))["data"] == 1
    async with town.adapter("vbdlis"):
        refused = await town.settled("vbdlis", dossier_id, state="refused")
    assert "đã tồn tại" in refused["message"]
    assert refused["n_tries"] == 1


async def test_a_supplement_follows_the_dossier_in_order_through_bad_gateways(town: Town) -> None:
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)
        assert (await town.vbdlis.act("request-supplement", code)).status_code == 200
        ask = {"ground": "supplement", "component_codes": ["GCN"], "note": "Thiếu bản chính"}
        await town.command(dossier_id, "request-supplement", ask)
        await town.vbdlis.faults({"kind": "bad_gateway", "next_calls": 2}, {**TIMEOUT, "seconds": 2})
        await town.command(dossier_id, "supplement", {"components": [{"code": "GCN", "n_originals": 1}]})
        done = await town.settled("vbdlis", dossier_id, no=2)
    found = [(one["call"], one["took_effect"]) for one in await calls(town.vbdlis, code)]
    assert found == [("tiepnhan", True), *[(SUPPLEMENT, False)] * 2, (SUPPLEMENT, True), (SUPPLEMENT, False)]
    assert (done["reason_code"], done["message"]) == ("400", "")  # nobody was asked for: the words are let go
    assert (await town.vbdlis.dossier(code))["state"] == "supplement_received"


async def test_an_answer_that_was_lost_with_its_adapter_makes_no_second_dossier(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.vbdlis.faults({"kind": "delay", "next_calls": 1, "seconds": 0.5})
    async with town.adapter("vbdlis", call_seconds=5):

        async def leased() -> bool:
            return (await town.lane("vbdlis", dossier_id))[0]["leased_until"] is not None

        await eventually(leased)
        town.door.is_shut = True

        async def arrived() -> bool:
            return code in await town.vbdlis.codes()

        await eventually(arrived)
    town.door.is_shut = False
    assert (await town.lane("vbdlis", dossier_id))[0]["state"] == "waiting"
    await town.time_passes()
    async with town.adapter("vbdlis"):
        done = await town.settled("vbdlis", dossier_id)
    assert "đã tồn tại" in done["message"]
    assert await town.vbdlis.codes() == [code]


async def test_an_adapter_waits_for_our_api_and_the_issuer_without_end(town: Town) -> None:
    town.door.is_shut = True
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis") as url:
        health = await town.client.get(f"{url}/healthz")
        assert health.json() == {"ready": True, "system": "vbdlis", "breaker": "closed"}
        town.door.is_shut = False
        await town.settled("vbdlis", dossier_id)
        metrics = (await town.client.get(f"{url}/metrics")).text
    assert 'lienthong_adapter_deliveries_total{answer="taken",system="vbdlis"}' in metrics
    assert await town.vbdlis.codes() == [code]


async def test_without_intake_nothing_is_sent_and_nothing_is_lost(town: Town) -> None:
    dossier_id, _ = await town.accept()
    async with town.adapter("vbdlis", intake_url="http://127.0.0.1:9", failures_until_pause=2) as url:
        await opened(town, url)
        [waiting] = await town.lane("vbdlis", dossier_id)
        assert (waiting["state"], waiting["reason_code"]) == ("waiting", "intake_away")
    assert await town.vbdlis.log() == []
    await town.time_passes()
    async with town.adapter("vbdlis"):
        await town.settled("vbdlis", dossier_id)


async def test_particulars_that_are_lost_are_a_persons_matter_and_go_out_when_they_were_given_again(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.lose_people(dossier_id)
    async with town.adapter("vbdlis"):
        refused = await town.settled("vbdlis", dossier_id, state="refused")
        assert (refused["reason_code"], await town.vbdlis.codes()) == ("no_applicant", [])
        await town.give_people(dossier_id)
        await town.retry(dossier_id)
        await town.settled("vbdlis", dossier_id)
    given = (await town.vbdlis.dossier(code))["fields"]["ThongTinNguoiNopDon"]
    assert given["HoTen"] == "Nguyễn Thị Nói Lại"


async def opened(town: Town, url: str) -> None:
    """Wait until the breaker has opened."""

    async def there() -> bool:
        return str((await town.client.get(f"{url}/healthz")).json()["breaker"]) != "closed"

    await eventually(there)
