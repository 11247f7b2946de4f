"""Services that only say and hear things: the real spine over real databases and HTTP, driven by hand."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import Depends
from sqlalchemy import text

from deploy.local.serving import serving
from shared import db, outbox, outgoing
from shared.auth import Role, allow
from shared.consumer import Consumer, Received
from shared.events import FACTS
from shared.events.envelope import from_message
from shared.kafka import Message
from shared.reference import Parser
from shared.service import Definition, Service, make_app
from shared.settings import SERVICES
from shared.timeline import SOURCES, Event
from shared.web import Session, router
from tests.simulation.postgres import fact_of, text_of
from tests.support import Databases, Issuer, World, free_port


class Bug(Exception):
    """What a handler raises that nobody foresaw."""


@dataclass
class Ears:
    """What a service does with what it hears: remembers it, answers a question, fails where it is told to."""

    service: str
    heard: list[Event] = field(default_factory=list)
    fails: dict[UUID, BaseException] = field(default_factory=dict)
    seconds: float = 0.0
    """How long the database takes over each event."""
    n_freezes: int = 0
    """How many times the process stands still, for longer than a transaction may take."""

    def consumer(self) -> Consumer:
        """Return the declarations."""
        consumer = Consumer(self.service)
        for fact in FACTS.values():
            if fact.source != self.service:
                consumer.on(fact)(self._hear)
        return consumer

    async def _hear(self, session: Any, got: Received[Any]) -> None:
        if got.dossier_id in self.fails:
            raise self.fails[got.dossier_id]
        if self.n_freezes:
            self.n_freezes -= 1
            time.sleep(db.LONGEST_TRANSACTION_SECONDS * 1.2)  # noqa: ASYNC251 - the whole process, as SIGSTOP does
        if self.seconds:
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": self.seconds})
        if text_of(got.fact) == f"ask {self.service}":
            outbox.publish(session, got.head, fact_of(self.service, "answer"))
        self.heard.append(got.event)


def mouth() -> Any:
    """Return routes by which a test lets a service say something over HTTP."""
    api = router(prefix="/v1/said")

    @api.post("/{dossier_id}", dependencies=[Depends(allow(Role.OPS))], status_code=201)
    async def said(session: Session, dossier_id: UUID, what: str = "said") -> dict[str, str]:
        service = session.info["service"]
        born = service != "intake"
        head = await outbox.lock_head(session, dossier_id) if born else outbox.birth(session, dossier_id)
        event = outbox.publish(session, head, fact_of(service, what))
        return {"id": str(event.id)}

    return api


@dataclass
class Wire:
    """What the relay hands over to; acknowledges what it is told to."""

    refused: set[int] = field(default_factory=set)
    """Sequence numbers that are not acknowledged."""
    sent: list[Event] = field(default_factory=list)

    async def send(self, messages: list[Message]) -> list[bool]:
        """Take messages."""
        events = [from_message(message.headers, message.value) for message in messages]
        self.sent += events
        return [event.seq not in self.refused for event in events]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Spine(World):
    """The services, and what each has heard."""

    ears: dict[str, Ears]

    async def born(self) -> UUID:
        """Return a new dossier that intake has submitted."""
        dossier_id = outbox.new_dossier_id(datetime.now(UTC))
        async with self.service("intake").sessions.begin() as session:
            head = outbox.birth(session, dossier_id)
            outbox.publish(session, head, fact_of("intake", "submitted"))
        return dossier_id

    async def say(self, service: str, dossier_id: UUID, what: str = "said") -> Event:
        """Let a service say something about a dossier."""
        async with self.service(service).sessions.begin() as session:
            head = await outbox.lock_head(session, dossier_id)
            return outbox.publish(session, head, fact_of(service, what))

    async def ledger(self, service: str, dossier_id: UUID) -> list[Event]:
        """Return all events of a service's ledger about a dossier, as its peers read them."""
        peers = self.service(service).peers
        return (await peers.pull(service, [(dossier_id, 1)])).events

    async def rows(self, service: str, sql: str, **given: Any) -> list[Any]:
        """Run a statement in a service's database."""
        async with self.service(service).sessions.begin() as session:
            found = await session.execute(text(sql), given)
            return list(found)

    async def fetch(self, service: str) -> None:
        """Run the fetch loop of a service once, with every hold due."""
        await self.rows(service, "UPDATE hold SET next_try_at = clock_timestamp()")
        await self.service(service).fetch.tick()

    async def sweep(self, service: str) -> None:
        """Run the recent sweep of a service once."""
        await self.service(service).sweep.run_once()

    async def holds(self, service: str) -> list[Any]:
        """Return (dossier, source, wanted sequence number) of everything on hold."""
        return [tuple(row) for row in await self.rows(service, "SELECT dossier_id, source, wanted_seq FROM hold")]

    async def parked(self, service: str) -> list[UUID]:
        """Return the dossiers that stand still."""
        return [row.dossier_id for row in await self.rows(service, "SELECT dossier_id FROM parked")]

    async def seq(self, service: str, dossier_id: UUID, source: str) -> int:
        """Return how far a service has come with the history of *source*."""
        rows = await self.rows(service, "SELECT * FROM head WHERE dossier_id = :id", id=dossier_id)
        return int(getattr(rows[0], f"{source}_seq")) if rows else 0

    async def ask(self, service: str, method: str, path: str, role: str = "ops", **given: Any) -> httpx.Response:
        """Send one request with a token of *role*."""
        return await self.call(service, method, path, token=self.issuer.token(role), **given)


@contextlib.asynccontextmanager
async def spine(
    databases: Databases,
    issuer: Issuer,
    *,
    services: tuple[str, ...] = ("intake", "workflow"),
    parsers: dict[str, dict[str, Parser]] | None = None,
    **given: Any,
) -> AsyncIterator[Spine]:
    """Run *services* with nothing but the spine in them; nothing runs in the background but the look at references."""
    prefix = await databases.cut(*services)
    ports: dict[str, Any] = {f"{name}_port": free_port() for name in SERVICES}
    urls = {f"{name}_url": f"http://127.0.0.1:{ports[f'{name}_port']}" for name in SERVICES}
    common = {"issuer": issuer.url, "jwks_url": f"{issuer.url}/jwks.json", "token_url": f"{issuer.url}/token"}
    settings = {
        name: databases.settings(prefix, **ports, **urls, **common, client_secret=issuer.secret(name), **given)
        for name in services
    }
    ears = {name: Ears(name) for name in services}
    definitions = {
        name: Definition(name, name, "", ears[name].consumer(), (parsers or {}).get(name, {}), [mouth()])
        for name in services
    }
    apps = {name: make_app(definitions[name], settings[name], "api") for name in services}
    async with contextlib.AsyncExitStack() as stack:
        for name in services:
            await stack.enter_async_context(serving(apps[name], ports[f"{name}_port"]))
        client = await stack.enter_async_context(outgoing.client(timeout=30))
        running = Spine(issuer, settings, apps, client, ears)
        for name in services:
            running.service(name).sweep.sources = [
                source for source in SOURCES if source in services and source != name
            ]
        yield running
    await databases.drop(prefix, *services)


def service_of(running: Spine, name: str) -> Service:
    """Return a second process of a running service: its own connections, nothing shared but the database."""
    there = running.service(name)
    return Service(there.definition, there.settings)
