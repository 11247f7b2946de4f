"""The broker's reader: takes batches of the timeline into the inbox; offsets are committed after the database."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from shared import telemetry
from shared.clock import Clock
from shared.db import is_transient
from shared.events.envelope import TOPIC, Undecodable, from_message
from shared.inbox import Inbox
from shared.kafka import start_consumer
from shared.pace import pause_after
from shared.settings import Settings
from shared.timeline import Event

log = structlog.get_logger(__name__)

BATCH = 500
LONGEST_WAIT_MS = 200
IDLE_MS = 200
SECOND_LOOK_MS = 5
MARK_EVERY_SECONDS = 0.2
MARK_WHILE_ASKED_SECONDS = 60.0
"""Marks cost the broker a question each; they are kept only while somebody wants to know."""
LONGEST_BACKOFF_SECONDS = 10.0
COMMIT_EVERY_SECONDS = 1.0
"""Offsets may lag: what is read again after a crash is dropped by the heads."""


class Reader:
    """Reads the timeline as a member of the service's group, and knows up to when it has read everything."""

    def __init__(self, inbox: Inbox, settings: Settings, clock: Clock) -> None:
        self.inbox = inbox
        self.clock = clock
        self.connected = False
        self._bootstrap = settings.kafka
        self._topic = settings.kafka_prefix + TOPIC
        self._group = f"{settings.kafka_prefix}lienthong.{inbox.consumer.service}"
        self._member = settings.member or None
        self._partitions: list[int] = []
        self._complete_until: dict[int, datetime] = {}
        self._mark: tuple[datetime, dict[TopicPartition, int]] | None = None
        self._stood: dict[TopicPartition, int] = {}
        self._marked_at = 0.0
        self._asked_at = -MARK_WHILE_ASKED_SECONDS

    async def run(self) -> None:
        """Read until cancelled; a broker that is away is asked again with growing pauses."""
        pause = 0.5
        while True:
            try:
                consumer = await start_consumer(
                    self._bootstrap,
                    self._topic,
                    group=self._group,
                    member=self._member,
                    longest_wait_ms=LONGEST_WAIT_MS,
                )
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("broker_away", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_BACKOFF_SECONDS)
                continue
            pause = 0.5
            try:
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("broker_lost", error=type(error).__name__)
            finally:
                self.connected = False
                self._mark, self._complete_until = None, {}
                with suppress(KafkaError, OSError, TimeoutError):
                    await consumer.stop()
            await asyncio.sleep(pause)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        self.connected = True
        self._partitions = sorted(consumer.partitions_for_topic(self._topic) or [])
        committed_at = time.monotonic()
        while True:
            batch = await _batch(consumer)
            if batch:
                began = time.monotonic()
                await self._apply(list(_decode(self.inbox.consumer.service, batch)))
                await asyncio.sleep(pause_after(time.monotonic() - began, is_full=len(batch) >= BATCH))
            if time.monotonic() - committed_at >= COMMIT_EVERY_SECONDS:
                committed_at = time.monotonic()
                await consumer.commit()
            await self._keep_mark(consumer)

    async def _apply(self, events: list[Event]) -> None:
        pause = 0.05
        while True:
            try:
                await self.inbox.apply_in_time(events)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("apply_again", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_BACKOFF_SECONDS)
            else:
                return

    async def _keep_mark(self, consumer: AIOKafkaConsumer) -> None:
        """Remember an instant with the end offsets read after it; once they are passed, all before it was read."""
        if time.monotonic() - self._asked_at > MARK_WHILE_ASKED_SECONDS:
            self._mark, self._complete_until = None, {}
            return
        stands = {part: await consumer.position(part) for part in consumer.assignment()}
        if stands.keys() != self._stood.keys() or any(at < self._stood[part] for part, at in stands.items()):
            self._mark, self._complete_until = None, {}  # a rebalance or another log: nobody passes ends that are gone
        self._stood = stands
        if self._mark is None and time.monotonic() - self._marked_at >= MARK_EVERY_SECONDS:
            self._marked_at = time.monotonic()
            self._mark = await self._new_mark(consumer)
        if self._mark is not None and all(stands[part] >= end for part, end in self._mark[1].items()):
            self._complete_until = {part.partition: self._mark[0] for part in stands}
            self._mark = None  # mostly the one just made: whoever stood at the end then need not wait for another look

    async def _new_mark(self, consumer: AIOKafkaConsumer) -> tuple[datetime, dict[TopicPartition, int]] | None:
        """Return now and the present ends; None where this stands beyond one: the log was lost, this is another."""
        instant = self.clock.now()
        if not self._stood:
            return None
        ends = dict(await consumer.end_offsets(self._stood))
        return (instant, ends) if all(self._stood[part] <= end for part, end in ends.items()) else None

    def complete_until(self, dossier_id: UUID) -> datetime | None:
        """Return the business instant up to which the broker's copy of this dossier was read; None if unknown,
        also at the first question after a while.
        """
        self._asked_at = time.monotonic()
        if not self._complete_until or not self._partitions:
            return None
        partition = DefaultPartitioner()(str(dossier_id).encode(), self._partitions, self._partitions)
        return self._complete_until.get(partition)


async def _batch(consumer: AIOKafkaConsumer) -> list[Any]:
    """Take what has come: what lay here since the last batch, and what the broker has got meanwhile.

    aiokafka asks the broker again only when everything it holds was taken: without the second look all that came during
    the last batch would wait for one batch more.
    """
    records = await consumer.getmany(timeout_ms=IDLE_MS, max_records=BATCH)
    if records:
        for part, more in (await consumer.getmany(timeout_ms=SECOND_LOOK_MS, max_records=BATCH)).items():
            records.setdefault(part, []).extend(more)
    return [record for part in records.values() for record in part]


def _decode(service: str, records: Iterable[Any]) -> Iterable[Event]:
    """Yield the events; what is not one is counted and skipped: the sweep reads the true one from its ledger."""
    for record in records:
        try:
            yield from_message(record.headers, record.value)
        except Undecodable as error:
            telemetry.UNDECODABLE.labels(service).inc()
            log.warning("undecodable", partition=record.partition, offset=record.offset, error=str(error))
