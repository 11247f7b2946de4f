"""What the adapter API must bear: whatever is brought is refused with a clear problem, parked, or nothing new."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.workflow.support import NOW, World
from tests.integration.workflow.test_exchange import answer, as_system, drain, lane, lease
from tests.integration.workflow.test_hearing import NOTICES, said
from tests.integration.workflow.test_observing import code_of, incidents


async def bring(world: World, **changes: Any) -> tuple[int, str]:
    """Bring an observation; return the status and the code of the problem, or the verdict."""
    body = {"observed_at": world.service.clock.now().isoformat(), "how": "read", **changes}
    found = await as_system(world, "dvcqg", "POST", "/observations", body)
    return found.status_code, found.json().get("code" if found.status_code != 200 else "verdict", "")


async def test_an_observation_that_can_not_be_true_is_refused_with_a_clear_problem(world: World) -> None:
    dossier = await world.accept()
    await drain(world, "dvcqg")
    code, later = await code_of(world, dossier), world.service.clock.now() + timedelta(minutes=20)
    for changes, expected in (
        ({"dossier_code": code, "observed_at": later.isoformat()}, (422, "malformed")),
        ({"dossier_code": "H99.01-000000-0000"}, (404, "dossier_unknown")),
        ({"dossier_id": str(uuid4())}, (404, "dossier_unknown")),
        ({"dossier_code": "H99.01-000000-0000", "dossier_id": str(dossier)}, (404, "dossier_unknown")),
        ({}, (404, "dossier_unknown")),
        ({"dossier_code": code, "state": {"status": "almost_done"}}, (422, "malformed")),
        ({"dossier_code": code, "state": {"owner": "x"}}, (422, "malformed")),
        ({"dossier_code": code, "mood": "x"}, (422, "malformed")),
        ({"dossier_code": code, "how": "guessed"}, (422, "malformed")),
        ({"dossier_code": code, "log": [0]}, (422, "malformed")),
        ({"dossier_code": code, "log": list(range(1, 2002))}, (422, "malformed")),
        ({"dossier_code": code, "state": {"code": "x" * 10_000_000}}, (413, "body_too_large")),
    ):
        assert await bring(world, **changes) == expected, str(changes)[:100]
    shown = await world.call("GET", f"/v1/systems/dvcqg/dossiers/{dossier}", "ops")
    assert (shown.json()["standing"]["verdict"], shown.json()["standing"]["observed"]) == ("pending", None)


async def test_only_the_system_itself_is_handed_its_looks_and_says_what_it_saw(world: World) -> None:
    await world.accept()
    token = world.issuer.token("system", subject="tax")
    for path in ("looks/lease", "observations"):
        body = {} if path.startswith("looks") else {"dossier_code": "x", "observed_at": NOW, "how": "read"}
        headers = {"Authorization": f"Bearer {token}"}
        found = await world.http.post(f"/v1/systems/dvcqg/{path}", headers=headers, json=body)
        assert (found.status_code, found.json()["code"]) == (403, "forbidden")
        officer = await world.call("POST", f"/v1/systems/dvcqg/{path}", "officer", "H99.01", json=body)
        assert officer.status_code == 403


async def test_what_was_not_leased_can_not_be_answered_and_stays_untold(world: World) -> None:
    dossier = await world.accept()
    [head, *behind] = await lane(world, "dvcqg", dossier)
    for delivery, fence in ((head, 1), (head, 7), (behind[-1], 1)):
        found = await answer(world, "dvcqg", {**delivery, "fence": fence}, "taken")
        assert (found.status_code, found.json()["code"]) == (409, "stale_lease")
    for fence in (0, -1, 2**31):
        assert (await answer(world, "dvcqg", {**head, "fence": fence}, "taken")).status_code == 422
    assert {one["state"] for one in await lane(world, "dvcqg", dossier)} == {"waiting"}
    [leased] = await lease(world, "dvcqg")
    assert (leased["no"], leased["n_tries"]) == (1, 1)


async def test_a_year_of_callbacks_played_again_moves_nothing(world: World) -> None:
    dossier = await world.accept()
    year: list[tuple[str, str, str, dict[str, Any]]]
    year = [("vbdlis", "leg_acknowledged", "a", {}), ("vbdlis", "leg_completed", "b", {"outcome": "slip_sent"})]
    year += [("vbdlis", "progressed", f"p{day}", {"step_code": "THAMDINH"}) for day in range(12)]
    year += [("tax", "leg_completed", "c", {"outcome": "notice_issued", "notices": NOTICES})]
    first = [await said(world, system, dossier, kind, no, **data) for system, kind, no, data in year]
    facts, messages = await world.names(dossier), await world.rows("SELECT count(*) FROM inbound")
    again = [await said(world, system, dossier, kind, no, **data) for system, kind, no, data in year]
    assert again == first
    assert {status for status, _ in first} == {"applied"}
    assert await world.names(dossier) == facts
    assert await world.rows("SELECT count(*) FROM inbound") == messages


async def test_a_status_that_goes_backwards_is_moot_or_parked_and_never_applied(world: World) -> None:
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_acknowledged", "a")
    await said(world, "vbdlis", dossier, "leg_completed", "b", outcome="slip_sent")
    facts = await world.names(dossier)
    assert await said(world, "vbdlis", dossier, "leg_acknowledged", "c") == ("moot", "completed_before")
    assert await said(world, "vbdlis", dossier, "leg_returned", "d") == ("parked", "no_open_leg")
    assert await said(world, "vbdlis", dossier, "supplement_proposed", "e") == ("parked", "no_open_leg")
    assert await world.names(dossier) == facts


async def test_a_status_that_goes_backwards_there_is_told_again_if_it_is_ours_and_an_incident_if_not(
    world: World,
) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    n_told = len(await drain(world, "dvcqg"))
    assert await bring(world, dossier_id=str(dossier), state={"status": "submitted"}) == (200, "diverged")
    assert [one["kind"] for one in await incidents(world)] == ["diverged"]
    assert await bring(world, dossier_id=str(dossier), state={"status": "processing"}) == (200, "in_step")
    assert await bring(world, dossier_id=str(dossier), stands_at=2) == (200, "diverged")
    assert await incidents(world) == []
    again = await drain(world, "dvcqg")
    assert [(one["no"], one["state"]) for one in again] == [(no, "unknown") for no in range(3, n_told + 1)]


@pytest.mark.parametrize("outcome", ["", "unheard-of"])
async def test_an_outcome_that_no_leg_has_is_parked(world: World, outcome: str) -> None:
    dossier = await world.accept()
    given = {"outcome": outcome} if outcome else {}
    assert await said(world, "vbdlis", dossier, "leg_completed", **given) == ("parked", "unmapped_outcome")
    assert list(await world.open_legs(dossier)) == ["appraisal"]
