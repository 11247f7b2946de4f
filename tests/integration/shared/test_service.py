"""The workers of a running service: no message, no lost connection and no rebalance brings one of them to a halt."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.topics import make_topics
from shared import kafka
from shared.events.envelope import TOPIC, Undecodable, from_message, to_headers
from shared.kafka import Message, Publisher
from shared.outbox import new_dossier_id
from shared.reader import Reader
from shared.timeline import Event
from tests.integration.shared.spine import Spine, service_of, spine
from tests.support import Databases, Issuer, eventually


@pytest.fixture
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[Spine]:
    """Intake and workflow with topics of their own."""
    prefix = f"review-{uuid4().hex[:8]}-"
    await make_topics(databases.engines.kafka, prefix=prefix)
    async with spine(databases, issuer, kafka_prefix=prefix) as running:
        yield running


@asynccontextmanager
async def running_reader(town: Spine) -> AsyncIterator[tuple[Reader, asyncio.Task[None]]]:
    """Run a further process of workflow, of which only the reader is used."""
    service = service_of(town, "workflow")
    task = asyncio.create_task(service.reader.run())
    try:
        yield service.reader, task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await service.stop()


def headers_of(event: Event, **changed: Any) -> list[tuple[str, Any]]:
    return [(name, changed.get(name, value)) for name, value in to_headers(event)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda e: headers_of(e, ce_time=b"0001-01-01T00:00:00+07:00"),
        lambda e: headers_of(e, ce_time=b"2026-01-01T00:00:00"),
        lambda e: headers_of(e, ce_dossierseq=b"3000000000"),
        lambda e: headers_of(e, ce_dossierseq=b"-1"),
        lambda e: headers_of(e, ce_chain=b"ff" * 9),
        lambda e: headers_of(e, ce_type=b"a\0b"),
    ],
    ids=["an instant UTC can not say", "a naive instant", "a number too large", "a number below one",
         "a chain too long", "a NUL in the type"],
)  # fmt: skip
async def test_a_message_that_can_not_be_an_event_is_undecodable(
    pair: Spine, spoil: Callable[[Event], list[tuple[str, Any]]]
) -> None:
    (event,) = await pair.ledger("intake", await pair.born())
    with pytest.raises(Undecodable):
        from_message(spoil(event), event.data)


async def test_the_reader_goes_on_after_a_message_with_a_null_header(town: Spine) -> None:
    dossier_id = await town.born()
    (event,) = await town.ledger("intake", dossier_id)
    topic = town.settings["workflow"].kafka_prefix + TOPIC
    async with AIOKafkaProducer(bootstrap_servers=town.settings["workflow"].kafka) as producer:
        spoiled: Any = [*to_headers(event), ("trace-agent", None)]
        await producer.send_and_wait(topic, event.data, key=str(dossier_id).encode(), headers=spoiled)
        await producer.send_and_wait(topic, event.data, key=str(dossier_id).encode(), headers=to_headers(event))
    async with running_reader(town) as (_, task):

        async def applied() -> bool:
            assert not task.done()
            return await town.seq("workflow", dossier_id, "intake") == 1

        await eventually(applied, seconds=30)


async def test_an_event_goes_by_the_real_broker_from_a_request_to_the_other_service(town: Spine) -> None:
    dossier_id = new_dossier_id(datetime.now(UTC))
    headers = {"X-Correlation-Id": "by-the-broker"}
    answer = await town.ask("intake", "POST", f"/v1/said/{dossier_id}?what=ask workflow", headers=headers)
    assert answer.status_code == 201
    assert await town.service("intake").relay.tick() == 1
    async with running_reader(town):

        async def answered() -> list[Event]:
            return await town.ledger("workflow", dossier_id)

        (event,) = await eventually(answered, seconds=30)
    assert event.correlation_id == "by-the-broker"


async def test_the_reader_knows_again_up_to_when_it_has_read_after_a_rebalance(town: Spine) -> None:
    ids = [new_dossier_id(datetime.now(UTC)) for _ in range(64)]

    def known(reader: Reader, since: datetime) -> set[UUID]:
        read = {one: reader.complete_until(one) for one in ids}
        return {one for one, until in read.items() if until is not None and until > since}

    async with running_reader(town) as (first, _):

        async def alone() -> bool:
            return known(first, datetime.now(UTC) - timedelta(seconds=5)) == set(ids)

        await eventually(alone, seconds=30)
        async with running_reader(town) as (second, _):
            began = datetime.now(UTC)

            async def joined() -> bool:
                return bool(known(second, began))

            await eventually(joined, seconds=30)
            since = datetime.now(UTC) + timedelta(seconds=1)

            async def shared() -> bool:
                return bool(known(first, since)) and known(first, since) | known(second, since) == set(ids)

            await eventually(shared, seconds=15)


async def test_every_worker_still_runs_after_the_database_was_away_for_a_while(town: Spine) -> None:
    service = service_of(town, "workflow")
    name = town.settings["workflow"].database_url("workflow").database
    tasks = [asyncio.create_task(work) for work in service.background("worker")]
    try:
        await asyncio.sleep(2)
        for allowed in ("false", "true"):
            await _allow(town, str(name), allowed)
            await asyncio.sleep(3)
        assert [task for task in tasks if task.done()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await service.stop()


async def _allow(town: Spine, database: str, allowed: str) -> None:
    connection = await asyncpg.connect(town.settings["intake"].postgres_url, database="postgres")
    await connection.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS {allowed}')
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
    await connection.close()


class Counted(AIOKafkaProducer):  # type: ignore[misc]
    """A producer that remembers who was started and not stopped."""

    running: list[AIOKafkaProducer] = []  # noqa: RUF012

    async def start(self) -> None:
        """Start."""
        await super().start()
        self.running.append(self)

    async def stop(self) -> None:
        """Stop."""
        await super().stop()
        if self in self.running:
            self.running.remove(self)


async def test_two_who_send_at_once_start_one_producer(town: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "AIOKafkaProducer", Counted)
    settings = town.settings["intake"]
    publisher = Publisher(settings.kafka, "review", settings.kafka_prefix)
    message = Message("reference.data", b"key", b"{}", [])
    assert await asyncio.gather(*(publisher.send([message]) for _ in range(3))) == [[True]] * 3
    await publisher.close()
    leaked = list(Counted.running)
    for producer in leaked:
        await producer.stop()
    assert leaked == []
