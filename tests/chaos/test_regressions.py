"""What chaos taught: each a narrow test on the real engines."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.topics import make_topics
from shared.events.envelope import TOPIC
from shared.kafka import start_consumer
from shared.reader import Reader
from shared.service import Service
from tests.support import Databases, definition_of

DOSSIER = UUID("019cbd2d-7c8c-787e-94fc-f38752135776")


@pytest.fixture
async def prefix(databases: Databases) -> AsyncIterator[str]:
    made = await databases.cut("sla")
    await make_topics(databases.engines.kafka, prefix=made)
    yield made
    await databases.drop(made, "sla")


@pytest.fixture
async def reader(databases: Databases, prefix: str) -> AsyncIterator[Reader]:
    service = Service(definition_of("sla"), databases.settings(prefix, "sla", kafka_prefix=prefix))
    yield service.reader
    await service.stop()


@pytest.fixture
async def consumer(databases: Databases, prefix: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader's consumer that fetches nothing, so that it stands where it is put."""
    running = await start_consumer(databases.engines.kafka, prefix + TOPIC, group=None)
    running.pause(*running.assignment())
    yield running
    await running.stop()


async def mark_twice(reader: Reader, consumer: AIOKafkaConsumer) -> bool:
    """Let the reader take a mark and look whether it was passed; say whether all up to it counts as read."""
    reader._partitions = sorted(consumer.partitions_for_topic(reader._topic) or [])
    reader.complete_until(DOSSIER)
    await reader._keep_mark(consumer)
    await reader._keep_mark(consumer)
    return reader.complete_until(DOSSIER) is not None


async def test_who_stands_at_the_end_of_the_log_has_read_everything(reader: Reader, consumer: AIOKafkaConsumer) -> None:
    await consumer.seek_to_end()
    assert await mark_twice(reader, consumer)


async def test_who_stands_at_the_end_knows_it_at_the_first_look(reader: Reader, consumer: AIOKafkaConsumer) -> None:
    """A second look would cost every timer another 200 ms."""
    await consumer.seek_to_end()
    reader._partitions = sorted(consumer.partitions_for_topic(reader._topic) or [])
    reader.complete_until(DOSSIER)
    began = reader.clock.now()
    await reader._keep_mark(consumer)
    until = reader.complete_until(DOSSIER)
    assert until is not None
    assert until >= began


async def test_who_stands_beyond_the_end_reads_another_log_and_has_read_nothing_of_it(
    reader: Reader, consumer: AIOKafkaConsumer
) -> None:
    """Kafka's data were deleted while a dossier's return was on its way: it must not be called late for that."""
    for part in consumer.assignment():
        consumer.seek(part, 1_000)
    assert not await mark_twice(reader, consumer)


async def test_a_mark_that_was_taken_in_a_log_that_is_gone_is_taken_anew(
    reader: Reader, consumer: AIOKafkaConsumer
) -> None:
    """Else timers would wait until the new log is as long as the old one was."""
    await consumer.seek_to_end()
    part = min(consumer.assignment())
    reader._stood = {one: await consumer.position(one) for one in consumer.assignment()} | {part: 1_000}
    reader._mark = (reader.clock.now(), dict.fromkeys(consumer.assignment(), 2_000))
    assert await mark_twice(reader, consumer)
