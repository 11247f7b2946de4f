"""The machine over the pure core finds nothing wrong with the rules, and something wrong with every broken rule."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from shared.errors import DossierUnknown
from shared.timeline import APPLY, Decision, Event, Head, Verdict, decide
from tests.simulation.machine import Machine
from tests.simulation.memory import Variant

N_HISTORIES = int(os.environ.get("LIENTHONG_HISTORIES", "200"))
BUDGET = settings(
    max_examples=N_HISTORIES,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


def test_every_history_converges(capsys: pytest.CaptureFixture[str]) -> None:
    Machine.n_histories = 0
    run_state_machine_as_test(Machine, settings=BUDGET)
    with capsys.disabled():
        print(f"\n  simulation over the pure core: {Machine.n_histories} histories of up to 60 steps")


def applies_without_causes(me: str, head: Head, event: Event, *, trusted: bool = False) -> Decision:
    """The rules without the check of ``after``."""
    decision = decide(me, head, event, trusted=trusted)
    contiguous = event.source != me and event.seq == head.entry(event.source).seq + 1
    return APPLY if decision.verdict is Verdict.HOLD and contiguous else decision


BROKEN = {
    "applies without the after check": Variant(decide=applies_without_causes),
    "publishes by id cursor": Variant(publishes_by_cursor=True),
    "refuses a late fact": Variant(refuses_late_facts=True),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_machine_catches_a_broken_rule(name: str) -> None:
    broken: Any = type("BrokenMachine", (Machine,), {"variant": BROKEN[name]})
    with pytest.raises((AssertionError, DossierUnknown)):
        run_state_machine_as_test(broken, settings=BUDGET)
