"""A shorter run of the same machine over the real outbox, relay, inbox, fetch and sweep on PostgreSQL."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from deploy.local.engines import Engines
from shared import audit, inbox
from shared.errors import DossierUnknown
from shared.outbox import new_dossier_id
from shared.settings import Settings
from tests.simulation.machine import Machine
from tests.simulation.postgres import PostgresCluster
from tests.simulation.test_core import applies_without_causes

N_HISTORIES = int(os.environ.get("LIENTHONG_HISTORIES_POSTGRES", "10"))


class PostgresMachine(Machine):
    """The machine over one set of databases; every history has new dossiers. What was done is checked at its end."""

    shared_cluster: PostgresCluster

    def new_ids(self) -> list[UUID]:
        return [new_dossier_id(datetime.now(UTC)) for _ in range(3)]

    def new_cluster(self) -> Any:
        self.shared_cluster.begin_history(self.ids)
        return self.shared_cluster

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        """Reading four databases after every step would take most of the budget; the order is witnessed instead."""


def run(engines: Engines, name: str, n_histories: int) -> None:
    """Run the machine over fresh databases."""
    where = Settings(
        mode="local",
        postgres_url=engines.postgres_url,
        kafka=engines.kafka,
        database_prefix=f"lt_sim_{os.getpid()}_{name}_",
    )
    budget = settings(
        max_examples=n_histories,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    with asyncio.Runner() as runner:
        PostgresMachine.shared_cluster = PostgresCluster(where, runner)
        try:
            run_state_machine_as_test(PostgresMachine, settings=budget)
        finally:
            PostgresMachine.shared_cluster.close()


def test_the_real_relay_and_inbox_converge(
    engines: Engines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "IN_FLIGHT", timedelta(0))
    PostgresMachine.n_histories = 0
    run(engines, "right", N_HISTORIES)
    with capsys.disabled():
        print(f"\n  simulation over PostgreSQL: {PostgresMachine.n_histories} histories of up to 40 steps")


def test_the_machine_catches_a_broken_rule_in_the_real_inbox(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine, with an inbox that does not look at causes, must not pass."""
    monkeypatch.setattr(audit, "IN_FLIGHT", timedelta(0))
    monkeypatch.setattr(inbox, "decide", applies_without_causes)
    with pytest.raises((AssertionError, DossierUnknown)):
        run(engines, "broken", N_HISTORIES * 4)
