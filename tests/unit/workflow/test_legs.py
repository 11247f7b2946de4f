"""The states of a leg, over the whole transition table."""

import pytest

from services.workflow.domain.legs import (
    ENDED,
    TRANSITIONS,
    DossierStatus,
    LegAction,
    LegStatus,
    allowed,
    next_status,
)
from shared.errors import AlreadyDone, IllegalTransition
from tests.unit.workflow.journeys import LegState

RESULTS = {
    (LegAction.ACKNOWLEDGE, LegStatus.OFFERED): LegStatus.IN_PROGRESS,
    (LegAction.REFUSE, LegStatus.OFFERED): LegStatus.REFUSED,
    (LegAction.ASSIGN, LegStatus.OFFERED): LegStatus.OFFERED,
    (LegAction.ASSIGN, LegStatus.IN_PROGRESS): LegStatus.IN_PROGRESS,
    (LegAction.COMPLETE, LegStatus.IN_PROGRESS): LegStatus.COMPLETED,
    (LegAction.RETURN, LegStatus.IN_PROGRESS): LegStatus.RETURNED,
    (LegAction.PROPOSE_SUPPLEMENT, LegStatus.IN_PROGRESS): LegStatus.IN_PROGRESS,
}
DONE = {
    (LegAction.ACKNOWLEDGE, LegStatus.IN_PROGRESS),
    (LegAction.REFUSE, LegStatus.REFUSED),
    (LegAction.COMPLETE, LegStatus.COMPLETED),
    (LegAction.RETURN, LegStatus.RETURNED),
}


@pytest.mark.parametrize("status", LegStatus)
@pytest.mark.parametrize("action", LegAction)
def test_every_action_in_every_state_moves_the_leg_or_is_refused(action: LegAction, status: LegStatus) -> None:
    leg = LegState(2, "appraisal", "agency", status)
    may = allowed(leg, may_refuse=True, may_return=True)
    if (action, status) in RESULTS:
        assert next_status(leg, action, may) is RESULTS[action, status]
        return
    with pytest.raises(IllegalTransition) as refused:
        next_status(leg, action, may)
    assert isinstance(refused.value, AlreadyDone) == ((action, status) in DONE)
    assert refused.value.extra == {"status_now": status.value, "allowed": may}


def test_the_table_has_no_action_that_this_test_forgot() -> None:
    assert {(action, status) for action, table in TRANSITIONS.items() for status in table} == set(RESULTS)


def test_a_leg_that_nobody_handed_over_can_not_be_refused() -> None:
    leg = LegState(1, "reception", "agency")
    may = allowed(leg, may_refuse=False, may_return=False)
    assert may == ["acknowledge", "assign"]
    with pytest.raises(IllegalTransition):
        next_status(leg, LegAction.REFUSE, may)


@pytest.mark.parametrize("status", LegStatus)
def test_officers_may_do_nothing_to_the_leg_of_the_applicant(status: LegStatus) -> None:
    assert allowed(LegState(4, "payment", "applicant", status), may_refuse=True, may_return=True) == []


@pytest.mark.parametrize("first", [DossierStatus.WITHDRAWN, DossierStatus.STOPPED])
@pytest.mark.parametrize("second", [DossierStatus.WITHDRAWN, DossierStatus.STOPPED])
@pytest.mark.parametrize("before", [DossierStatus.OPEN, DossierStatus.COMPLETED])
def test_an_ending_wins_over_everything_and_the_first_one_stays(
    before: DossierStatus, first: DossierStatus, second: DossierStatus
) -> None:
    assert ENDED[second][ENDED[first][before]] is first
