"""The relay alone: a ledger of unpublished rows, until the broker has acknowledged and the ledger marked them all."""

import asyncio
import time
from dataclasses import dataclass

import asyncpg
import uvloop

from deploy.local.topics import make_topics
from shared.events.envelope import TOPIC, to_headers
from shared.kafka import Message
from shared.outbox import N_SHARDS
from shared.relay import BATCH
from shared.service import Service
from shared.timeline import Event, shard_of
from tests.bench.history import copies, told
from tests.bench.inside import one_service, running_engines
from tests.bench.table import Row
from tests.support import Databases

SOURCE = "workflow"
N_EVENTS = 20_000
FLOOR = "floor."
LOOK = "SELECT EXISTS (SELECT FROM event WHERE published_at IS NULL) FROM pg_sleep(0.02)"
COLUMNS = (
    "dossier_id", "seq", "id", "type", "time", "after", "chain", "data", "correlation_id", "traceparent",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One run."""

    per_second: float
    cpu_ms: float
    """Per event, of the process the relay runs in."""
    floor: float
    """Messages per second that the broker takes from the same producer, without a ledger."""


def measure(runs: int, share: float) -> list[Row]:
    """Return the rate of the relay, and that of the broker beneath it."""
    with running_engines() as found:
        seen = uvloop.run(_runs(Databases(found), runs, int(N_EVENTS * share)))
    return [
        Row("relay: events/s, from the ledger to marked as published", [one.per_second for one in seen], aim="≥ 5,000"),
        Row("relay: CPU per event in its process", [one.cpu_ms for one in seen], "{:.3f} ms"),
        Row("floor: the same messages sent without a ledger, per second", [one.floor for one in seen]),
    ]


async def _runs(databases: Databases, runs: int, n_events: int) -> list[Seen]:
    own = [event for event in await told(databases) if event.source == SOURCE]
    seen = []
    for _ in range(runs):
        events = list(copies(own, n_events // len(own)))
        async with one_service(databases, SOURCE) as service:
            await lay(service, events)
            seen.append(await _relayed(service, events))
    return seen


async def lay(service: Service, events: list[Event]) -> None:
    """Put *events* of its own into a service's ledger, not yet published."""
    name = service.definition.name
    connection = await _connect(service)
    rows = [(*(getattr(event, column) for column in COLUMNS), shard_of(event.dossier_id, N_SHARDS)) for event in events]
    await connection.copy_records_to_table("event", records=rows, columns=[*COLUMNS, "shard"])
    await connection.execute("ANALYZE event")
    await connection.close()
    assert all(event.source == name for event in events)


async def _connect(service: Service) -> "asyncpg.Connection":
    settings = service.settings
    database = f"{settings.database_prefix}{service.definition.name}"
    return await asyncpg.connect(settings.postgres_url, database=database)


async def _relayed(service: Service, events: list[Event]) -> Seen:
    floor = await _sent(service, events)
    connection = await _connect(service)
    began, cpu_began = time.perf_counter(), time.process_time()
    relay = asyncio.create_task(service.relay.run())
    while await connection.fetchval(LOOK):
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    relay.cancel()
    await asyncio.wait([relay])
    await connection.close()
    return Seen(len(events) / seconds, cpu / len(events) * 1000, floor)


async def _sent(service: Service, events: list[Event]) -> float:
    await make_topics(service.settings.kafka, prefix=f"{service.settings.kafka_prefix}{FLOOR}")
    messages = [Message(f"{FLOOR}{TOPIC}", str(e.dossier_id).encode(), e.data, to_headers(e)) for e in events]
    await service.publisher.send(messages[:1])
    began = time.perf_counter()
    for at in range(0, len(messages), BATCH):
        assert all(await service.publisher.send(messages[at : at + BATCH]))
    return len(messages) / (time.perf_counter() - began)
