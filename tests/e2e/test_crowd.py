"""Two processes of one service share its work: one may die or freeze, and nothing is lost, doubled or left behind.

It comes before those that share a system, by its name: two whole systems at once would wait for each other.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from deploy.demo.client import Client, fast_clock
from deploy.demo.story import UNIT
from deploy.local.ports import free_ports
from deploy.local.programs import Program, local_plan, python, variable
from deploy.local.stack import Stack
from shared.clock import Clock
from shared.relay import LEASE_SECONDS
from tests.e2e.conftest import START
from tests.e2e.test_land_transfer import play, quick

DOUBLED = ("workflow", "sla", "notify")
SPEED = 5_000.0


@pytest.fixture(scope="module")
def crowd_clock() -> str:
    return fast_clock(START, SPEED)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, crowd_clock: str) -> Iterator[Stack]:
    """The whole system with a second worker of every listening service."""
    given = {name: os.environ.pop(name, None) for name in ("LIENTHONG_POSTGRES_URL", "LIENTHONG_KAFKA")}
    plan = local_plan().with_free_ports()
    seconds = [
        Program(f"{name}-second", python(f"services.{name}", "worker"), port, env={variable(name): str(port)})
        for name, port in zip(DOUBLED, free_ports(len(DOUBLED)), strict=True)
    ]
    whole = replace(plan, programs=(*plan.programs, *seconds))
    with Stack(tmp_path_factory.mktemp("crowd"), plan=whole, clock=crowd_clock) as running:
        yield running
    os.environ.update({name: value for name, value in given.items() if value})


@pytest.fixture
async def client(crowd: Stack, crowd_clock: str) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(trust_env=False, timeout=15) as http:
        yield Client(crowd, Clock.parse(crowd_clock), http)


async def told(client: Client, dossier_id: str) -> Counter[str]:
    """Return how often each fact was told of a dossier."""
    timeline = await client.get("intake", f"/v1/dossiers/{dossier_id}/timeline", "officer", UNIT)
    return Counter(item["type"] for item in timeline["items"] if not item["type"].endswith("MessageSent.v1"))


async def mailed(client: Client, dossier_id: str) -> list[str]:
    """Return the keys of all messages about a dossier."""
    rows = (await client.get("notify", f"/v1/dossiers/{dossier_id}/messages", "ops"))["items"]
    return [row["id"] for row in rows]


async def test_one_of_two_workers_freezes_longer_than_its_lease_and_another_dies(client: Client, crowd: Stack) -> None:
    stories = [quick(client, 70 + number) for number in range(4)]
    playing = asyncio.create_task(play(client, *stories))
    await asyncio.sleep(1.0)
    frozen = crowd.pid("workflow-second")
    assert frozen is not None
    os.kill(frozen, signal.SIGSTOP)
    crowd.kill("sla-second")
    await asyncio.sleep(LEASE_SECONDS + 2)
    os.kill(frozen, signal.SIGCONT)
    await asyncio.to_thread(crowd.restart, "sla-second")
    await asyncio.wait_for(playing, 120)
    usual = await told(client, str(stories[0].id))
    for story in stories:
        facts = await told(client, str(story.id))
        assert facts["vn.lienthong.LegCompleted.v1"] == usual["vn.lienthong.LegCompleted.v1"] == 6
        assert {facts[f"vn.lienthong.{once}.v1"] for once in ("RouteOpened", "ClockStarted", "ClockFinished")} == {1}
        keys = await mailed(client, str(story.id))
        assert keys
        assert len(keys) == len(set(keys))
