"""The exchange with outside systems: every change, once, in order; an answer that is not sure is not a yes."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.workflow.handlers.again import doubt_waiting
from services.workflow.repository import exchange as repository
from shared.events import intake
from tests.integration.workflow.support import NOW, World
from tests.support import eventually


async def as_system(world: World, system: str, method: str, path: str, body: Any = None) -> httpx.Response:
    token = world.issuer.token("system", subject=system)
    headers = {"Authorization": f"Bearer {token}"}
    return await world.http.request(method, f"/v1/systems/{system}{path}", headers=headers, json=body)


async def lease(world: World, system: str, limit: int = 50, seconds: float = 60) -> list[dict[str, Any]]:
    answer = await as_system(world, system, "POST", "/deliveries/lease", {"limit": limit, "seconds": seconds})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def answer(world: World, system: str, leased: dict[str, Any], what: str, **more: Any) -> httpx.Response:
    body = {"fence": leased["fence"], "answer": what, **more}
    return await as_system(world, system, "POST", f"/deliveries/{leased['id']}/ack", body)


async def drain(world: World, system: str) -> list[dict[str, Any]]:
    """Take everything that is due, one after another, until nothing is."""
    taken: list[dict[str, Any]] = []
    while leased := await lease(world, system):
        for one in leased:
            assert (await answer(world, system, one, "taken")).status_code == 200
        taken += leased
    return taken


async def lane(world: World, system: str, dossier: UUID) -> list[dict[str, Any]]:
    found = await world.call("GET", f"/v1/systems/{system}/dossiers/{dossier}", "ops")
    assert found.status_code == 200, found.text
    deliveries: list[dict[str, Any]] = found.json()["deliveries"]
    return deliveries


async def time_passes(world: World) -> None:
    """Let every lease run out and every pause end."""
    await world.rows("UPDATE delivery SET next_try_at = clock_timestamp() WHERE next_try_at IS NOT NULL")


async def test_every_change_is_told_once_in_the_order_in_which_it_happened(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    taken = await drain(world, "dvcqg")
    assert [one["fact"] for one in taken] == [
        "DossierSubmitted", "DossierAccepted", "LegCompleted", "LegOffered", "LegAcknowledged", "LegCompleted",
        "LegOffered",
    ]  # fmt: skip
    assert [one["no"] for one in taken] == list(range(1, 8))
    assert [one["payload"]["dossier"]["status"] for one in taken] == [
        "submitted",
        *["accepted"] * 3,
        *["processing"] * 3,
    ]
    assert {one["state"] for one in await lane(world, "dvcqg", dossier)} == {"done"}


async def test_a_system_hears_of_a_dossier_when_its_own_agency_is_handed_a_leg(world: World) -> None:
    dossier = await world.accept()
    assert [one["fact"] for one in await drain(world, "vbdlis")] == ["LegOffered"]
    assert await lease(world, "tax") == []
    await world.work(dossier, "appraisal", "slip_sent")
    (slip,) = await lease(world, "tax")
    assert slip["payload"]["data"]["agency_code"] == "H99.THUE.01"
    assert slip["payload"]["dossier"]["code"].startswith("H99.01-")
    assert await lease(world, "vbdlis") == []


async def test_people_are_references_of_the_version_that_was_in_force(world: World) -> None:
    dossier = await world.accept()
    await world.tell(dossier, intake.ApplicantChanged(applicant_version=2))
    taken = await drain(world, "dvcqg")
    versions = [one["payload"]["applicant"]["full_name"] for one in taken]
    assert versions[:-1] == [{"$applicant": "full_name", "version": 1}] * (len(taken) - 1)
    assert versions[-1] == {"$applicant": "full_name", "version": 2}


async def test_only_the_first_change_of_a_dossier_that_is_not_taken_is_handed_out(world: World) -> None:
    first, second = await world.accept(), await world.accept()
    leased = await lease(world, "dvcqg")
    assert {(one["dossier_id"], one["no"]) for one in leased} == {(str(first), 1), (str(second), 1)}
    assert await lease(world, "dvcqg") == []
    mine = next(one for one in leased if one["dossier_id"] == str(first))
    assert (await answer(world, "dvcqg", mine, "taken")).json()["state"] == "done"
    assert [(one["dossier_id"], one["no"]) for one in await lease(world, "dvcqg")] == [(str(first), 2)]


async def test_two_adapters_at_once_never_get_the_same_delivery(world: World) -> None:
    for _ in range(12):
        await world.accept()
    parts = await asyncio.gather(*(lease(world, "dvcqg", limit=3) for _ in range(6)))
    ids = [one["id"] for part in parts for one in part]
    assert len(ids) == len(set(ids)) == 12


async def test_a_lease_that_ran_out_may_have_been_sent_so_it_comes_again_as_unknown(world: World) -> None:
    await world.accept()
    (before,) = await lease(world, "vbdlis")
    await time_passes(world)
    (again,) = await lease(world, "vbdlis")
    assert (again["id"], again["payload"]) == (before["id"], before["payload"])
    assert (before["state"], again["state"], again["fence"]) == ("waiting", "unknown", before["fence"] + 1)
    late = await answer(world, "vbdlis", before, "taken")
    assert (late.status_code, late.json()["code"]) == (409, "stale_lease")
    assert (await answer(world, "vbdlis", again, "taken")).status_code == 200


@pytest.mark.parametrize(("what", "state"), [("no_effect", "waiting"), ("unknown", "unknown")])
async def test_a_partner_that_is_away_is_tried_without_end_with_growing_pauses(
    world: World, what: str, state: str
) -> None:
    await world.accept()
    pauses = []
    for n_tries in range(1, 15):
        (leased,) = await lease(world, "vbdlis")
        assert leased["n_tries"] == n_tries
        body = (await answer(world, "vbdlis", leased, what, reason_code="502", message="Bad Gateway")).json()
        assert (body["state"], body["reason_code"]) == (state, "502")
        [row] = await world.rows("SELECT extract(epoch FROM next_try_at - clock_timestamp()) AS s FROM delivery "
                                 "WHERE system = 'vbdlis' AND next_try_at IS NOT NULL")  # fmt: skip
        pauses.append(float(row.s))
        assert await lease(world, "vbdlis") == []
        await time_passes(world)
    assert pauses[0] < 1.1
    assert sorted(pauses) == pauses or max(pauses) <= 300
    assert 290 < pauses[-1] <= 300


async def test_tries_without_effect_do_not_count_among_those_whose_effect_is_unknown(world: World) -> None:
    """A yes that is contradicted five times is a person's matter: an outage before it says nothing."""
    await world.accept()
    for what, expected in (*[("no_effect", n) for n in range(1, 8)], ("unknown", 8), ("unknown", 2), ("unknown", 3)):
        (leased,) = await lease(world, "vbdlis")
        assert leased["n_tries"] == expected
        await answer(world, "vbdlis", leased, what)
        await time_passes(world)


async def test_a_refusal_stops_its_own_lane_only(world: World) -> None:
    refused, other = await world.accept(), await world.accept()
    for one in await lease(world, "dvcqg"):
        what = "refused" if one["dossier_id"] == str(refused) else "taken"
        assert (await answer(world, "dvcqg", one, what, reason_code="-1")).status_code == 200
    taken = await drain(world, "dvcqg")
    assert {one["dossier_id"] for one in taken} == {str(other)}
    assert [one["state"] for one in await lane(world, "dvcqg", refused)][:2] == ["refused", "waiting"]


async def test_the_same_answer_again_changes_nothing_and_another_one_is_refused(world: World) -> None:
    await world.accept()
    (leased,) = await lease(world, "vbdlis")
    first = await answer(world, "vbdlis", leased, "taken")
    assert (await answer(world, "vbdlis", leased, "taken")).json() == first.json()
    other = await answer(world, "vbdlis", leased, "refused")
    assert (other.status_code, other.json()["code"]) == (409, "stale_lease")


async def test_a_business_result_belongs_to_what_was_taken_technically(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    (slip,) = await lease(world, "tax")
    path, result = f"/deliveries/{slip['id']}/result", {"outcome": "done", "data": {"MA_KETQUA": "00"}}
    early = await as_system(world, "tax", "POST", path, result)
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    assert (await answer(world, "tax", slip, "taken")).json()["state"] == "acknowledged"
    done = await as_system(world, "tax", "POST", path, result)
    assert (done.status_code, done.json()["state"], done.json()["result"]) == (200, "done", {"MA_KETQUA": "00"})
    assert (await as_system(world, "tax", "POST", path, result)).json() == done.json()
    other = await as_system(world, "tax", "POST", path, {"outcome": "refused"})
    assert other.status_code == 409
    again = await as_system(world, "tax", "POST", path, {"outcome": "done", "data": {"MA_KETQUA": "01"}})
    assert (again.status_code, again.json()["result"]) == (200, {"MA_KETQUA": "01"})


@pytest.mark.parametrize("action", ["taken", "retry"])
async def test_a_business_refusal_that_is_settled_later_takes_no_lane_back_behind_what_was_told(
    world: World, action: str
) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    (slip,) = await lease(world, "tax")
    await answer(world, "tax", slip, "taken")
    back = {"outcome": "refused", "data": {}}
    assert (await as_system(world, "tax", "POST", f"/deliveries/{slip['id']}/result", back)).status_code == 200
    await world.work(dossier, "tax", "notice_issued", notices=[{"notice_no": "TB-1", "amount": 1}])
    await world.tell(dossier, intake.PaymentRecorded(notice_no="TB-1", amount=1, paid_at=NOW, method="bank"))
    assert [one["no"] for one in await drain(world, "tax")] == [2]
    (incident,) = (await world.call("GET", "/v1/incidents", "ops")).json()["items"]
    body = {"action": action, "note": "đã kiểm tra"}
    settled = await world.call("POST", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)
    assert settled.status_code == 200, settled.text
    again = await lease(world, "tax")
    assert [(one["no"], one["state"]) for one in again] == ([] if action == "taken" else [(1, "unknown")])


async def test_what_was_just_leased_is_not_written_over_by_who_tells_again(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    await world.work(dossier, "appraisal", "slip_sent")
    async with world.service.sessions.begin() as session:
        (leased, *_) = await repository.lease(session, "dvcqg", 1, 60)
        deleted = asyncio.create_task(saw_nothing(world, dossier))
        await eventually(lambda: is_waiting(world))
    assert (await deleted)["n_repairs"] == 0
    [row] = await world.rows("SELECT state, n_tries, leased_until FROM delivery WHERE id = :id", id=leased.id)
    assert (row.n_tries, row.leased_until is not None) == (1, True)


async def saw_nothing(world: World, dossier: UUID) -> dict[str, Any]:
    """Say that the dossier was never there, so that all of it is to be told again."""
    at = world.service.clock.now().isoformat()
    body = {"dossier_id": str(dossier), "observed_at": at, "how": "read", "exists": False, "state": {}}
    found = await as_system(world, "dvcqg", "POST", "/observations", body)
    assert found.status_code == 200, found.text
    standing: dict[str, Any] = found.json()
    return standing


async def is_waiting(world: World) -> bool:
    """Say whether somebody waits for a row."""
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    [row] = await world.rows(query)
    return bool(row.n)


async def test_what_is_not_the_adapters_own_is_refused_with_a_clear_problem(world: World) -> None:
    await world.accept()
    (leased,) = await lease(world, "vbdlis")
    body = {"fence": 1, "answer": "taken"}
    token = world.issuer.token("system", subject="tax")
    for path, expected in (
        (f"/v1/systems/vbdlis/deliveries/{leased['id']}/ack", (403, "forbidden")),
        (f"/v1/systems/tax/deliveries/{leased['id']}/ack", (404, "delivery_unknown")),
        (f"/v1/systems/tax/deliveries/{uuid4()}/ack", (404, "delivery_unknown")),
        (f"/v1/systems/nobody/deliveries/{leased['id']}/ack", (404, "system_unknown")),
    ):
        found = await world.http.post(path, headers={"Authorization": f"Bearer {token}"}, json=body)
        assert (found.status_code, found.json()["code"]) == expected, path
    officer = await world.call("POST", "/v1/systems/vbdlis/deliveries/lease", "officer", "H99.01", json={})
    assert officer.status_code == 403
    unleased = await as_system(
        world, "vbdlis", "POST", f"/deliveries/{leased['id']}/ack", {"fence": 7, "answer": "taken"}
    )
    assert unleased.json()["code"] == "stale_lease"


async def test_facts_are_told_the_same_however_they_are_cut_into_batches(world: World) -> None:
    told = []
    for cut in range(3):
        dossier = await world.accept()
        facts: list[Any] = [
            intake.SupplementRequested(request_no=1, stage="processing", ground="g", component_codes=["GCN"]),
            intake.SupplementReceived(request_no=1),
            intake.DossierWithdrawn(reason_code="x"),
        ]
        for part in (facts[:cut], facts[cut:]):
            if part:
                await world.tell(dossier, *part)
        told.append([(one["no"], one["fact"]) for one in await lane(world, "dvcqg", dossier)])
    assert told[0] == told[1] == told[2]


async def test_ops_see_what_each_system_has_not_taken_yet(world: World) -> None:
    await world.accept()
    found = {one["code"]: one for one in (await world.call("GET", "/v1/systems", "ops")).json()["items"]}
    assert set(found) == {"bhxh", "dvcqg", "tax", "vbdlis"}
    assert [(one["state"], one["n"]) for one in found["dvcqg"]["waiting"]] == [("waiting", 4)]
    assert found["tax"]["waiting"] == []
    own = await world.call("GET", "/v1/systems", "system")
    assert [one["code"] for one in own.json()["items"]] == ["vbdlis"]


async def test_in_a_restored_database_what_waits_may_have_been_told(world: World) -> None:
    dossier = await world.accept()
    (first,) = await lease(world, "dvcqg")
    assert (await answer(world, "dvcqg", first, "taken")).status_code == 200
    async with world.service.sessions.begin() as session:
        await doubt_waiting(session)
    states = [one["state"] for one in await lane(world, "dvcqg", dossier)]
    assert states[0] == "done"
    assert set(states[1:]) == {"unknown"}
    assert [one["state"] for one in await lease(world, "dvcqg")] == ["unknown"]
