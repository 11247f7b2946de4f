"""The brake: too much of a system has diverged, repair stops, one incident calls a person, one command ends it."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.workflow.jobs import show_diverged
from tests.integration.workflow.support import World
from tests.integration.workflow.test_exchange import drain
from tests.integration.workflow.test_looking import due, looks, saw
from tests.integration.workflow.test_observing import incidents, resolve

N = 12
SOME = """
    INSERT INTO standing (dossier_id, system, told_no, fence, is_fresh, verdict, since, n_repairs, n_tries)
    SELECT gen_random_uuid(), 'dvcqg', 1, 1, FALSE, :verdict, clock_timestamp(), 0, 0 FROM generate_series(1, :n)
"""


async def limit(world: World, **brake: float) -> None:
    """Give the portal other limits than it has: they are data."""
    latest = world.service.references.latest("system", "dvcqg").model_dump(mode="json")
    await world.add("system", {**latest, "version": latest["version"] + 1, "brake": brake})


async def all_gone(world: World) -> list[dict[str, Any]]:
    """Have every dossier looked at, and seen to be gone, a few at once as an adapter does."""
    await due(world)
    found = await looks(world, limit=100)
    return [one for at in range(0, len(found), 4) for one in await asyncio.gather(
        *(saw(world, look, exists=False) for look in found[at : at + 4])
    )]  # fmt: skip


async def test_the_brake_is_put_on_once_nothing_is_repaired_then_and_one_command_releases_it(world: World) -> None:
    await limit(world, at_least=5, percent=1)
    for _ in range(N):
        await world.accept()
    await drain(world, "dvcqg")
    seen = await all_gone(world)
    assert [one["verdict"] for one in seen] == ["diverged"] * N
    assert 4 <= len([one for one in seen if one["n_repairs"]]) <= 7  # four at once do not see each other
    (brake,) = await incidents(world)
    assert (brake["kind"], brake["dossier_id"], brake["allowed"]) == ("brake", None, ["release"])
    assert brake["ours"] == {"at_least": 5, "percent": 1.0}
    await drain(world, "dvcqg")
    held = await all_gone(world)
    assert (len(held), {one["n_repairs"] for one in held}) == (N, {0, 1})
    assert len(await incidents(world)) == 1
    await show_diverged(world.service)
    assert REGISTRY.get_sample_value("lienthong_braked", {"system": "dvcqg"}) == 1
    assert REGISTRY.get_sample_value("lienthong_diverged", {"system": "dvcqg"}) == N
    released = await resolve(world, brake, "release")
    assert (released.status_code, released.json()["closed_by"]) == (200, "ops-test")
    await mended(world)


async def mended(world: World) -> None:
    """Repair goes on: everything is looked at at once, told again, and seen to be in step."""
    again = [await saw(world, look, exists=False) for look in await looks(world, limit=100)]
    assert (len(again), min(one["n_repairs"] for one in again)) == (N, 1)
    assert len(await drain(world, "dvcqg")) == 4 * N
    await due(world)
    seen = [await saw(world, look, status="accepted") for look in await looks(world, limit=100)]
    assert [one["verdict"] for one in seen] == ["in_step"] * N
    assert await incidents(world) == []


@pytest.mark.parametrize(
    ("n_diverged", "n_others", "is_on"), [(48, 0, False), (49, 0, True), (59, 5_940, False), (59, 5_939, True)]
)
async def test_the_brake_needs_fifty_and_more_than_one_percent(
    world: World, n_diverged: int, n_others: int, *, is_on: bool
) -> None:
    await world.accept()
    await drain(world, "dvcqg")
    await world.rows(SOME, n=n_diverged, verdict="diverged")
    await world.rows(SOME, n=n_others, verdict="in_step")
    await all_gone(world)
    assert [one["kind"] for one in await incidents(world)] == (["brake"] if is_on else [])


async def test_the_brake_of_one_system_leaves_the_others_alone_and_its_limits_are_the_systems_own(
    world: World,
) -> None:
    await limit(world, at_least=1, percent=1)
    await world.accept()
    await drain(world, "dvcqg")
    await all_gone(world)
    (brake,) = await incidents(world)
    assert (brake["kind"], brake["system"], brake["theirs"]) == ("brake", "dvcqg", {"n_diverged": 1})
    assert (await incidents(world, system="tax")) == []
