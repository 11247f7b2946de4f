"""Agencies end while they hold legs: the legs move, once, to who took over; what nobody took over is shown."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.workflow import jobs
from services.workflow.handlers import succession
from shared.events import intake
from shared.events.workflow import LegCancelled, LegOffered
from tests.integration.workflow.support import World

LAND, TAX, OTHER_TAX = "H99.VPDK", "H99.THUE.01", "H99.THUE.02"
LAST_DAY = "2026-10-04"
"""The day before the clock of the tests starts."""


async def at_tax(world: World) -> UUID:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    return dossier


async def inbox(world: World, agency: str) -> list[dict[str, Any]]:
    answer = await world.call("GET", f"/v1/agencies/{agency}/inbox", "officer", agency)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def stranded(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await world.call("GET", "/v1/stranded-legs", "ops")).json()["items"]
    return items


def gauge(agency: str) -> float | None:
    return REGISTRY.get_sample_value("lienthong_stranded_legs", {"agency": agency})


async def test_an_open_leg_moves_to_the_successor_with_its_deadline_and_the_route_goes_on(world: World) -> None:
    dossier = await at_tax(world)
    before = (await world.open_legs(dossier))["tax"]
    assert (await world.act(dossier, before, "acknowledge")).status_code == 200
    n_facts = len(await world.facts(dossier))
    await world.amend(TAX, valid_to=LAST_DAY, successor_code=OTHER_TAX)
    assert await jobs.move_legs(world.service) is False

    offered, cancelled = (await world.facts(dossier))[n_facts:]
    assert isinstance(offered, LegOffered)
    assert (offered.leg_no, offered.step_code, offered.agency_code) == (4, "tax", OTHER_TAX)
    assert offered.excluded_ground == "tax_determination"
    assert cancelled == LegCancelled(leg_no=3, reason_code="agency_ended")
    [item] = await inbox(world, OTHER_TAX)
    assert (item["leg_no"], item["status"], item["officer"], item["due_at"]) == (4, "offered", None, before["due_at"])
    assert await stranded(world) == []

    notice = {"notice_no": "TB-1", "amount": 1_000}
    await world.work(dossier, "tax", "notice_issued", notices=[notice])
    assert list(await world.open_legs(dossier)) == ["payment"]


async def test_who_did_not_take_a_moved_leg_gives_it_back_to_who_had_handed_it_over(world: World) -> None:
    dossier = await at_tax(world)
    await world.amend(TAX, valid_to=LAST_DAY, successor_code=OTHER_TAX)
    await jobs.move_legs(world.service)
    refused = await world.act(dossier, (await world.open_legs(dossier))["tax"], "refuse", reason_code="slip_missing")
    assert refused.status_code == 200
    assert list(await world.open_legs(dossier)) == ["appraisal"]


async def test_the_route_says_who_is_offered_the_leg_of_an_agency_that_ended_without_a_successor(world: World) -> None:
    dossier = await at_tax(world)
    await world.amend(TAX, valid_to=LAST_DAY)
    await world.amend(OTHER_TAX, serves={"tax": ["H99.01", "H99.02"]})
    await jobs.move_legs(world.service)
    assert (await world.open_legs(dossier))["tax"]["agency_code"] == OTHER_TAX


async def test_a_leg_that_nobody_takes_over_stays_and_is_shown_until_somebody_does(world: World) -> None:
    dossier = await world.accept()
    n_facts = len(await world.facts(dossier))
    await world.amend(LAND, valid_to=LAST_DAY)
    await jobs.move_legs(world.service)
    assert len(await world.facts(dossier)) == n_facts
    [item] = await stranded(world)
    assert (item["dossier_id"], item["step_code"], item["agency_code"]) == (str(dossier), "appraisal", LAND)
    assert gauge(LAND) == 1
    for role, agency in (("officer", LAND), ("portal", None), ("system", None)):
        assert (await world.call("GET", "/v1/stranded-legs", role, agency)).status_code == 403

    await world.amend(LAND, valid_to=LAST_DAY, successor_code="H99.CNVPDK.01")
    await jobs.move_legs(world.service)
    assert (await world.open_legs(dossier))["appraisal"]["agency_code"] == "H99.CNVPDK.01"
    assert await stranded(world) == []
    assert gauge(LAND) is None


@pytest.mark.parametrize("serves", [{}, {"tax": ["H99.01", "H99.02"]}])
async def test_a_leg_for_which_not_one_agency_is_found_waits_for_it(world: World, serves: dict[str, list[str]]) -> None:
    """Nobody serves the unit, or two do: neither is a reason to lose the dossier, or to guess."""
    dossier = await world.accept(unit="H99.02")
    if serves:
        await world.amend(TAX, serves=serves)
    else:
        await world.amend(OTHER_TAX, serves=serves)
    await world.work(dossier, "appraisal", "slip_sent")
    await jobs.move_legs(world.service)
    [item] = await stranded(world)
    assert (item["dossier_id"], item["step_code"], item["agency_code"]) == (str(dossier), "tax", None)
    assert gauge("") == 1

    await world.amend(TAX, serves={"tax": ["H99.01"]})
    await world.amend(OTHER_TAX, serves={"tax": ["H99.02"]})
    await jobs.move_legs(world.service)
    assert [entry["dossier_id"] for entry in await inbox(world, OTHER_TAX)] == [str(dossier)]
    assert (await world.facts(dossier))[-1] == LegCancelled(leg_no=3, reason_code="agency_found")


async def test_legs_move_once_page_by_page_however_many_rounds_run_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "PAGE", 3)
    wants = {"wants_residence": True, "wants_health_card": True}
    births = [await world.accept("LT.01@1", attributes=wants) for _ in range(4)]
    for birth in births:
        await world.work(birth, "civil-status", "registered")
    lands = [await world.accept() for _ in range(6)]
    for code in ("H99.CA.01", "H99.BHXH.01"):
        await world.amend(code, valid_to=LAST_DAY, successor_code="H99.HT.01")
    await world.amend(LAND, valid_to=LAST_DAY)
    await asyncio.gather(*(jobs.move_legs(world.service) for _ in range(4)))
    await jobs.move_legs(world.service)
    for birth in births:
        legs = (await world.see(birth))["legs"]
        moved = {leg["step_code"]: leg["agency_code"] for leg in legs if leg["status"] == "offered"}
        assert moved == {"residence": "H99.HT.01", "health-card": "H99.HT.01"}
        assert [leg["status"] for leg in legs].count("cancelled") == 2
        assert (await world.names(birth)).count("LegCancelled") == 2
    assert sorted(item["dossier_id"] for item in await stranded(world)) == sorted(str(land) for land in lands)
    assert gauge(LAND) == len(lands)


async def test_officers_and_a_withdrawal_may_cross_the_move(world: World) -> None:
    dossiers = [await at_tax(world) for _ in range(5)]
    legs = [await acknowledged(world, dossier) for dossier in dossiers]
    for dossier in dossiers:
        await world.catch_up(dossier)
    withdrawals = [world.say(dossier, intake.DossierWithdrawn(reason_code="x")) for dossier in dossiers]
    await world.amend(TAX, valid_to=LAST_DAY, successor_code=OTHER_TAX)
    acts = [world.act(*one, "complete", outcome="no_tax_due") for one in zip(dossiers, legs, strict=True)]
    others = asyncio.gather(jobs.move_legs(world.service), world.apply(*withdrawals))
    done = await asyncio.gather(*acts)
    await others
    assert {answer.status_code for answer in done} <= {200, 409}
    await jobs.move_legs(world.service)
    for dossier in dossiers:
        assert await world.open_legs(dossier) == {}
        assert await world.facts(dossier)
    assert await world.rows("SELECT * FROM parked") == []


async def acknowledged(world: World, dossier: UUID) -> dict[str, Any]:
    answer = await world.act(dossier, (await world.open_legs(dossier))["tax"], "acknowledge")
    leg: dict[str, Any] = answer.json()
    return leg
