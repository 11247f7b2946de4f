"""Who is looked at, when, and what an observation may say: the newest look after the newest change, nothing else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from shared.events import intake
from tests.integration.workflow.support import World
from tests.integration.workflow.test_exchange import answer, as_system, drain, lease
from tests.integration.workflow.test_observing import incidents, resolve


async def looks(world: World, system: str = "dvcqg", **ask: Any) -> list[dict[str, Any]]:
    found = await as_system(world, system, "POST", "/looks/lease", ask)
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def saw(world: World, look: dict[str, Any], *, exists: bool = True, **state: Any) -> dict[str, Any]:
    """Bring what was seen at a look."""
    body = {"dossier_id": look["dossier_id"], "fence": look["fence"], "how": "read", "exists": exists, "state": state}
    at = world.service.clock.now().isoformat()
    found = await as_system(world, "dvcqg", "POST", "/observations", {**body, "observed_at": at})
    assert found.status_code == 200, found.text
    standing: dict[str, Any] = found.json()
    return standing


async def due(world: World) -> None:
    """Let every dossier be due to be looked at."""
    await world.rows("UPDATE standing SET look_at = clock_timestamp() WHERE look_at IS NOT NULL")


async def pause(world: World, dossier: UUID) -> float:
    """Return how long until a dossier is looked at next."""
    query = "SELECT extract(epoch FROM look_at - clock_timestamp()) AS s FROM standing WHERE dossier_id = :id"
    [row] = await world.rows(f"{query} AND system = 'dvcqg'", id=dossier)
    return float(row.s)


async def age(world: World, **length: float) -> None:
    """Let everything have been as it is for so long."""
    at = f"clock_timestamp() - interval '{timedelta(**length).total_seconds()} seconds'"
    await world.rows(f"UPDATE standing SET acknowledged_at = {at}, since = {at}")


async def test_what_was_taken_is_looked_at_soon_once_and_with_the_last_change_that_was_taken(world: World) -> None:
    dossier = await world.accept()
    assert await looks(world) == []
    told = await drain(world, "dvcqg")
    assert 1 < await pause(world, dossier) <= 2
    assert await looks(world) == []
    await due(world)
    [look] = await looks(world)
    assert (look["dossier_id"], look["no"], look["id"]) == (str(dossier), len(told), told[-1]["id"])
    assert look["payload"]["dossier"]["status"] == "accepted"
    assert await looks(world) == []
    await due(world)
    [again] = await looks(world)
    assert again["fence"] == look["fence"] + 1
    assert (await saw(world, look, status="returned"))["verdict"] == "pending"
    assert (await saw(world, again, status="accepted"))["verdict"] == "in_step"


async def test_what_was_taken_and_not_seen_since_comes_before_a_backlog_of_old_looks(world: World) -> None:
    old = [await world.accept() for _ in range(3)]
    await drain(world, "dvcqg")
    await due(world)
    for look in await looks(world):
        await saw(world, look, status="accepted")
    new = await world.accept()
    await drain(world, "dvcqg")
    await world.rows("UPDATE standing SET look_at = clock_timestamp() - interval '1 day' WHERE look_at IS NOT NULL")
    await world.rows("UPDATE standing SET look_at = clock_timestamp() WHERE dossier_id = :id", id=new)
    [first] = await looks(world, limit=1)
    assert first["dossier_id"] == str(new)
    assert {one["dossier_id"] for one in await looks(world)} == {str(one) for one in old}


async def test_looks_become_rarer_with_age_and_rarest_when_a_dossier_is_closed(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    pauses = []
    for length in ({"seconds": 0.5}, {"seconds": 60}, {"hours": 1}, {"days": 30}):
        await age(world, **length)
        await due(world)
        [look] = await looks(world)
        await saw(world, look, status="accepted")
        pauses.append(round(await pause(world, dossier)))
    assert pauses == [2, 60, 3600, 6 * 3600]
    await world.tell(dossier, intake.DossierWithdrawn(reason_code="x"))
    await drain(world, "dvcqg")
    await age(world, days=30)
    await due(world)
    [look] = await looks(world)
    await saw(world, look, status="withdrawn")
    assert round(await pause(world, dossier)) == 7 * 24 * 3600


async def test_a_system_without_a_read_has_nothing_to_look_at(world: World) -> None:
    await world.accept()
    await drain(world, "vbdlis")
    await due(world)
    assert await looks(world, "vbdlis") == []
    assert [row.look_at for row in await world.rows("SELECT look_at FROM standing WHERE system = 'vbdlis'")] == [None]


async def test_an_observation_that_is_older_than_the_newest_acknowledgement_says_nothing(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    await due(world)
    [look] = await looks(world)
    before = world.service.clock.now().isoformat()
    await world.work(dossier, "appraisal", "slip_sent")
    await drain(world, "dvcqg")
    assert (await saw(world, look, status="submitted"))["verdict"] == "pending"
    body = {"dossier_id": str(dossier), "observed_at": before, "how": "callback", "state": {"status": "submitted"}}
    assert (await as_system(world, "dvcqg", "POST", "/observations", body)).json()["verdict"] == "pending"
    assert await incidents(world) == []


async def test_nothing_is_judged_while_changes_are_told_again_and_none_is_on_its_way_twice(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    await due(world)
    [look] = await looks(world)
    assert (await saw(world, look, exists=False))["verdict"] == "diverged"
    await world.work(dossier, "appraisal", "slip_sent")
    [first] = await lease(world, "dvcqg")
    assert (first["no"], first["state"]) == (1, "unknown")
    body = {"dossier_id": str(dossier), "observed_at": world.service.clock.now().isoformat(), "how": "callback"}
    found = await as_system(world, "dvcqg", "POST", "/observations", {**body, "exists": False})
    assert (found.json()["n_repairs"], found.json()["look_at"]) == (1, None)
    assert (await answer(world, "dvcqg", first, "taken")).status_code == 200
    assert [one["no"] for one in await drain(world, "dvcqg")] == [2, 3, 4, 5, 6, 7]


async def test_a_lane_that_was_refused_is_not_told_again_before_a_person_has_decided(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    await world.work(dossier, "appraisal", "slip_sent")
    [refused] = await lease(world, "dvcqg")
    await answer(world, "dvcqg", refused, "refused", reason_code="-1")
    await due(world)
    [look] = await looks(world)
    assert (await saw(world, look, exists=False))["n_repairs"] == 0
    [incident] = await incidents(world)
    assert (await resolve(world, incident, "taken")).status_code == 200
    await drain(world, "dvcqg")
    await due(world)
    [look] = await looks(world)
    assert (await saw(world, look, exists=False))["n_repairs"] == 1
    assert [one["no"] for one in await drain(world, "dvcqg")] == [1, 2, 3, 4, 5, 6, 7]


async def test_ops_see_what_has_diverged_and_how_late_the_looks_are(world: World) -> None:
    dossiers = [await world.accept() for _ in range(2)]
    await drain(world, "dvcqg")
    await due(world)
    [one, _] = sorted(await looks(world), key=lambda look: look["dossier_id"] != str(dossiers[0]))
    await saw(world, one, status="returned")
    await due(world)
    found = {one["code"]: one for one in (await world.call("GET", "/v1/systems", "ops")).json()["items"]}
    assert (found["dvcqg"]["diverged"]["n"], found["dvcqg"]["looks_due"]["n"]) == (1, 2)
    assert (found["tax"]["diverged"], found["tax"]["looks_due"]) == ({"n": 0, "since": None}, {"n": 0, "since": None})


async def test_a_look_that_brings_nothing_stays_due_and_holds_up_no_other(world: World) -> None:
    """What is not understood is leased again and again: ops see since when, and old looks are not starved by it."""
    odd, _ = [await world.accept() for _ in range(2)]
    await drain(world, "dvcqg")
    await due(world)
    await looks(world)
    before = (await looks_due(world, "dvcqg"))["since"]
    assert await looks(world) == []
    await due(world)
    for look in await looks(world):
        if look["dossier_id"] != str(odd):
            await saw(world, look, status="accepted")
    assert await looks_due(world, "dvcqg") == {"n": 1, "since": before}
    [row] = await world.rows("SELECT is_fresh, due_since FROM standing WHERE dossier_id = :id", id=odd)
    assert (row.is_fresh, row.due_since is not None) == (False, True)


async def test_looks_of_a_system_that_can_not_be_read_are_not_due(world: World) -> None:
    await world.accept()
    await drain(world, "dvcqg")
    await due(world)
    assert (await looks_due(world, "dvcqg"))["n"] == 1
    latest = world.service.references.latest("system", "dvcqg").model_dump(mode="json")
    await world.add("system", {**latest, "version": latest["version"] + 1, "reads_back": False})
    assert (await looks_due(world, "dvcqg"))["n"] == 0


async def looks_due(world: World, system: str) -> dict[str, Any]:
    """Return how many looks at a system are due, and since when."""
    items = (await world.call("GET", "/v1/systems", "ops")).json()["items"]
    due: dict[str, Any] = next(one for one in items if one["code"] == system)["looks_due"]
    return due


async def in_step(world: World, role: str = "leader", **period: str) -> httpx.Response:
    asked = {"from": "2026-01-01", "to": "2026-12-31", **period}
    return await world.call("GET", "/v1/systems/dvcqg/in-step", role, params=asked)


async def test_leaders_see_by_unit_how_many_dossiers_of_a_period_are_in_step_at_the_portal(world: World) -> None:
    dossiers = [await world.accept() for _ in range(3)]
    await drain(world, "dvcqg")
    await due(world)
    for look in await looks(world):
        if look["dossier_id"] != str(dossiers[2]):
            await saw(world, look, status="returned" if look["dossier_id"] == str(dossiers[0]) else "accepted")
    await world.accept(unit="H99.02")
    found = (await in_step(world)).json()
    assert [tuple(unit.values()) for unit in found["units"]] == [(3, 2, 0, 1, "H99.01"), (1, 0, 1, 0, "H99.02")]
    assert (found["n"], found["n_in_step"], found["n_on_its_way"], found["n_contradicted"]) == (4, 2, 1, 1)
    today = world.service.clock.now().date()
    nothing = (await in_step(world, to=str(today - timedelta(days=1)))).json()
    assert (nothing["n"], nothing["units"]) == (0, [])
    await resolve(world, (await incidents(world))[0], "accept")
    assert (await in_step(world)).json()["n_contradicted"] == 1
    await world.rows("UPDATE standing SET due_since = due_since - interval '11 minutes'")
    unread = (await in_step(world)).json()
    assert (unread["n_in_step"], unread["n_on_its_way"]) == (1, 2)


async def test_a_period_that_ends_before_it_begins_and_who_may_not_ask_are_refused(world: World) -> None:
    refused = await in_step(world, to="2025-12-31")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "query/to")
    assert (await in_step(world, "officer")).status_code == 403
    assert (await in_step(world, to="31/12/2026")).status_code == 422
