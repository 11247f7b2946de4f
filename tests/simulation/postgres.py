"""The same four services over the real outbox, relay, inbox, fetch and sweep; only the broker is simulated."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, select, text

from shared import ops, outbox
from shared.consumer import Consumer, Received
from shared.events import FACTS, intake, notify, sla, workflow
from shared.events.base import Fact
from shared.events.envelope import from_message
from shared.kafka import Message
from shared.migrate import spine
from shared.peers import Peers
from shared.service import Definition, Service
from shared.session import Session
from shared.settings import Settings
from shared.tables import EventRow, HeadRow
from shared.timeline import SOURCES, Entry, Event
from tests.simulation.broker import Broker, Fate
from tests.simulation.memory import MemoryHead, Poison, Tables

WITNESS = """
    CREATE TABLE witness (no bigint GENERATED ALWAYS AS IDENTITY, dossier_id uuid, source text, seq int, id uuid,
        type text, time timestamptz, after text, chain bigint, data bytea, correlation_id text, traceparent text)
"""
AT = "2026-01-01T00:00:00Z"


def fact_of(service: str, said: str) -> Fact:
    """Return a fact of *service* that carries a short text in one of its code fields."""
    made: dict[str, Fact] = {
        "intake": intake.DossierWithdrawn(reason_code=said),
        "workflow": workflow.LegRefused(leg_no=1, reason_code=said),
        "sla": sla.DeadlineMoved(from_at=AT, to_at=AT, reason=said, citation="-"),
        "notify": notify.MessageFailed(
            message_id=UUID(int=1), template="-", channel="email", recipient="applicant", reason_code=said
        ),
    }
    return made[service]


def text_of(fact: Any) -> str:
    """Return the text a fact carries."""
    return str(getattr(fact, "reason_code", None) or getattr(fact, "reason", ""))


class SimulatedPublisher:
    """Hands messages to the simulated broker, one fate each; may crash after sending."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.fates: list[Fate] = []
        self.crashes = False

    async def send(self, messages: Sequence[Message]) -> list[bool]:
        """Send as many messages as there are fates left; the others are not acknowledged."""
        chosen = (self.fates + [Fate.REFUSED] * len(messages))[: len(messages)]
        events = [from_message(message.headers, message.value) for message in messages]
        acked = [self.broker.send(event, fate) for event, fate in zip(events, chosen, strict=True)]
        if self.crashes:
            raise Poison
        return acked

    async def close(self) -> None:
        """Nothing is open."""


class LedgerPeers(Peers):
    """Answers as the peers' own endpoints do, without the network between."""

    def __init__(self, services: dict[str, "PostgresService"]) -> None:
        self.services = services

    async def call(self, peer: str, method: str, path: str, **arguments: Any) -> Any:
        """Call the endpoint's function in a session of the peer."""
        async with self.services[peer].service.sessions() as session:
            if path == "/v1/heads":
                return await ops.heads(session)
            wanted = [ops.Pull.model_validate(item) for item in arguments["json"]]
            answer = await ops.pull(session, wanted)
            return {**answer, "items": [item.model_dump(mode="json") for item in answer["items"]]}


class PostgresService:
    """One service as the machine drives it."""

    def __init__(self, name: str, settings: Settings, broker: Broker, runner: asyncio.Runner) -> None:
        self.name = name
        self.broker = broker
        self.runner = runner
        self.poison: set[UUID] = set()
        self.open: dict[UUID, AsyncExitStack] = {}
        self.cursor: Any = None
        self.known: set[UUID] = set()
        consumer = Consumer(name)
        for fact in FACTS.values():
            if fact.source != name:
                consumer.on(fact)(self._witness)
        self.service = Service(Definition(name, name, "", consumer, {}), settings)
        self.publisher = SimulatedPublisher(broker)
        self.service.relay.publisher = self.publisher  # type: ignore[assignment]

    async def _witness(self, session: Session, got: Received[Any]) -> None:
        if got.dossier_id in self.poison:
            raise Poison
        await session.execute(_insert_witness(), {n: getattr(got.event, n) for n in Event._fields})
        if text_of(got.fact) == f"ask {self.name}":
            outbox.publish(session, got.head, fact_of(self.name, "answer"))

    def begin(self, dossier_id: UUID, said: str) -> None:
        """Begin a command; it holds the head's lock until ``commit``."""
        self.commit(dossier_id)
        self.runner.run(self._begin(dossier_id, said))

    async def _begin(self, dossier_id: UUID, said: str) -> None:
        stack = AsyncExitStack()
        session = await stack.enter_async_context(self.service.sessions.begin())
        head = await session.get(HeadRow, dossier_id, lock=True)
        if head is None and self.name == "intake":
            head = outbox.birth(session, dossier_id)
        if head is None or (self.name != "intake" and head.intake_seq == 0):
            await stack.aclose()
            return
        outbox.publish(session, head, fact_of(self.name, said))
        await session.flush()
        self.open[dossier_id] = stack

    def commit(self, dossier_id: UUID) -> None:
        """Commit the open command of a dossier."""
        if dossier_id in self.open:
            self.runner.run(self.open.pop(dossier_id).aclose())

    def crash(self, dossier_id: UUID) -> None:
        """Roll the open command of a dossier back."""
        if dossier_id in self.open:
            self.runner.run(_roll_back(self.open.pop(dossier_id)))

    def _commit_all(self) -> None:
        for dossier_id in list(self.open):
            self.commit(dossier_id)

    def relay(self, fates: Sequence[Fate], *, crashes_before_mark: bool) -> None:
        """One tick of the real relay."""
        self.publisher.fates, self.publisher.crashes = list(fates), crashes_before_mark
        try:
            self.runner.run(self.service.relay.tick())
        except Poison:
            return

    def consume(self, n_messages: int, *, crashes: str = "") -> None:
        """Apply the next messages with the real inbox."""
        self._commit_all()
        batch = self.broker.read(self.name, n_messages)
        if not batch or crashes == "before":
            return
        self.runner.run(self.service.inbox.apply(batch))
        if crashes != "after":
            self.broker.commit(self.name, len(batch))

    def sweep(self, peers: Iterable["PostgresService"]) -> None:
        """Run the real recent sweep."""
        self._commit_all()
        self.runner.run(self.service.sweep.run_once())

    def fetch(self, peers: dict[str, "PostgresService"]) -> None:
        """Run the real fetch loop once, with every hold due."""
        self._commit_all()
        self.runner.run(self._fetch())

    async def _fetch(self) -> None:
        async with self.service.sessions.begin() as session:
            await session.execute(text("UPDATE hold SET next_try_at = clock_timestamp()"))
        await self.service.fetch.tick()

    def unpark(self) -> None:
        """Try parked dossiers again, as at every start."""
        self._commit_all()
        self.runner.run(self._unpark())

    async def _unpark(self) -> None:
        async with self.service.sessions.begin() as session:
            await ops.unpark(session)

    @property
    def tables(self) -> Tables:
        """What the database holds of the dossiers of this history, in the shape the machine checks."""
        return self.runner.run(self._tables())

    async def _tables(self) -> Tables:
        known = {"ids": list(self.known)}
        found = Tables()
        async with self.service.sessions() as session:
            for head in await session.scalars(_heads(), known):
                entries = {source: head.entry(source) for source in SOURCES if head.entry(source) != Entry()}
                found.heads[head.dossier_id] = MemoryHead(head.dossier_id, head.time, entries)
            for row in await session.scalars(_ledger(), known):
                found.ledger.setdefault(row.dossier_id, []).append(outbox.to_event(self.name, row))
            for row in await session.execute(_witnessed(), known):
                event = Event(**{name: getattr(row, name) for name in Event._fields})
                found.applied.setdefault(event.dossier_id, []).append(event)
            found.parked = set(await session.scalars(text("SELECT dossier_id FROM parked")))
            holds = await session.execute(text("SELECT dossier_id, source, wanted_seq FROM hold"))
            found.holds = {(row.dossier_id, row.source): row.wanted_seq for row in holds}
        for dossier_id in self.known:
            facts = [*found.ledger.get(dossier_id, []), *found.applied.get(dossier_id, [])]
            found.state[dossier_id] = tuple(sorted((event.order, event.data) for event in facts))
        return found


def _insert_witness() -> Any:
    names = ", ".join(Event._fields)
    return text(f"INSERT INTO witness ({names}) VALUES ({', '.join(':' + name for name in Event._fields)})")


def _heads() -> Any:
    return select(HeadRow).where(HeadRow.dossier_id.in_(bindparam("ids", expanding=True)))


def _ledger() -> Any:
    ours = EventRow.dossier_id.in_(bindparam("ids", expanding=True))
    return select(EventRow).where(ours).order_by(EventRow.dossier_id, EventRow.seq)


def _witnessed() -> Any:
    return text("SELECT * FROM witness WHERE dossier_id = ANY(:ids) ORDER BY no")


async def _roll_back(stack: AsyncExitStack) -> None:
    try:
        await stack.__aexit__(Poison, Poison(), None)
    except Poison:
        return


class PostgresCluster:
    """Four services on four databases and one simulated broker."""

    def __init__(self, settings: Settings, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.broker = Broker()
        runner.run(_make_databases(settings))
        self.services = {name: PostgresService(name, settings, self.broker, runner) for name in SOURCES}
        for service in self.services.values():
            peers = LedgerPeers(self.services)
            service.service.fetch.peers = service.service.sweep.peers = peers

    def begin_history(self, dossiers: Sequence[UUID]) -> None:
        """Start over with new dossiers on an empty broker."""
        self.broker.forget()
        for service in self.services.values():
            service.known = set(dossiers)

    def command(self, service: str, dossier_id: UUID, said: str, *, commits: bool) -> None:
        """Let a service say something about a dossier."""
        self.services[service].begin(dossier_id, said)
        if commits:
            self.services[service].commit(dossier_id)

    def peers_of(self, service: str) -> dict[str, PostgresService]:
        """Return the other services."""
        return {name: peer for name, peer in self.services.items() if name != service}

    def settle(self) -> None:
        """End all faults and let everything run until nothing changes."""
        self.broker.bring_late()
        for service in self.services.values():
            service.poison.clear()
            service.unpark()
        for _ in range(6):
            for name, service in self.services.items():
                service.relay([Fate.KEPT] * 1000, crashes_before_mark=False)
                service.consume(100_000)
                service.sweep([])
                service.fetch(self.peers_of(name))

    def close(self) -> None:
        """Give all connections back."""
        for service in self.services.values():
            for dossier_id in list(service.open):
                service.crash(dossier_id)
            self.runner.run(service.service.stop())


async def _make_databases(settings: Settings) -> None:
    for name in SOURCES:
        admin = await asyncpg.connect(settings.postgres_url, database="postgres")
        await admin.execute(f'CREATE DATABASE "{settings.database_prefix}{name}"')
        await admin.close()
        made = await asyncpg.connect(settings.postgres_url, database=f"{settings.database_prefix}{name}")
        for statement in (*spine("0001"), *spine("0002"), WITNESS):
            await made.execute(statement)
        await made.close()
