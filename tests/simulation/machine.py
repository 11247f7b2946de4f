"""The state machine: what can happen to four services and a broker, and what must hold whatever happens."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.timeline import SOURCES, parse_after
from tests.simulation.broker import Fate
from tests.simulation.memory import MemoryCluster, Variant

services = st.sampled_from(SOURCES)
dossiers = st.integers(0, 2)
texts = st.sampled_from(["said", *(f"ask {name}" for name in SOURCES)])
fates = st.lists(st.sampled_from([Fate.KEPT, *Fate]), min_size=1, max_size=6)


class Machine(RuleBasedStateMachine):
    """Random histories over the pure core."""

    variant = Variant()
    n_histories = 0

    def new_ids(self) -> list[UUID]:
        return [UUID(f"018f0000-0000-7000-8000-00000000000{n}") for n in (1, 2, 3)]

    def new_cluster(self) -> Any:
        return MemoryCluster(self.variant)

    @initialize()
    def begin(self) -> None:
        type(self).n_histories += 1
        self.ids = self.new_ids()
        self.cluster = self.new_cluster()
        for dossier_id in self.ids:
            self.cluster.command("intake", dossier_id, "submitted", commits=True)

    @rule(service=services, dossier=dossiers, text=texts, commits=st.booleans())
    def command(self, service: str, dossier: int, text: str, commits: bool) -> None:
        self.cluster.command(service, self.ids[dossier], text, commits=commits)

    @rule(service=services)
    def commit_all(self, service: str) -> None:
        for dossier_id in self.ids:
            self.cluster.services[service].commit(dossier_id)

    @rule(service=services, first=dossiers, second=dossiers, fates=fates)
    def commits_out_of_order_around_a_relay(self, service: str, first: int, second: int, fates: list[Fate]) -> None:
        self.cluster.command(service, self.ids[first], "said", commits=False)
        self.cluster.command(service, self.ids[second], "said", commits=True)
        self.cluster.services[service].relay(fates, crashes_before_mark=False)
        self.cluster.services[service].commit(self.ids[first])

    @rule(service=services, dossier=dossiers)
    def crash_before_commit(self, service: str, dossier: int) -> None:
        self.cluster.services[service].crash(self.ids[dossier])

    @rule(service=services, fates=fates, crashes=st.booleans())
    def relay(self, service: str, fates: list[Fate], crashes: bool) -> None:
        self.cluster.services[service].relay(fates, crashes_before_mark=crashes)

    @rule(service=services, fates=fates)
    def two_relays_on_one_shard(self, service: str, fates: list[Fate]) -> None:
        self.cluster.services[service].relay(fates, crashes_before_mark=True)
        self.cluster.services[service].relay(fates, crashes_before_mark=False)

    @rule(service=services, n=st.integers(1, 8), crashes=st.sampled_from(["", "", "", "before", "after"]))
    def consume(self, service: str, n: int, crashes: str) -> None:
        self.cluster.services[service].consume(n, crashes=crashes)

    @rule(service=services, n=st.integers(1, 8))
    def replay(self, service: str, n: int) -> None:
        self.cluster.broker.rewind(service, n)

    @rule(at=st.integers(0, 50))
    def swap(self, at: int) -> None:
        self.cluster.broker.swap(at)

    @rule()
    def bring_late(self) -> None:
        self.cluster.broker.bring_late()

    @rule()
    def forget_everything(self) -> None:
        self.cluster.broker.forget()

    @rule(service=services, dossier=dossiers)
    def poison(self, service: str, dossier: int) -> None:
        self.cluster.services[service].poison.add(self.ids[dossier])

    @rule(service=services)
    def retry_parked(self, service: str) -> None:
        self.cluster.services[service].poison.clear()
        self.cluster.services[service].unpark()

    @rule(service=services)
    def sweep(self, service: str) -> None:
        self.cluster.services[service].sweep(self.cluster.peers_of(service).values())

    @rule(service=services)
    def fetch(self, service: str) -> None:
        self.cluster.services[service].fetch(self.cluster.peers_of(service))

    @invariant()
    def each_has_applied_an_exact_prefix_and_no_effect_before_its_cause(self) -> None:
        tables = {name: service.tables for name, service in self.cluster.services.items()}
        for name, here in tables.items():
            for dossier_id, applied in here.applied.items():
                seen: dict[str, list[Any]] = {source: [] for source in SOURCES}
                for event in applied:
                    causes = parse_after(event.after)
                    causes.pop(name, None)
                    assert all(len(seen[source]) >= seq for source, seq in causes.items()), "effect before its cause"
                    seen[event.source].append(event)
                for source, events in seen.items():
                    ledger = tables[source].ledger.get(dossier_id, [])
                    assert events == ledger[: len(events)], f"{name} has not applied a prefix of {source}"

    @invariant()
    def a_parked_dossier_stops_no_other(self) -> None:
        """Only dossiers that are poison here may stand still here."""
        for service in self.cluster.services.values():
            assert service.tables.parked <= service.poison, "a dossier without poison is parked"

    def every_row_was_relayed(self) -> None:
        """The relay finds every committed row, in whatever order transactions commit; the sweep is not its excuse."""
        for service in self.cluster.services.values():
            rows = {event.id for events in service.tables.ledger.values() for event in events}
            assert rows <= self.cluster.broker.sent, f"{service.name} never relayed a committed row"

    def teardown(self) -> None:
        if not hasattr(self, "cluster"):
            return
        self.cluster.settle()
        self.each_has_applied_an_exact_prefix_and_no_effect_before_its_cause()
        self.every_row_was_relayed()
        tables = [service.tables for service in self.cluster.services.values()]
        for dossier_id in self.ids:
            heads = {str(sorted(here.heads[dossier_id].entries.items())) for here in tables}
            assert len(heads) == 1, "heads differ after the faults ended"
            assert len({here.state[dossier_id] for here in tables}) == 1, "states differ after the faults ended"
        assert not any(here.holds for here in tables), "something is still on hold"
