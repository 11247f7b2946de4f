"""A land-transfer dossier goes through four real services, whatever dies on its way, and all tell the same story."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.demo.client import Client
from deploy.demo.narrator import equal_heads, in_step
from deploy.demo.story import UNIT, Story
from deploy.local.stack import Stack
from shared.clock import Clock
from shared.events.envelope import TOPIC, from_message
from shared.settings import SERVICES

PERSONAL = ("Nguyễn Văn Mẫu", "nguoi-nop-", "vi-du.invalid")


async def play(client: Client, *stories: Story) -> None:
    """Play dossiers at once and see each returned, with equal heads everywhere and every outside system in step."""
    await asyncio.gather(*(story.play() for story in stories))
    assert [story.trouble for story in stories if story.trouble] == []
    for story in stories:
        assert await equal_heads(client, story, seconds=30), f"heads of {story.id} differ"
        assert await in_step(client, story, seconds=60), f"{story.code} is not in step with {story.systems}"


@pytest.fixture(scope="module", autouse=True)
async def late(stack: Stack, clock_text: str) -> AsyncIterator[Story]:
    """A dossier that lies at the land office all the time, whatever else is played, killed or away here."""
    async with httpx.AsyncClient(trust_env=False, timeout=15) as http:
        client = Client(stack, Clock.parse(clock_text), http)
        story = Story(client, 60, days_at_land_office=365)  # later than any Tết moves it
        playing = asyncio.create_task(story.play())
        yield story
        playing.cancel()
        await asyncio.wait([playing])
    assert story.trouble == ""


def quick(client: Client, number: int) -> Story:
    return Story(client, number, days_at_land_office=0.2, days_at_tax=0.2, days_to_pay=0.2)


async def test_a_dossier_is_returned_and_all_services_tell_the_same_story(client: Client) -> None:
    story = quick(client, 1)
    await play(client, story)
    dossier = await client.get("intake", f"/v1/dossiers/{story.id}", "officer", UNIT)
    route = await client.get("workflow", f"/v1/dossiers/{story.id}", "ops")
    clock = await client.get("sla", f"/v1/dossiers/{story.id}/clock", "ops")
    assert (dossier["status"], dossier["outcome"]) == ("returned", "granted")
    assert {leg["status"] for leg in route["legs"]} == {"completed"}
    assert clock["status"] == "finished"
    timeline = await client.get("intake", f"/v1/dossiers/{story.id}/timeline", "officer", UNIT)
    assert {item["source"] for item in timeline["items"]} == set(SERVICES)
    accepted = next(item for item in timeline["items"] if item["type"].endswith("DossierAccepted.v1"))
    started = next(item for item in timeline["items"] if item["type"].endswith("ClockStarted.v1"))
    assert accepted["data"]["appointment_at"] == started["data"]["deadline_at"]


@pytest.mark.parametrize("victim", ["intake", "workflow", "sla", "notify", "kafka", "postgres"])
async def test_killing_a_process_in_between_changes_nothing_but_the_time(
    client: Client, stack: Stack, victim: str
) -> None:
    stories = [quick(client, 10 + number) for number in range(3)]
    playing = asyncio.create_task(play(client, *stories))
    await asyncio.sleep(1.0)
    stack.kill(victim)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(stack.restart, victim)
    await asyncio.wait_for(playing, 120)


async def test_killing_adapters_and_outside_systems_in_between_tells_nothing_twice(
    client: Client, stack: Stack
) -> None:
    stories = [quick(client, 20 + number) for number in range(3)]
    playing = asyncio.create_task(play(client, *stories))
    for victim in ("vbdlis", "tax", "dvcqg", "sandbox"):
        await asyncio.sleep(2.0)
        stack.kill(victim)
        await asyncio.to_thread(stack.restart, victim)
    await asyncio.wait_for(playing, 120)
    for story in stories:
        lines = (await client.seen("dvcqg", str(story.id)))["progress"]
        steps = [re.match(r"Bước (\d+): ", line["text"]) for line in lines]
        numbers = [int(step[1]) for step in steps if step]
        assert len(numbers) > 10
        assert numbers == sorted(set(numbers)), f"{story.code}: a step was told twice or out of order"
        assert (await client.seen("vbdlis", story.code))["state"] == "returned"


async def test_commands_answer_while_kafka_is_away_and_all_is_in_step_afterwards(client: Client, stack: Stack) -> None:
    stories = [quick(client, 30 + number) for number in range(3)]
    stack.kill("kafka")
    playing = asyncio.create_task(play(client, *stories))
    await asyncio.sleep(8)
    assert all(story.code for story in stories), "a command did not answer without the broker"
    await asyncio.to_thread(stack.restart, "kafka")
    await asyncio.wait_for(playing, 120)


async def test_nothing_personal_left_intake(client: Client, stack: Stack) -> None:
    """Reads the whole topic, every other database and all logs, and looks for it."""
    await play(client, quick(client, 50))
    topic = await _whole_topic(stack)
    assert topic, "the topic is empty"
    databases = {name: await _whole_database(stack, name) for name in SERVICES if name != "intake"}
    logs = {path.name: path.read_text(errors="replace") for path in (stack.data_dir / "log").glob("*.log")}
    for where, text in {"topic": topic, **databases, **logs}.items():
        found = [word for word in PERSONAL if word in text]
        assert not found, f"{where} holds {found}"
    intake = await _whole_database(stack, "intake")
    assert any(word in intake for word in PERSONAL), "the search finds nothing at all"


async def _whole_topic(stack: Stack) -> str:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=stack.engines.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        texts = []
        while [part for part, end in ends.items() if await consumer.position(part) < end]:
            batches = await consumer.getmany(timeout_ms=500)
            for record in (record for batch in batches.values() for record in batch):
                from_message(record.headers, record.value)
                texts.append(f"{record.headers} {record.value.decode()}")
        return "\n".join(texts)
    finally:
        await consumer.stop()


async def _whole_database(stack: Stack, service: str) -> str:
    connection = await asyncpg.connect(stack.engines.postgres_url, database=f"lienthong_{service}")
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{row["tablename"]}" t') for row in tables]
        texts = [_readable(row[0]) for table in rows for row in table]
        return "\n".join(texts)
    finally:
        await connection.close()


def _readable(text: str) -> str:
    """Return a row's text with its bytea (hex) decoded, so that nothing hides in it."""
    decode: Callable[[Any], str] = lambda found: bytes.fromhex(found[1]).decode(errors="replace")  # noqa: E731
    return re.sub(r"\\\\?x((?:[0-9a-f]{2})+)", decode, text)


async def test_a_late_dossier_is_warned_about_and_missed_once(client: Client, late: Story) -> None:
    seen: list[str] = []
    for _ in range(1800):
        if late.id:
            timeline = await client.get("intake", f"/v1/dossiers/{late.id}/timeline", "officer", UNIT)
            seen = [item["type"].split(".")[2] for item in timeline["items"]]
            if "DeadlineMissed" in seen:
                break
        await asyncio.sleep(0.1)
    assert seen.count("DeadlineApproaching") == 1
    assert seen.count("DeadlineMissed") == 1
