"""The broker's edge: a producer that is recreated when it dies, and the group consumer of the timeline."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

log = structlog.get_logger(__name__)

SEND_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send; the key picks the partition."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Publisher:
    """An idempotent producer with a supervisor: any failure closes it, the next batch gets a new one.

    A time-out is *unknown*: the message counts as not sent and is sent again; readers drop repeats.
    """

    def __init__(self, bootstrap: str, client_id: str, prefix: str = "") -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, messages: Sequence[Message]) -> list[bool]:
        """Send *messages* in order and say of each whether the broker acknowledged it."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                producer = await self._started()
                futures = [
                    await producer.send(self._prefix + m.topic, key=m.key, value=m.value, headers=m.headers)
                    for m in messages
                ]
                done = await asyncio.gather(*futures, return_exceptions=True)
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("broker_away", error=type(error).__name__)
            await self.close()
            return [False] * len(messages)
        acked = [not isinstance(result, BaseException) for result in done]
        if not all(acked):
            await self.close()
        return acked

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:  # relay and reference data share one producer
            return await self._the_one()

    async def _the_one(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                request_timeout_ms=10_000,
                max_request_size=2 * 1024 * 1024,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Give the producer up; what was not acknowledged is sent again by the next one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 5)
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("producer_stop_failed", error=type(error).__name__)


async def tail(bootstrap: str, topic: str, n_messages: int | None) -> AsyncIterator[list[Any]]:
    """Yield, in batches, the last *n_messages* of each partition as they stand now (None: all there is)."""
    consumer = await start_consumer(bootstrap, topic, group=None)
    try:
        parts = consumer.assignment()
        ends = await consumer.end_offsets(parts)
        begins = await consumer.beginning_offsets(parts)
        for part, end in ends.items():
            consumer.seek(part, begins[part] if n_messages is None else max(begins[part], end - n_messages))
        while parts := {part for part in parts if await consumer.position(part) < ends[part]}:
            consumer.pause(*(consumer.assignment() - parts))
            batches = await consumer.getmany(timeout_ms=1000, max_records=2_000)
            yield [record for batch in batches.values() for record in batch]
    finally:
        await consumer.stop()


async def start_consumer(
    bootstrap: str, topic: str, *, group: str | None, member: str | None = None, longest_wait_ms: int = 500
) -> AIOKafkaConsumer:
    """Return a started consumer that begins at the earliest offset and never commits by itself.

    With *group* it is a static *member* of it; without, it reads all partitions for itself. Partitions of which
    everything was taken are not asked for while a question about the others waits at the broker: *longest_wait_ms*
    bounds how long their new messages may lie there.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        group_instance_id=member,
        client_id=member or group or "lienthong",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=2_000,
        max_poll_interval_ms=300_000,
        request_timeout_ms=15_000,
        fetch_max_wait_ms=longest_wait_ms,
    )
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer
