"""The rules of intake: every state against every action, and what a new tax determination replaces."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest

from services.intake.domain import (
    COMPLETION,
    PORTAL_CODE,
    TRANSITIONS,
    Action,
    Status,
    allowed,
    awaiting,
    is_outstanding,
    next_status,
    replaced_by,
)
from shared.errors import AlreadyDone, IllegalTransition

AT = datetime(2026, 8, 3, 1, 30, tzinfo=UTC)
ENDED = {Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.RETURNED}


@dataclass
class Notice:
    leg_no: int | None
    paid_at: datetime | None = None
    voided_at: datetime | None = None


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_action_is_allowed_or_refused_with_what_is_allowed(status: Status, action: Action) -> None:
    if action in allowed(status):
        assert next_status(status, action, Status.PROCESSING) in Status
        return
    with pytest.raises(IllegalTransition) as refused:
        next_status(status, action)
    assert refused.value.extra == {"status_now": status.value, "allowed": allowed(status)}


def test_what_was_done_already_says_so() -> None:
    with pytest.raises(AlreadyDone):
        next_status(Status.WITHDRAWN, Action.WITHDRAW)


def test_the_people_may_be_changed_until_the_dossier_ends_and_that_moves_no_state() -> None:
    table = TRANSITIONS[Action.CHANGE_APPLICANT]
    assert set(Status) - set(table) == ENDED
    assert all(status is following for status, following in table.items())


def test_every_state_has_a_portal_code_and_those_that_ended_are_complete() -> None:
    assert set(PORTAL_CODE) == set(Status)
    assert set(Status) - set(COMPLETION) == ENDED


def test_a_new_determination_replaces_what_is_unpaid_of_others_and_nothing_else() -> None:
    own, old, older = Notice(leg_no=7), Notice(leg_no=3), Notice(leg_no=1)
    kept = [own, Notice(leg_no=3, paid_at=AT), Notice(leg_no=3, voided_at=AT), Notice(leg_no=None)]
    assert replaced_by([*kept, old, older], 7) == [old, older]
    assert replaced_by(kept, 7) == []


def test_what_is_paid_or_void_is_not_outstanding() -> None:
    notices = [Notice(3), Notice(3, paid_at=AT), Notice(3, voided_at=AT)]
    assert [is_outstanding(notice) for notice in notices] == [True, False, False]
    assert (awaiting(1), awaiting(0)) == (Status.PAYMENT_REQUESTED, Status.PROCESSING)
