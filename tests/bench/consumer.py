"""The consumer alone: events published beforehand, read and applied by one service that starts with empty tables."""

import asyncio
import time
from dataclasses import dataclass

import uvloop
from aiokafka import TopicPartition
from prometheus_client import REGISTRY
from sqlalchemy import func, select

from shared.events.envelope import TOPIC, to_headers
from shared.kafka import Message, start_consumer
from shared.reader import BATCH
from shared.service import Service
from shared.settings import SERVICES
from shared.tables import Hold, Parked
from shared.timeline import Event
from tests.bench.history import copies, told
from tests.bench.inside import one_service, running_engines
from tests.bench.table import Row
from tests.support import Databases

N_LIFECYCLES = 400
LOOK_EVERY_SECONDS = 0.05
LONGEST_SECONDS = 300.0


@dataclass(frozen=True)
class Seen:
    """One run of one reader."""

    per_second: float
    cpu_ms: float
    """Per event, of the process the reader runs in."""
    floor: float
    """Messages per second that are read from the broker and thrown away."""
    handled: float
    """The share of the events for which there is a handler."""


def measure(runs: int, share: float) -> list[Row]:
    """Return the rate of a service that ignores most and of one that handles most, and what the broker gives."""
    with running_engines() as found:
        seen = uvloop.run(_all(Databases(found), runs, int(N_LIFECYCLES * share)))
    return [row for reader, found_by in seen.items() for row in _rows(reader, found_by)]


def _rows(reader: str, seen: list[Seen]) -> list[Row]:
    name = f"consumer {reader} ({seen[0].handled:.0%} handled)"
    return [
        Row(f"{name}: events/s applied", [one.per_second for one in seen], aim="≥ 3,000"),
        Row(f"{name}: CPU per event in its process", [one.cpu_ms for one in seen], "{:.3f} ms"),
        Row("floor: the same messages read and thrown away, per second", [one.floor for one in seen]),
    ]


async def _all(databases: Databases, runs: int, n_lifecycles: int) -> dict[str, list[Seen]]:
    history = await told(databases)
    return {
        reader: [await _run(databases, reader, history, n_lifecycles) for _ in range(runs)]
        for reader in ("notify", "sla")
    }


async def _run(databases: Databases, reader: str, history: list[Event], n_lifecycles: int) -> Seen:
    """What the reader itself said is left out: here it says it anew, with other ids."""
    events = list(copies([event for event in history if event.source != reader], n_lifecycles))
    async with one_service(databases, reader) as service:
        messages = [Message(TOPIC, str(e.dossier_id).encode(), e.data, to_headers(e)) for e in events]
        for at in range(0, len(messages), BATCH):
            assert all(await service.publisher.send(messages[at : at + BATCH]))
        floor = await _read(service, len(messages))
        handlers = service.definition.consumer.handlers
        handled = sum(handlers[event.type] is not None for event in events) / len(events)
        return await _applied(service, len(messages), floor, handled)


async def _read(service: Service, n_messages: int) -> float:
    topic = service.settings.kafka_prefix + TOPIC
    consumer = await start_consumer(service.settings.kafka, topic, group=None)
    partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
    await consumer.seek_to_beginning(*partitions)
    n, began = 0, time.perf_counter()
    while n < n_messages:
        records = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        n += sum(len(part) for part in records.values())
    seconds = time.perf_counter() - began
    await consumer.stop()
    return n / seconds


async def _applied(service: Service, n_events: int, floor: float, handled: float) -> Seen:
    """Time from the first batch that is applied to the last: joining the group is another matter."""
    before = _n_applied(service.definition.name)
    reader = asyncio.create_task(service.reader.run())
    deadline = time.perf_counter() + LONGEST_SECONDS
    n_first = 0
    while not n_first:
        n_first = await _look(service, before, deadline)
    began, cpu_began = time.perf_counter(), time.process_time()
    while await _look(service, before, deadline) < n_events:
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    reader.cancel()
    await asyncio.wait([reader])
    async with service.sessions() as session:
        for waiting in (Hold, Parked):
            assert await session.scalar(select(func.count()).select_from(waiting)) == 0, waiting.__tablename__
    n = n_events - n_first
    return Seen(n / seconds, cpu / n * 1000, floor, handled)


async def _look(service: Service, before: float, deadline: float) -> int:
    await asyncio.sleep(LOOK_EVERY_SECONDS)
    n = int(_n_applied(service.definition.name) - before)
    if time.perf_counter() > deadline:
        raise TimeoutError(f"only {n} events were applied")
    return n


def _n_applied(reader: str) -> float:
    """Return the service's own count of applied events."""
    counts = (
        REGISTRY.get_sample_value("lienthong_read_total", {"service": reader, "source": source, "verdict": "apply"})
        for source in SERVICES
    )
    return sum(count or 0.0 for count in counts)
