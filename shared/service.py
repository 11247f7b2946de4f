"""The composition of a service: its declarations become a FastAPI app with the workers of its role beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from sqlalchemy import text

from shared import forks, migrate, openapi, ops, outgoing, problems, reference, telemetry
from shared.audit import RecentSweep
from shared.auth import Verifier
from shared.clock import Clock
from shared.consumer import Consumer, Handler
from shared.events import Fact
from shared.fetch import Fetch
from shared.full_sweep import FullSweep
from shared.inbox import Inbox
from shared.kafka import Publisher, start_consumer
from shared.middleware import Edge
from shared.peers import Peers
from shared.reader import Reader
from shared.reference import Parser, References
from shared.relay import Relay
from shared.session import Session, Sessions
from shared.settings import Settings
from shared.standing import Watch
from shared.timeline import SOURCES
from shared.tokens import TokenSource

log = structlog.get_logger(__name__)

CATCH_UP_SECONDS = 15.0
PROOFS_SECONDS = 10.0
RESTART_SECONDS = 1.0
EVENTS = Path(__file__).resolve().parent.parent / "docs" / "events"
"""The timeline's contract as ``deploy.publish`` wrote it: a page, and AsyncAPI for machines."""

Tick = Callable[["Service"], Awaitable[bool]]


@dataclass(frozen=True)
class Job:
    """Timed work: *tick* does one batch and says whether there was work; without work it waits *every* seconds."""

    name: str
    every: float
    tick: Tick


@dataclass(frozen=True)
class Definition:
    """What makes one service different from the others."""

    name: str
    title: str
    description: str
    consumer: Consumer
    parsers: dict[str, Parser]
    """Kinds of reference data it owns or replicates, and how each is read."""
    routers: list[APIRouter] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    again: Mapping[type[Fact], Handler] = field(default_factory=dict)
    """By its own facts: does again what a command or a job did (``shared.retrace``)."""
    lost: Mapping[type[Fact], str] = field(default_factory=dict)
    """By its own facts: what of it no event holds, and a backup that is too old lacks for ever."""
    forget: Callable[[Session, UUID], Awaitable[Any]] | None = None
    """Deletes all that is derived of a dossier; None: it owns its state, which is recovered and never derived anew."""
    doubt: Callable[[Session], Awaitable[None]] | None = None
    """Marks, in a database that was restored, what may have been told outside since it was backed up."""
    load: Callable[["Service", str], Coroutine[Any, Any, None]] | None = None
    """Loads the owned reference data from a folder."""


class Service:
    """The parts of a running service, wired once."""

    def __init__(self, definition: Definition, settings: Settings) -> None:
        name = definition.name
        self.definition = definition
        self.settings = settings
        self.clock = Clock.parse(settings.clock)
        self.sessions = Sessions(
            settings.database_url(name),
            pool_size=settings.db_pool_size,
            name=name,
            service=name,
            clock=self.clock,
            settings=settings,
        )
        self.client = outgoing.client()
        self.verifier = Verifier(settings, self.client)
        self.tokens = TokenSource(self.client, settings.token_url, settings.client_id or name, settings.client_secret)
        self.peers = Peers(settings, self.tokens, self.client)
        self.references = References(name, self.sessions, definition.parsers)
        self.sessions.info["references"] = self.references
        self.publisher = Publisher(settings.kafka, f"lienthong.{name}", settings.kafka_prefix)
        self.relay = Relay(name, self.sessions, self.publisher)
        self.inbox = Inbox(definition.consumer, self.sessions, self.references)
        self.reader = Reader(self.inbox, settings, self.clock)
        self.fetch = Fetch(self.inbox, self.sessions, self.peers)
        others = [source for source in SOURCES if source != name]
        self.sweep = RecentSweep(others, self.sessions, self.peers, self.clock)
        self.full_sweep = FullSweep(others, self.sessions, self.peers, settings.full_sweep_seconds)
        self.proofs = forks.Proofs(others, self.sessions, self.peers)
        self.watch = Watch(name, self.sessions, self.peers, settings)
        self._caught_up_at = -CATCH_UP_SECONDS
        self.sessions.info["wake"] = self.relay.wake

    async def readiness(self) -> dict[str, Any]:
        """Return what ``/readyz`` answers."""
        missing = self.references.missing_kinds()
        try:
            async with self.sessions() as session:
                await session.execute(text("SELECT 1"))
            database = "reachable"
        except Exception as error:  # noqa: BLE001 - whatever keeps the database away, the answer is the same
            database = type(error).__name__
        return {
            "ready": not missing and database == "reachable" and self.watch.state != "starting",
            "standing": self.watch.state,
            "database": database,
            "broker": "reachable" if self.reader.connected else "away",
            "replicas_missing": sorted(missing),
        }

    def background(self, role: str) -> list[Coroutine[Any, Any, None]]:
        """Return what runs beside the HTTP server in *role*."""
        tasks = [self._loop("references", 2.0, self._refresh), for_ever("watch", self.watch.run)]
        return tasks if role == "api" else [*tasks, self._loop("gauges", 5.0, self._gauges), self._work_while_sound()]

    async def _work_while_sound(self) -> None:
        """Run what reads, relays and works, but never on a ledger that was restored from an old backup."""
        while True:
            await self.watch.until_sound()
            working = [asyncio.create_task(work) for work in self._work()]
            try:
                await self.watch.until_stopped()
            finally:
                for task in working:
                    task.cancel()
                await asyncio.wait(working, timeout=5)

    def _work(self) -> list[Coroutine[Any, Any, None]]:
        jobs = [self._loop(job.name, job.every, partial(job.tick, self)) for job in self.definition.jobs]
        return [
            for_ever("relay", self.relay.run),
            for_ever("reader", self.reader.run),
            for_ever("references_reader", self._read_references),
            self._loop("fetch", 0.5, self.fetch.tick),
            self._loop("sweep", self.settings.sweep_seconds, self._sweep),
            self._loop("full_sweep", 5.0, self.full_sweep.tick),
            self._loop("reference_publish", 1.0, self._publish_references),
            self._loop("reference_catch_up", 1.0, self._catch_up),
            self._loop("proofs", PROOFS_SECONDS, self.proofs.tick),
            self._loop("housekeeping", max(1.0, self.clock.real_seconds(timedelta(hours=1))), self._housekeep),
            *jobs,
        ]

    async def _read_references(self) -> None:
        """Keep replicas of what owners publish; what does not come this way is asked for by ``_catch_up``."""
        topic = self.settings.kafka_prefix + reference.TOPIC
        consumer = await start_consumer(self.settings.kafka, topic, group=None)
        try:
            while True:
                records = await consumer.getmany(timeout_ms=1000, max_records=500)
                values = [record.value for part in records.values() for record in part if record.value]
                if values:
                    await reference.replicate(self.references, self.sessions, values)
        finally:
            await consumer.stop()

    async def _loop(self, name: str, every: float, tick: Callable[[], Awaitable[bool]]) -> None:
        """Run *tick* for ever; an error is logged and tried again with a pause, never swallowed silently."""
        while True:
            try:
                worked = await tick()
            except Exception as error:  # noqa: BLE001 - a loop outlives whatever its tick meets
                telemetry.report(log, "tick_failed", error, job=name)
                await asyncio.sleep(max(every, 1.0))
            else:
                await asyncio.sleep(0 if worked else every)

    async def _refresh(self) -> bool:
        await self.references.refresh()
        return False

    async def _sweep(self) -> bool:
        await self.sweep.run_once()
        return False

    async def _publish_references(self) -> bool:
        return await reference.publish_owned(self.sessions, self.publisher)

    async def _catch_up(self) -> bool:
        """Until all replicas are here, ask every second: this is what readiness waits for; then now and again."""
        if not self.references.missing_kinds() and time.monotonic() < self._caught_up_at + CATCH_UP_SECONDS:
            return False
        self._caught_up_at = time.monotonic()
        await reference.catch_up(self.references, self.sessions, self.peers)
        return False

    async def _housekeep(self) -> bool:
        await migrate.housekeep(self.sessions, self.clock.now())
        return False

    async def _gauges(self) -> bool:
        async with self.sessions() as session:
            seen = await ops.gauges(session)
        name = self.definition.name
        telemetry.HELD.labels(name).set(seen["held"])
        telemetry.PARKED.labels(name).set(seen["parked"])
        telemetry.UNPUBLISHED.labels(name).set(seen["unpublished"])
        telemetry.RELAY_LAG.labels(name).set(seen["lag"].total_seconds())
        for source in self.sweep.sources:
            telemetry.NOT_IN_STEP.labels(name, source).set(seen["not_in_step"].get(source, 0))
        for kind in ops.INCIDENTS:
            telemetry.INCIDENTS.labels(name, kind).set(seen["incidents"][kind])
        return False

    async def start(self, role: str) -> None:
        """Read what must be there before the first request; parked dossiers get another try at every start."""
        await self.references.refresh()
        await self.watch.begin()
        if role != "api":
            async with self.sessions.begin() as session:
                await ops.unpark(session)

    async def stop(self) -> None:
        """Give back leases and connections."""
        with suppress(Exception):
            await self.relay.release()
        await self.publisher.close()
        await self.client.aclose()
        await self.sessions.close()


async def for_ever(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Start *run* again whenever it ends: a worker that dies unnoticed would be the worst failure of all."""
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - a supervisor outlives whatever its worker meets
            telemetry.report(log, "worker_failed", error, job=name)
        await asyncio.sleep(RESTART_SECONDS)


def in_transaction(work: Callable[[Session, datetime], Awaitable[bool]]) -> Tick:
    """Return the tick that runs *work* in one transaction with the present business instant."""

    async def tick(service: Service) -> bool:
        async with service.sessions.begin(uniform=True) as session:
            return await work(session, service.clock.now())

    return tick


def make_app(definition: Definition, settings: Settings, role: str) -> FastAPI:
    """Return the FastAPI app of a service in *role* (``api``, ``worker`` or ``all``)."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = Service(definition, settings)
        app.state.service, app.state.verifier = service, service.verifier
        await service.start(role)
        tasks = [asyncio.create_task(work) for work in service.background(role)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=5)
            await service.stop()

    app = FastAPIOffline(
        title=definition.title,
        description=definition.description,
        version="1.0.0",
        lifespan=lifespan,
        redoc_url=None,
    )
    problems.install(app)
    routers = definition.routers if role != "worker" else []
    for router in [*routers, ops.plain, ops.api, forks.api]:
        app.router.routes.extend(router.routes)  # flat: an included router is matched twice for every request
    openapi.install(app)
    app.mount("/docs/events", StaticFiles(directory=EVENTS, html=True, check_dir=False))
    app.add_middleware(Edge, service=definition.name)
    return app
