"""Observations and incidents: a divergence is seen with both sides, and is over when being in step is observed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from shared.events import intake, sla
from tests.integration.workflow.support import World
from tests.integration.workflow.test_exchange import answer, as_system, drain, lane, lease, time_passes


async def code_of(world: World, dossier: UUID) -> str:
    return str((await world.see(dossier))["code"])


async def observe(world: World, dossier: UUID, *, system: str = "dvcqg", exists: bool = True, **state: Any) -> Any:
    body = {
        "dossier_code": await code_of(world, dossier), "observed_at": world.service.clock.now().isoformat(),
        "how": "read", "exists": exists, "state": state,
    }  # fmt: skip
    found = await as_system(world, system, "POST", "/observations", body)
    assert found.status_code == 200, found.text
    return found.json()


async def incidents(world: World, **query: Any) -> list[dict[str, Any]]:
    found = await world.call("GET", "/v1/incidents", "ops", params=query)
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def resolve(world: World, incident: dict[str, Any], action: str) -> httpx.Response:
    body = {"action": action, "note": "đã kiểm tra"}
    return await world.call("POST", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)


async def test_what_a_system_had_taken_is_in_step_and_what_is_on_its_way_is_lag(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    assert (await observe(world, dossier, status="accepted"))["verdict"] == "in_step"
    await world.work(dossier, "appraisal", "slip_sent")
    assert (await observe(world, dossier, status="accepted"))["verdict"] == "pending"
    await drain(world, "dvcqg")
    assert (await observe(world, dossier, status="processing"))["verdict"] == "in_step"
    assert await incidents(world) == []


async def test_a_divergence_is_one_incident_with_both_sides_until_being_in_step_is_observed(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    for _ in range(3):
        assert (await observe(world, dossier, status="returned"))["verdict"] == "diverged"
    (incident,) = await incidents(world)
    assert (incident["kind"], incident["ours"], incident["theirs"], incident["base"]) == (
        "diverged", {"status": "accepted"}, {"status": "returned"}, {"status": "accepted"},
    )  # fmt: skip
    assert (await observe(world, dossier, status="accepted"))["verdict"] == "in_step"
    assert await incidents(world) == []
    (closed,) = await incidents(world, is_open=False)
    assert closed["closed_by"] == "observation"


async def test_a_field_that_both_changed_is_a_conflict_and_a_dossier_that_is_gone_is_missing(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    assert (await observe(world, dossier, status="accepted"))["verdict"] == "in_step"
    later = world.service.clock.now() + timedelta(days=20)
    moved = sla.DeadlineMoved(from_at=later, to_at=later, reason="supplement", citation="x")
    await world.tell_as("sla", dossier, moved)
    theirs = (later + timedelta(days=1)).isoformat()
    assert (await observe(world, dossier, appointment_at=theirs))["verdict"] == "diverged"
    assert (await observe(world, dossier, exists=False))["verdict"] == "diverged"
    assert {one["kind"] for one in await incidents(world)} == {"conflict", "missing"}


async def test_a_refused_delivery_is_an_incident_and_a_person_lets_the_lane_go_on(world: World) -> None:
    dossier, other = await world.accept(), await world.accept()
    for one in await lease(world, "dvcqg"):
        assert (await answer(world, "dvcqg", one, "refused", reason_code="-1", message="sai")).status_code == 200
    first, second = sorted(await incidents(world), key=lambda one: one["dossier_id"] != str(dossier))
    assert (first["kind"], first["theirs"]) == ("refused", {"reason_code": "-1", "message": "sai"})
    assert first["allowed"] == ["retry", "taken"]
    assert (await resolve(world, first, "retry")).status_code == 200
    assert (await resolve(world, second, "taken")).status_code == 200
    taken = await drain(world, "dvcqg")
    assert [one["no"] for one in taken if one["dossier_id"] == str(dossier)] == [1, 2, 3, 4]
    assert [one["no"] for one in taken if one["dossier_id"] == str(other)] == [2, 3, 4]
    assert await incidents(world) == []
    assert {one["state"] for one in await lane(world, "dvcqg", other)} == {"done"}


async def test_what_is_on_its_way_while_it_is_told_again_is_not_overtaken(world: World) -> None:
    dossier = await world.accept()
    told = await drain(world, "dvcqg")
    await observe(world, dossier, status="accepted")
    await observe(world, dossier, exists=False)
    (incident,) = await incidents(world)
    assert (await resolve(world, incident, "retry")).status_code == 200
    (first,) = await lease(world, "dvcqg")
    await answer(world, "dvcqg", first, "taken")
    (second,) = await lease(world, "dvcqg")
    assert (await answer(world, "dvcqg", second, "gone", reason_code="not_there")).json()["state"] == "waiting"
    await time_passes(world)
    (second,) = await lease(world, "dvcqg")
    (incident,) = await incidents(world)
    assert (incident["kind"], (await resolve(world, incident, "retry")).status_code) == ("missing", 409)
    await answer(world, "dvcqg", second, "gone", reason_code="not_there")
    assert (await resolve(world, incident, "retry")).status_code == 200
    assert [one["no"] for one in await drain(world, "dvcqg")] == [one["no"] for one in told]


async def refuse_and_settle(world: World, reason_code: str = "-1") -> dict[str, Any]:
    """Let the next delivery to the portal be refused, and a person say that it was taken."""
    (refused,) = await lease(world, "dvcqg")
    await answer(world, "dvcqg", refused, "refused", reason_code=reason_code)
    (incident,) = await incidents(world)
    assert (await resolve(world, incident, "taken")).status_code == 200
    return refused


async def test_what_a_person_settled_before_a_system_knew_the_dossier_is_no_part_of_its_history(world: World) -> None:
    """Nothing there then contradicts nothing, and the change that makes the dossier there is its first."""
    dossier = await world.accept()
    assert (await refuse_and_settle(world))["is_first"]
    assert (await observe(world, dossier, exists=False))["verdict"] == "pending"
    (second,) = await lease(world, "dvcqg")
    assert (second["no"], second["is_first"]) == (2, True)
    await answer(world, "dvcqg", second, "taken")
    (third,) = await lease(world, "dvcqg")
    assert (third["no"], third["is_first"]) == (3, False)
    assert (await answer(world, "dvcqg", third, "gone", reason_code="not_there")).status_code == 200
    assert [one["no"] for one in await drain(world, "dvcqg")] == [2, 3, 4]
    first = (await lane(world, "dvcqg", dossier))[0]
    assert (first["state"], first["acknowledged_at"]) == ("done", None)


async def test_a_fact_without_a_call_that_a_person_settled_is_not_asked_about_again(world: World) -> None:
    dossier = await world.accept()
    (first,) = await lease(world, "dvcqg")
    await answer(world, "dvcqg", first, "taken")
    await refuse_and_settle(world, "no_call")
    assert [one["no"] for one in await drain(world, "dvcqg")] == [3, 4]
    assert (await observe(world, dossier, exists=False))["n_repairs"] == 1
    assert [one["no"] for one in await drain(world, "dvcqg")] == [1, 3, 4]
    assert (await observe(world, dossier, status="accepted"))["verdict"] == "in_step"
    assert await incidents(world) == []


async def test_gone_of_what_was_never_there_is_a_refusal_that_a_person_sees(world: World) -> None:
    await world.accept()
    (first,) = await lease(world, "dvcqg")
    said = (await answer(world, "dvcqg", first, "gone", reason_code="404")).json()
    assert (said["state"], said["reason_code"]) == ("refused", "404")
    (incident,) = await incidents(world)
    assert (incident["kind"], incident["allowed"]) == ("refused", ["retry", "taken"])


async def test_what_was_accepted_is_news_again_once_it_was_in_step_in_between(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    for _ in range(2):
        assert (await observe(world, dossier, status="accepted"))["verdict"] == "in_step"
        assert (await observe(world, dossier, exists=False))["verdict"] == "diverged"
        assert (await observe(world, dossier, exists=False))["verdict"] == "diverged"
        (incident,) = await incidents(world)
        assert (await resolve(world, incident, "accept")).status_code == 200
        for _ in range(2):
            assert (await observe(world, dossier, exists=False))["verdict"] == "settled"
        assert await incidents(world) == []


async def test_every_refusal_of_a_lane_is_an_incident_of_its_own(world: World) -> None:
    """A slip that is sent back later does not hide the refusal at which its lane stands."""
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    (slip,) = await lease(world, "tax")
    await answer(world, "tax", slip, "taken")
    await world.tell(dossier, intake.DossierWithdrawn(reason_code="APPLICANT"))
    (cancelled,) = await lease(world, "tax")
    await answer(world, "tax", cancelled, "refused", reason_code="no_call")
    back = {"outcome": "refused", "data": {}}
    assert (await as_system(world, "tax", "POST", f"/deliveries/{slip['id']}/result", back)).status_code == 200
    found = {one["ours"]["no"]: one for one in await incidents(world)}
    assert found.keys() == {1, 2}
    assert (await resolve(world, found[1], "taken")).status_code == 200
    (left,) = await incidents(world)
    assert left["ours"]["no"] == 2
    assert (await resolve(world, left, "taken")).status_code == 200
    assert {one["state"] for one in (await lane(world, "tax", dossier))[:2]} == {"done"}


async def test_a_slip_that_was_sent_back_and_is_told_again_waits_for_a_result_of_its_own(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    back = {"outcome": "refused", "data": {}}
    for _ in range(2):
        (slip,) = await lease(world, "tax")
        assert (await answer(world, "tax", slip, "taken")).json()["state"] == "acknowledged"
        path = f"/deliveries/{slip['id']}/result"
        assert (await as_system(world, "tax", "POST", path, back)).json()["state"] == "refused"
        (incident,) = await incidents(world)
        assert (await resolve(world, incident, "retry")).status_code == 200


async def test_an_incident_is_settled_once_and_only_as_its_kind_allows(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    await observe(world, dossier, status="returned")
    (incident,) = await incidents(world)
    wrong = await resolve(world, incident, "taken")
    assert (wrong.status_code, wrong.json()["allowed"]) == (409, ["accept", "dismiss", "retry"])
    assert (await resolve(world, incident, "dismiss")).json()["closed_by"] == "ops-test"
    assert (await resolve(world, incident, "dismiss")).json()["code"] == "already_done"
    officer = await world.call("GET", "/v1/incidents", "officer", "H99.01")
    assert officer.status_code == 403


async def test_what_was_never_told_to_a_system_can_not_be_observed_there(world: World) -> None:
    dossier = await world.accept()
    body = {"dossier_code": await code_of(world, dossier), "observed_at": "2026-10-05T00:00:00Z", "how": "read"}
    assert (await as_system(world, "bhxh", "POST", "/observations", body)).status_code == 404
    body["dossier_code"] = "H99.01-000000-0000"
    assert (await as_system(world, "dvcqg", "POST", "/observations", body)).status_code == 404
