"""What is lag, what has diverged, and what is a conflict."""

from typing import Any

import pytest

from services.workflow.domain.incidents import ACTIONS, Action, Kind, compare, require, same
from shared.errors import IllegalTransition

TOLD = {"status": "processing", "appointment_at": "2026-10-20T10:00:00Z", "outcome": None}
LATER = "2026-11-01T10:00:00Z"
NOW_RESOLVED = {**TOLD, "status": "resolved", "outcome": "granted"}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "verdict", "kind"),
    [
        (TOLD, TOLD, {"status": "processing"}, "in_step", None),
        (TOLD, TOLD, {"appointment_at": "2026-10-20T17:00:00+07:00"}, "in_step", None),
        (TOLD, NOW_RESOLVED, {"status": "processing"}, "pending", None),
        (TOLD, NOW_RESOLVED, {"status": "resolved"}, "in_step", None),
        (TOLD, TOLD, {"status": "returned"}, "diverged", Kind.DIVERGED),
        (TOLD, TOLD, {"appointment_at": "2026-11-01T10:00:00Z"}, "diverged", Kind.DIVERGED),
        (TOLD, NOW_RESOLVED, {"status": "returned"}, "diverged", Kind.CONFLICT),
        (TOLD, NOW_RESOLVED, {"status": "processing", "appointment_at": LATER}, "diverged", Kind.DIVERGED),
        (TOLD, TOLD, None, "diverged", Kind.MISSING),
        (None, TOLD, None, "pending", None),
        (None, TOLD, {"status": "returned"}, "diverged", Kind.DIVERGED),
        (TOLD, TOLD, {}, "in_step", None),
    ],
)  # fmt: skip
def test_an_observation_is_judged_by_what_was_told_and_by_what_is(
    base: Any, ours: Any, theirs: Any, verdict: str, kind: Kind | None
) -> None:
    seen = compare(base, ours, theirs)
    assert (seen.verdict, seen.kind) == (verdict, kind)


def test_a_divergence_shows_only_the_fields_that_differ_on_each_side() -> None:
    seen = compare(TOLD, TOLD, {"status": "returned", "outcome": None})
    assert (seen.base, seen.ours, seen.theirs) == (
        {"status": "processing"}, {"status": "processing"}, {"status": "returned"},
    )  # fmt: skip


def test_instants_are_the_same_whatever_their_offset() -> None:
    assert same("2026-10-20T10:00:00Z", "2026-10-20T17:00:00+07:00")
    assert not same("2026-10-20T10:00:00Z", "2026-10-20T17:00:01+07:00")
    assert same("not-an-instant-but-T-has-it-too", "not-an-instant-but-T-has-it-too")


def test_every_kind_says_what_a_person_may_decide() -> None:
    assert set(ACTIONS) == set(Kind)
    for kind in Kind:
        for action in Action:
            if action in ACTIONS[kind]:
                require(kind, action)
            else:
                with pytest.raises(IllegalTransition):
                    require(kind, action)
