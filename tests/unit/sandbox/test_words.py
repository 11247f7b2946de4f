"""Every code that a page of the sandbox may show has its Vietnamese words."""

import json

from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.words import DELIVERY, FACTS, FAULTS, STATUS
from services.workflow.domain.deliveries import State
from services.workflow.domain.picture import Status
from shared.events import FACTS as PUBLISHED
from tests.support import PROVINCE


def test_every_fault_and_every_state_of_ours_has_words() -> None:
    assert set(FAULTS) == set(Kind)
    assert set(STATUS) == set(Status)
    assert set(DELIVERY) == set(State) - {State.ACKNOWLEDGED, State.DONE}


def test_every_fact_that_a_system_is_told_has_words_and_none_is_invented() -> None:
    told = [json.loads(path.read_text())["tells"] for path in (PROVINCE / "systems").glob("*.json")]
    assert set().union(*told) <= set(FACTS)
    assert set(FACTS) <= {fact.__name__ for fact in PUBLISHED.values()}
