"""A database restored from an old backup: the service stops, recovers to what it was, and goes on; nothing twice."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Sequence

import asyncpg
import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.demo.client import Client
from deploy.demo.narrator import equal_heads
from deploy.demo.story import Birth, Story
from deploy.local.folder import ROOT
from deploy.local.stack import Stack
from shared.events.envelope import TOPIC
from shared.settings import SERVICES
from tests.support import eventually

HISTORY = "dossier_id, seq, id, type, time, after, chain, data"
LEG = "dossier_id, leg_no, version, step_code, agency_code, status, offered_at, due_at, acknowledged_at, outcome"
ENTRY = "dossier_id, counts_on, known_on, measure, verdict, ending, judged_by"
TIMER = "dossier_id, kind, due_at, deadline_at, revision"
STATE = {
    "intake": (
        "id, version, status, code, appointment_at, suspended_ground, outcome, n_notices, resolved_at FROM dossier",
        "id, submitted_by FROM dossier",
        "dossier_id, notice_no, amount, due_on, paid_at, method FROM payment_notice",
        "prefix, day, last FROM code_counter",
    ),
    "workflow": (
        "id, status, code, unpaid_notices, paid_notices, n_legs, outcome, completed_at FROM dossier",
        f"{LEG}, data FROM leg",
        "dossier_id, picture FROM exchange",
        "dossier_id, system, fact, count(*) FROM delivery GROUP BY 1, 2, 3",
    ),
    "sla": (
        "dossier_id, source, seq, at, kind, no FROM fact",
        "* FROM clock",
        "* FROM suspension",
        "* FROM leg_clock",
        "* FROM holding",
        f"{ENTRY}, sum(n) FROM entry GROUP BY {ENTRY} HAVING sum(n) <> 0",
        f"{TIMER} FROM timer",
    ),
    "notify": ("id, code, has_ended FROM dossier", "id, dossier_id, template, status FROM message"),
}
"""What has to be as it was; officers' words, what was said to a person and how often it was tried are in no event."""


class Banks:
    """The databases of a running system, and backups of them."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    async def run(self, *statements: str) -> None:
        """Run statements beside all databases."""
        connection = await asyncpg.connect(self.stack.engines.postgres_url, database="postgres")
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def copy(self, source: str, target: str) -> None:
        """Copy a database that nobody uses any more."""
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{source}', '{target}')"
        await self.run(ended, f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        await self.run(ended, f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    async def back_up(self, services: Sequence[str]) -> None:
        """Back services up as they are in the middle of their work: killed, copied, started again."""
        for service in services:
            self.stack.kill(service)
        for service in services:
            await self.copy(f"lienthong_{service}", f"backup_{service}")
        await self.start(services)

    async def restore(self, services: Sequence[str]) -> None:
        """Start services on their backups."""
        for service in services:
            self.stack.kill(service)
        for service in services:
            await self.copy(f"backup_{service}", f"lienthong_{service}")
        await self.start(services)

    async def start(self, services: Sequence[str]) -> None:
        """Start services together: each waits for what the others know of it."""
        await asyncio.gather(*(asyncio.to_thread(self.stack.restart, service) for service in services))

    async def rows(self, service: str) -> dict[str, set[str]]:
        """Return the ledger and the state of a service."""
        connection = await asyncpg.connect(self.stack.engines.postgres_url, database=f"lienthong_{service}")
        queries = (f"{HISTORY} FROM event", *STATE[service])
        found = {query: {repr(tuple(row)) for row in await connection.fetch(f"SELECT {query}")} for query in queries}
        await connection.close()
        return found

    async def n_pending(self) -> int:
        """Return how many messages are still to be sent."""
        connection = await asyncpg.connect(self.stack.engines.postgres_url, database="lienthong_notify")
        n_pending: int = await connection.fetchval("SELECT count(*) FROM message WHERE status = 'pending'")
        await connection.close()
        return n_pending

    async def settled(self, services: Sequence[str]) -> dict[str, dict[str, set[str]]]:
        """Return the rows of services once all mail is out and two seconds have changed nothing: looks go on."""
        rows: dict[str, dict[str, set[str]]] = {}
        for _ in range(30):
            earlier, rows = rows, {service: await self.rows(service) for service in services}
            if rows == earlier and not await self.n_pending():
                return rows
            await asyncio.sleep(2)
        raise AssertionError({name: rows[name].keys() for name in rows if rows[name] != earlier[name]})


def put_right(stack: Stack, service: str, *command: str) -> str:
    """Run an operator's command and return what it printed."""
    argv = [sys.executable, "-m", "deploy.local", "operate", service, *command]
    env = {**os.environ, "LIENTHONG_DATA": str(stack.data_dir)}
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def sound(client: Client, service: str) -> bool:
    """Say whether a service goes on."""
    return bool((await client.get(service, "/readyz", "ops"))["standing"] == "sound")


async def refused(client: Client, service: str) -> bool:
    """Say whether a service refuses what would write."""
    paths = {"intake": "/v1/dossiers", "workflow": "/v1/systems/tax/deliveries/lease", "sla": "/v1/deadlines"}
    url = client.stack.url(service) + paths.get(service, "/v1/subscriptions")
    async with httpx.AsyncClient(trust_env=False) as http:
        token = client.stack.token("system", system="tax", subject="tax")
        answer = await http.post(url, headers={"Authorization": f"Bearer {token}"}, json={})
    return answer.status_code == 503 and answer.json()["code"] == "restored_from_backup"


def short(client: Client, number: int) -> Story:
    kind = Birth if number % 2 else Story
    return kind(client, number, days_at_land_office=0.2, days_at_tax=0.2, days_to_pay=0.2, days_to_register=0.2)


async def told(client: Client, story: Story) -> bool:
    """Say whether every outside system has taken all it was told; a result that came before a restore stays unknown."""
    paths = [f"/v1/systems/{system}/dossiers/{story.id}" for system in story.systems]
    lanes = [(await client.get("workflow", path, "ops"))["deliveries"] for path in paths]
    return {one["state"] for lane in lanes for one in lane} <= {"done", "acknowledged"}


async def is_accepted(stories: Sequence[Story]) -> bool:
    """Say whether all are at work, and no slip has gone to the tax office yet: it goes after the backup."""
    return all(story.code for story in stories)


async def whole(client: Client, stories: Sequence[Story]) -> None:
    """See that stories were played without trouble, and that everybody tells the same, each step once."""
    assert [story.trouble for story in stories if story.trouble] == []
    for story in stories:
        assert await equal_heads(client, story, seconds=30)
        assert await eventually(lambda story=story: told(client, story), seconds=60)
        lines = (await client.seen("dvcqg", str(story.id)))["progress"]
        steps = [re.match(r"Bước (\d+): ", line["text"]) for line in lines]
        numbers = [int(step[1]) for step in steps if step]
        assert numbers == sorted(set(numbers)), "a step was told twice"
        if "tax" in story.systems:
            slips = (await client.seen("tax", story.code))["fields"]["slips"]
            assert len(slips) == 1, "a second slip is a second debt"


async def forget(stack: Stack) -> None:
    """Let Kafka have no event any more."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.engines.kafka)
    await admin.start()
    (topic,) = await admin.describe_topics([TOPIC])
    parts = [TopicPartition(TOPIC, part["partition"]) for part in topic["partitions"]]
    await admin.delete_records({part: RecordsToDelete(before_offset=-1) for part in parts})
    await admin.close()


@pytest.mark.parametrize(
    ("lost", "kafka_too"), [(("workflow",), True), (SERVICES, False)], ids=["one, and Kafka's data", "all at once"]
)
async def test_a_service_restored_from_a_backup_recovers_to_what_it_was(
    client: Client, stack: Stack, lost: tuple[str, ...], *, kafka_too: bool
) -> None:
    banks = Banks(stack)
    first = 100 + 10 * len(lost)
    stories = [short(client, first + n) for n in range(2)]
    playing = asyncio.gather(*(story.play() for story in stories))
    await eventually(lambda: is_accepted(stories))
    await banks.back_up(lost)
    await playing
    await whole(client, stories)
    before = await banks.settled(lost)

    if kafka_too:
        await forget(stack)
    await banks.restore(lost)
    for service in lost:
        await eventually(lambda service=service: refused(client, service), seconds=60)
    for service in lost:
        print(put_right(stack, service, "recover"))
    for service in lost:
        await eventually(lambda service=service: sound(client, service))
    for story in stories:
        assert await equal_heads(client, story, seconds=30)
    after = await banks.settled(lost)
    for service in lost:
        for query, rows in before[service].items():
            there = after[service][query]
            assert (query, rows - there, there - rows) == (query, set(), set())

    more = short(client, first + 9)
    await more.play()
    await whole(client, [*stories, more])


async def test_what_sla_derived_is_derived_anew_from_the_ledgers(client: Client, stack: Stack) -> None:
    banks, story = Banks(stack), short(client, 190)
    await story.play()
    await whole(client, [story])
    before = await banks.rows("sla")
    connection = await asyncpg.connect(stack.engines.postgres_url, database="lienthong_sla")
    await connection.execute("UPDATE clock SET deadline_at = NULL, verdict = 'late'; DELETE FROM leg_clock")
    await connection.execute("DELETE FROM fact WHERE source = 'workflow'")
    await connection.close()
    assert await banks.rows("sla") != before
    assert "derived anew" in put_right(stack, "sla", "rebuild", "--all")
    assert await banks.rows("sla") == before
