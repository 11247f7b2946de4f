"""Four services in memory over the real pure core (``shared.timeline``): what the database does is modelled here."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from shared.timeline import SOURCES, Draft, Entry, Event, Verdict, advance, decide, record
from tests.simulation.broker import Broker, Fate

NAMESPACE = UUID("018f0000-0000-7000-8000-000000000000")
Decide = Callable[..., object]


@dataclass
class MemoryHead:
    """A head as a database row would hold it."""

    dossier_id: UUID
    time: datetime | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    def entry(self, source: str) -> Entry:
        return self.entries.get(source, Entry())

    def step(self, source: str, entry: Entry, time: datetime) -> None:
        self.entries[source] = entry
        self.time = time if self.time is None else max(self.time, time)


@dataclass
class Tables:
    """What one service has committed."""

    heads: dict[UUID, MemoryHead] = field(default_factory=dict)
    ledger: dict[UUID, list[Event]] = field(default_factory=dict)
    rows: dict[int, Event] = field(default_factory=dict)
    """Ledger rows by a sequence number that is taken before the commit, as a database's is."""
    published: set[int] = field(default_factory=set)
    applied: dict[UUID, list[Event]] = field(default_factory=dict)
    state: dict[UUID, tuple[object, ...]] = field(default_factory=dict)
    holds: dict[tuple[UUID, str], int] = field(default_factory=dict)
    parked: set[UUID] = field(default_factory=set)


class Poison(Exception):
    """A fact that this service can not apply."""


@dataclass
class Variant:
    """What the machine runs: the rules as they are, or one of them broken on purpose."""

    decide: Decide = decide
    publishes_by_cursor: bool = False
    refuses_late_facts: bool = False


class MemoryService:
    """One service: its tables, and what its commands, relay and inbox do to them."""

    def __init__(self, name: str, broker: Broker, variant: Variant) -> None:
        self.name = name
        self.broker = broker
        self.variant = variant
        self.tables = Tables()
        self.open: dict[UUID, tuple[int, Tables]] = {}
        self.cursor = 0
        self.n_rows = 0
        self.n_drafts = 0
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.poison: set[UUID] = set()

    # Commands: a transaction takes its row numbers when it begins and is seen when it commits.

    def begin(self, dossier_id: UUID, text: str) -> None:
        """Begin a command; the head's lock keeps every other writer of this dossier away until ``commit``."""
        if dossier_id in self.open:
            self.commit(dossier_id)
        self.n_rows += 1
        changed = self._slice(dossier_id)
        head = changed.heads.setdefault(dossier_id, MemoryHead(dossier_id))
        if self.name != "intake" and head.entry("intake").seq == 0:
            return
        self._publish(changed, head, text, self.n_rows)
        self.open[dossier_id] = (self.n_rows, changed)

    def commit(self, dossier_id: UUID) -> None:
        """Commit the open command of a dossier."""
        if dossier_id in self.open:
            self._take_over(dossier_id, self.open.pop(dossier_id)[1])

    def crash(self, dossier_id: UUID) -> None:
        """Forget the open command of a dossier."""
        self.open.pop(dossier_id, None)

    def _slice(self, dossier_id: UUID) -> Tables:
        """Copy what is stored of a dossier: a transaction changes its copy, a crash forgets it."""
        there, part = self.tables, Tables()
        if dossier_id in there.heads:
            head = there.heads[dossier_id]
            part.heads[dossier_id] = MemoryHead(dossier_id, head.time, dict(head.entries))
        part.ledger[dossier_id] = list(there.ledger.get(dossier_id, ()))
        part.applied[dossier_id] = list(there.applied.get(dossier_id, ()))
        part.state[dossier_id] = there.state.get(dossier_id, ())
        return part

    def _take_over(self, dossier_id: UUID, changed: Tables) -> None:
        for name in ("heads", "ledger", "applied", "state"):
            getattr(self.tables, name).update(getattr(changed, name))
        self.tables.rows.update(changed.rows)

    def _publish(self, tables: Tables, head: MemoryHead, text: str, row_number: int) -> None:
        self.n_drafts += 1
        self.clock += timedelta(milliseconds=7)
        draft = Draft(uuid5(NAMESPACE, f"{self.name}{self.n_drafts}"), "test.Said.v1", json.dumps(text).encode())
        event = record(self.name, head, draft, self.clock)
        tables.ledger.setdefault(head.dossier_id, []).append(event)
        tables.rows[row_number] = event
        self._fold(tables, event)

    # Relay

    def relay(self, fates: Sequence[Fate], *, crashes_before_mark: bool) -> None:
        """Send unpublished rows, one fate each, and mark those that were acknowledged."""
        for row_number, fate in zip(self._unpublished(), fates, strict=False):
            acked = self.broker.send(self.tables.rows[row_number], fate)
            if acked and not crashes_before_mark:
                self.tables.published.add(row_number)
                self.cursor = max(self.cursor, row_number)

    def _unpublished(self) -> list[int]:
        if self.variant.publishes_by_cursor:
            return sorted(number for number in self.tables.rows if number > self.cursor)
        waiting = (number for number in self.tables.rows if number not in self.tables.published)
        return sorted(waiting, key=lambda number: self.tables.rows[number].time)

    # Inbox

    def consume(self, n_messages: int, *, crashes: str = "") -> None:
        """Read a batch and apply it; *crashes* ``before`` the commit, or ``after`` it and before the offset's."""
        batch = self.broker.read(self.name, n_messages)
        if not batch or crashes == "before":
            return
        self.apply(batch)
        if crashes != "after":
            self.broker.commit(self.name, len(batch))

    def apply(self, events: Iterable[Event], *, trusted: bool = False) -> None:
        """Apply what can be applied, dossier by dossier; park a dossier whose next event is poison."""
        by_dossier: dict[UUID, list[Event]] = {}
        for event in events:
            by_dossier.setdefault(event.dossier_id, []).append(event)
        for dossier_id, group in by_dossier.items():
            self.commit(dossier_id)
            self._settle(dossier_id, group, trusted=trusted)

    def _settle(self, dossier_id: UUID, events: list[Event], *, trusted: bool) -> None:
        waiting, n_before = events, -1
        while waiting and len(waiting) != n_before:
            n_before = len(waiting)
            waiting = [event for event in waiting if not self._take(event, trusted=trusted)]
        head = self._head(dossier_id)
        for event in waiting:
            decision = self.variant.decide(self.name, head, event, trusted=trusted)
            for source, seq in (*decision.wanted, (event.source, event.seq)):  # type: ignore[attr-defined]
                self.want(dossier_id, source, seq)

    def want(self, dossier_id: UUID, source: str, seq: int) -> None:
        """Put what is missing on hold."""
        if source != self.name and self._head(dossier_id).entry(source).seq < seq:
            key = (dossier_id, source)
            self.tables.holds[key] = max(seq, self.tables.holds.get(key, 0))

    def _head(self, dossier_id: UUID) -> MemoryHead:
        return self.tables.heads.setdefault(dossier_id, MemoryHead(dossier_id))

    def _take(self, event: Event, *, trusted: bool) -> bool:
        head = self._head(event.dossier_id)
        verdict = self.variant.decide(self.name, head, event, trusted=trusted).verdict  # type: ignore[attr-defined]
        if verdict is Verdict.DROP:
            return True
        assert verdict not in {Verdict.FORK, Verdict.AHEAD}, f"{self.name}: false alarm {verdict} on {event}"
        if event.dossier_id in self.tables.parked or verdict is Verdict.HOLD:
            return False
        changed = self._slice(event.dossier_id)
        try:
            self._run(changed, event)
        except Poison:
            self.tables.parked.add(event.dossier_id)
            return False
        self._take_over(event.dossier_id, changed)
        return True

    def _run(self, tables: Tables, event: Event) -> None:
        """What an applied fact does here: it is witnessed, and a question is answered in the same transaction."""
        if event.dossier_id in self.poison:
            raise Poison
        head = tables.heads[event.dossier_id]
        if self.variant.refuses_late_facts and head.time is not None and event.time < head.time:
            raise Poison
        advance(head, event)
        tables.applied.setdefault(event.dossier_id, []).append(event)
        self._fold(tables, event)
        text = json.loads(event.data)
        if text == f"ask {self.name}":
            self.n_rows += 1
            self._publish(tables, head, "answer", self.n_rows)

    def _fold(self, tables: Tables, event: Event) -> None:
        """State: what was said, in the one order that respects causes; never the order of arrival."""
        there = tables.state.get(event.dossier_id, ())
        tables.state[event.dossier_id] = tuple(sorted({*there, (event.order, event.data)}))  # type: ignore[type-var]

    # Sweep and fetch

    def sweep(self, peers: Iterable["MemoryService"]) -> None:
        """Compare heads with every source and put on hold what is not covered."""
        for peer in peers:
            for dossier_id, events in peer.tables.ledger.items():
                self.want(dossier_id, peer.name, len(events))

    def fetch(self, peers: dict[str, "MemoryService"]) -> None:
        """Read what is on hold from its source's ledger and apply it."""
        found: list[Event] = []
        for dossier_id, source in sorted(self.tables.holds):
            if dossier_id not in self.tables.parked:
                at = self._head(dossier_id).entry(source).seq
                found += [event for event in peers[source].tables.ledger.get(dossier_id, []) if event.seq > at]
        self.apply(sorted(found, key=lambda event: event.order), trusted=True)
        for key, seq in list(self.tables.holds.items()):
            if self._head(key[0]).entry(key[1]).seq >= seq:
                del self.tables.holds[key]

    def unpark(self) -> None:
        """Try parked dossiers again, as at every start."""
        self.tables.parked.clear()


class MemoryCluster:
    """Four services and their broker."""

    def __init__(self, variant: Variant | None = None) -> None:
        self.broker = Broker()
        self.services = {name: MemoryService(name, self.broker, variant or Variant()) for name in SOURCES}

    def command(self, service: str, dossier_id: UUID, text: str, *, commits: bool) -> None:
        """Let a service say something about a dossier; without *commits* its transaction stays open."""
        there = self.services[service]
        there.begin(dossier_id, text)
        if commits:
            there.commit(dossier_id)

    def peers_of(self, service: str) -> dict[str, MemoryService]:
        """Return the other services."""
        return {name: peer for name, peer in self.services.items() if name != service}

    def settle(self) -> None:
        """End all faults and let everything run until nothing changes."""
        self.broker.bring_late()
        for service in self.services.values():
            service.poison.clear()
            service.unpark()
            for dossier_id in list(service.open):
                service.commit(dossier_id)
        for _ in range(12):
            for name, service in self.services.items():
                service.relay([Fate.KEPT] * 1000, crashes_before_mark=False)
                service.consume(100_000)
                service.sweep(self.peers_of(name).values())
                service.fetch(self.peers_of(name))
