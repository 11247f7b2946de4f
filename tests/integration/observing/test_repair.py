"""What adapters see is compared with what was told: a machine mends what is ours, a person hears of the rest."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.desync.town import Town, steps
from tests.support import eventually

SILENT = {"kind": "silent_loss", "next_calls": 1}


async def incident_of(town: Town, dossier_id: UUID, kind: str) -> dict[str, Any]:
    """Wait for the open incident of a kind about a dossier."""

    async def there() -> dict[str, Any] | None:
        found = await town.incidents(dossier_id)
        return next((one for one in found if one["kind"] == kind), None)

    reached: dict[str, Any] = await eventually(there)
    return reached


async def in_step(town: Town, dossier_id: UUID, **more: Any) -> list[dict[str, Any]]:
    """Wait until the portal has taken all of a dossier and was seen to be in step; return what it was told."""
    lane = await town.told("dvcqg", dossier_id)
    await town.stands("dvcqg", dossier_id, "in_step", in_step_no=len(lane), **more)
    return lane


def lines(dossier: dict[str, Any]) -> list[int]:
    """Return the numbers of our changes in the portal's progress, as they stand there."""
    return [int(one["text"].partition(":")[0].removeprefix("Bước ")) for one in dossier["progress"]]


async def closed(town: Town, dossier_id: UUID) -> None:
    async def there() -> bool:
        return await town.incidents(dossier_id) == []

    await eventually(there)


async def test_what_a_system_has_taken_is_looked_at_and_seen_to_be_in_step(town: Town) -> None:
    dossier_id, _ = await town.accept()
    async with town.adapter("dvcqg"):
        lane = await town.told("dvcqg", dossier_id)
        seen = await town.stands("dvcqg", dossier_id, "in_step", told_no=len(lane), in_step_no=len(lane))
        assert (seen["observed"]["status"], seen["n_repairs"], seen["how"]) == ("accepted", 0, "read")
        await town.work(dossier_id, "appraisal", "slip_sent")
        lane = await town.told("dvcqg", dossier_id)
        seen = await town.stands("dvcqg", dossier_id, "in_step", in_step_no=len(lane))
    assert seen["observed"]["status"] == "processing"
    assert await town.incidents(dossier_id) == []


async def test_a_silent_loss_is_seen_and_told_again_once(town: Town) -> None:
    dossier_id, code = await town.for_bhxh()
    bhxh = town.partner("bhxh")
    await bhxh.faults({**SILENT, "calls": ["TiepNhanHoSo"]})
    async with town.adapter("bhxh"):
        seen = await town.stands("bhxh", dossier_id, "in_step", n_repairs=1)
    assert (seen["repaired_from"], await bhxh.codes()) == (1, [code])
    assert await town.calls("bhxh", code, "TiepNhanHoSo") == [False, True]
    assert await town.incidents(dossier_id) == []


async def test_a_portal_that_lost_a_dossier_before_it_was_seen_gets_its_history_again_in_order(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg", looks_at_once=0):
        lane = await town.told("dvcqg", dossier_id)
    before = await town.at_portal(dossier_id)
    assert (await portal.client.delete(f"/sandbox/dvcqg/dossiers/{dossier_id}")).status_code == 204
    async with town.adapter("dvcqg"):
        await town.stands("dvcqg", dossier_id, "in_step", n_repairs=1, repaired_from=1, in_step_no=len(lane))
    after = await town.at_portal(dossier_id)
    assert (steps(after), after["state"], after["due_at"]) == (steps(before), before["state"], before["due_at"])
    assert [one["text"] for one in after["progress"]] == [one["text"] for one in before["progress"]]


async def test_a_due_date_that_was_reset_there_is_ours_again(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        lane = await in_step(town, dossier_id)
        due = (await town.at_portal(dossier_id))["due_at"]
        later = (datetime.fromisoformat(due) + timedelta(days=9)).strftime("%Y%m%d%H%M%S")
        assert (await portal.act("change", str(dossier_id), fields={"NgayHenTra": later})).status_code == 200
        await town.stands("dvcqg", dossier_id, "in_step", n_repairs=1)
        assert (await town.at_portal(dossier_id))["due_at"] == due
        following = await town.lane("dvcqg", dossier_id)
    assert len(await town.calls("dvcqg", str(dossier_id), "CapNhatTienDoHoSoMC")) == len(lane)
    assert {one["state"] for one in following} == {"done"}
    assert await town.incidents(dossier_id) == []


async def test_what_does_not_stay_mended_becomes_an_incident_after_some_tries(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg", looks_at_once=0):
        await town.told("dvcqg", dossier_id)
    assert (await portal.act("change", str(dossier_id), fields={"NgayHenTra": "20300101080000"})).status_code == 200
    await town.execute("UPDATE standing SET n_tries = 3")
    async with town.adapter("dvcqg"):
        incident = await incident_of(town, dossier_id, "diverged")
        assert (incident["detail"], set(incident["theirs"])) == ("told_again_3_times", {"appointment_at"})
        assert (await town.resolve(incident, "retry"))["action"] == "retry"
        await town.stands("dvcqg", dossier_id, "in_step", n_repairs=1)
    assert await town.incidents(dossier_id) == []


async def test_a_withdrawal_at_the_portal_is_an_incident_with_all_sides_and_is_not_written_over(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        await town.told("dvcqg", dossier_id)
        await town.stands("dvcqg", dossier_id, "in_step")
        assert (await portal.act("withdraw", str(dossier_id))).status_code == 200
        incident = await incident_of(town, dossier_id, "diverged")
        sides = [incident[side]["status"] for side in ("base", "ours", "theirs")]
        assert sides == ["accepted", "accepted", "withdrawn"]
        assert (await town.at_portal(dossier_id))["state"] == "7"
        assert (await portal.act("change", str(dossier_id), state="2")).status_code == 200
        await closed(town, dossier_id)
    assert (await town.standing("dvcqg", dossier_id))["n_repairs"] == 0


async def test_a_field_of_the_offices_own_that_its_clerk_changed_is_a_persons_matter(town: Town) -> None:
    dossier_id, code = await town.for_bhxh()
    bhxh = town.partner("bhxh")
    async with town.adapter("bhxh"):
        await town.stands("bhxh", dossier_id, "in_step")
        assert (await bhxh.act("change", code, fields={"MaThuTuc": "BH.99"})).status_code == 200
        incident = await incident_of(town, dossier_id, "diverged")
        names = {side: incident[side]["procedure_code"] for side in ("base", "ours", "theirs")}
        assert names == {"base": "LT.01", "ours": "LT.01", "theirs": "BH.99"}
        await town.resolve(incident, "accept")
        await town.stands("bhxh", dossier_id, "settled")
    assert await town.incidents(dossier_id) == []
    assert (await bhxh.dossier(code))["fields"]["MaThuTuc"] == "BH.99"


async def test_a_dossier_that_a_clerk_deleted_is_an_incident_and_told_again_when_a_person_says_so(town: Town) -> None:
    dossier_id, code = await town.for_bhxh()
    bhxh = town.partner("bhxh")
    async with town.adapter("bhxh"):
        await town.stands("bhxh", dossier_id, "in_step")
        await bhxh.client.delete(f"/sandbox/bhxh/dossiers/{code}")
        incident = await incident_of(town, dossier_id, "missing")
        assert (incident["theirs"], incident["allowed"]) == (None, ["accept", "dismiss", "retry"])
        assert await bhxh.codes() == []
        await town.resolve(incident, "retry")
        await town.stands("bhxh", dossier_id, "in_step", n_repairs=1)
    assert await bhxh.codes() == [code]


async def test_a_slip_that_tax_lost_is_told_again_under_its_own_number(town: Town) -> None:
    dossier_id, code = await town.accept()
    await town.work(dossier_id, "appraisal", "slip_sent")
    tax = town.partner("tax")
    async with town.adapter("tax", looks_at_once=0):
        [first] = await town.told("tax", dossier_id, "acknowledged")
    await tax.client.delete(f"/sandbox/tax/dossiers/{code}")
    async with town.adapter("tax"):
        await town.stands("tax", dossier_id, "in_step", n_repairs=1)
        [again] = await town.lane("tax", dossier_id)
    assert (again["id"], again["state"]) == (first["id"], "acknowledged")
    assert len((await tax.dossier(code))["fields"]["slips"]) == 1


async def test_a_change_that_finds_its_dossier_deleted_waits_for_a_person_and_comes_after_its_history(
    town: Town,
) -> None:
    """Chaos, seed 902: line 21 had made the dossier anew, and lines 1 to 20 came after it."""
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        lane = await in_step(town, dossier_id)
        await town.execute("UPDATE standing SET look_at = NULL")
        await portal.client.delete(f"/sandbox/dvcqg/dossiers/{dossier_id}")
        await town.work(dossier_id, "appraisal", "slip_sent")
        incident = await incident_of(town, dossier_id, "missing")
        head = (await town.lane("dvcqg", dossier_id))[len(lane)]
        assert (head["state"], head["reason_code"], await portal.codes()) == ("waiting", "not_there", [])
        await town.resolve(incident, "retry")
        lane = await in_step(town, dossier_id, n_repairs=1)
    assert lines(await town.at_portal(dossier_id)) == [one["no"] for one in lane]
    assert await town.incidents(dossier_id) == []


async def test_a_change_to_a_dossier_that_was_lost_before_it_was_seen_comes_after_its_history(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg", looks_at_once=0):
        await town.told("dvcqg", dossier_id)
        await portal.client.delete(f"/sandbox/dvcqg/dossiers/{dossier_id}")
        await town.work(dossier_id, "appraisal", "slip_sent")
        lane = await town.told("dvcqg", dossier_id)
    assert lines(await town.at_portal(dossier_id)) == [one["no"] for one in lane]
    assert (await town.standing("dvcqg", dossier_id))["repaired_from"] == 1
    assert await town.incidents(dossier_id) == []


async def test_a_dossier_that_is_deleted_while_it_is_told_again_is_an_incident(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        lane = await in_step(town, dossier_id)
        await portal.faults({"kind": "down", "seconds": 600, "calls": ["DongBoHoSoMC"]})
        assert (await portal.act("change", str(dossier_id), fields={"NgayHenTra": "20300101080000"})).status_code == 200

        async def is_told_again() -> bool:
            return bool((await town.standing("dvcqg", dossier_id))["n_repairs"])

        await eventually(is_told_again)
        await portal.client.delete(f"/sandbox/dvcqg/dossiers/{dossier_id}")
        incident = await incident_of(town, dossier_id, "missing")
        await portal.faults()
        await town.resolve(incident, "retry")
        lane = await in_step(town, dossier_id, n_repairs=2)
    assert lines(await town.at_portal(dossier_id)) == [one["no"] for one in lane]


async def test_a_change_to_a_dossier_that_a_person_let_go_is_refused_and_they_see_it(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        lane = await in_step(town, dossier_id)
        await portal.client.delete(f"/sandbox/dvcqg/dossiers/{dossier_id}")
        await town.resolve(await incident_of(town, dossier_id, "missing"), "accept")
        await town.work(dossier_id, "appraisal", "slip_sent")
        incident = await incident_of(town, dossier_id, "refused")
        assert (incident["theirs"]["reason_code"], incident["ours"]["no"]) == ("let_go", len(lane) + 1)
        assert await portal.codes() == []
        await town.resolve(incident, "retry")
        lane = await in_step(town, dossier_id, n_repairs=1)
    assert lines(await town.at_portal(dossier_id)) == [one["no"] for one in lane]
    assert await town.incidents(dossier_id) == []


@pytest.mark.parametrize("what", ["11", "x"])
async def test_what_is_not_understood_is_never_in_step(town: Town, what: str) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg", looks_at_once=0):
        await town.told("dvcqg", dossier_id)
    fields = {"NgayHenTra": what}
    assert (await portal.act("change", str(dossier_id), fields=fields)).status_code == 200
    async with town.adapter("dvcqg") as url:

        async def looked() -> bool:
            metrics = (await town.client.get(f"{url}/metrics")).text
            return 'lienthong_adapter_looks_total{seen="unknown",system="dvcqg"}' in metrics

        await eventually(looked)
    standing = await town.standing("dvcqg", dossier_id)
    assert (standing["verdict"], standing["in_step_no"], standing["observed_at"]) == ("pending", None, None)


async def test_a_partner_that_is_down_for_a_day_is_lag_and_nothing_has_diverged(town: Town) -> None:
    dossier_id, _ = await town.accept()
    portal = town.partner("dvcqg")
    async with town.adapter("dvcqg"):
        await town.told("dvcqg", dossier_id)
        await town.stands("dvcqg", dossier_id, "in_step")
    await portal.faults({"kind": "down", "seconds": 600})
    with town.days_later(1):
        await town.work(dossier_id, "appraisal", "slip_sent")
        await town.execute("UPDATE standing SET look_at = clock_timestamp() - interval '1 day'")
        async with town.adapter("dvcqg") as url:

            async def looked() -> bool:
                metrics = (await town.client.get(f"{url}/metrics")).text
                return 'looks_total{seen="unknown",system="dvcqg"}' in metrics

            await eventually(looked)
            await town.tried("dvcqg", dossier_id, 3)
            down = await town.standing("dvcqg", dossier_id)
            assert (down["verdict"], await town.incidents(dossier_id)) == ("in_step", [])
            assert "dvcqg" in await town.behind()
            await portal.faults()
            lane = await town.told("dvcqg", dossier_id)
            await town.stands("dvcqg", dossier_id, "in_step", in_step_no=len(lane), n_repairs=0)
    assert await town.incidents(dossier_id) == []
