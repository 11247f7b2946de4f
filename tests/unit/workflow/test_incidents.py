"""What is lag, what has diverged, what a machine may mend, and what is a person's."""

from datetime import timedelta
from typing import Any

import pytest

from services.workflow.domain.incidents import ACTIONS, Action, Find, Kind, require
from services.workflow.domain.observing import Known, Seen, judge, pause_after, same, trips, verdict_of
from shared.errors import IllegalTransition

BEFORE = {"status": "accepted", "appointment_at": "2026-10-20T10:00:00Z", "outcome": None}
TOLD = {"status": "processing", "appointment_at": "2026-10-20T10:00:00Z", "outcome": None}
RESOLVED = {**TOLD, "status": "resolved", "outcome": "granted"}
LATER = "2026-11-01T10:00:00Z"
OWNED = frozenset({"appointment_at"})


def known(**more: Any) -> Known:
    return Known(
        **{"told_no": 4, "last_no": 5, "told": TOLD, "ours": TOLD, "log": [1, 2, 3, 4], "owned": OWNED, **more}
    )


def judged(seen: Seen, about: Known) -> tuple[str, list[tuple[Kind, int | None]]]:
    finds = judge(seen, about)
    return verdict_of(seen, about, finds), [(find.kind, find.first) for find in finds]


@pytest.mark.parametrize(
    ("told", "ours", "theirs", "verdict", "finds"),
    [
        (TOLD, TOLD, {"status": "processing"}, "in_step", []),
        (TOLD, TOLD, {"appointment_at": "2026-10-20T17:00:00+07:00"}, "in_step", []),
        (TOLD, TOLD, {}, "in_step", []),
        (TOLD, RESOLVED, {"status": "processing"}, "pending", []),
        (TOLD, RESOLVED, {"status": "resolved"}, "in_step", []),
        (TOLD, TOLD, {"status": "returned"}, "diverged", [(Kind.DIVERGED, None)]),
        (TOLD, TOLD, {"appointment_at": LATER}, "diverged", [(Kind.DIVERGED, 4)]),
        (TOLD, TOLD, {"appointment_at": None}, "diverged", [(Kind.DIVERGED, 4)]),
        (TOLD, TOLD, {"appointment_at": LATER, "status": "returned"}, "diverged", [(Kind.DIVERGED, None)]),
        (TOLD, RESOLVED, {"status": "returned"}, "diverged", [(Kind.CONFLICT, None)]),
        (TOLD, RESOLVED, {"status": "processing", "appointment_at": LATER}, "diverged", [(Kind.DIVERGED, 4)]),
        (TOLD, {**TOLD, "appointment_at": None}, {"appointment_at": LATER}, "diverged", [(Kind.CONFLICT, None)]),
    ],
)
def test_fields_are_judged_by_what_was_told_by_what_is_and_by_whose_they_are(
    told: Any, ours: Any, theirs: Any, verdict: str, finds: list[Any]
) -> None:
    assert judged(Seen(state=theirs), known(told=told, ours=ours)) == (verdict, finds)


def test_a_state_of_a_change_that_there_is_not_is_told_over_and_settled_once_it_is_one_of_ours_again() -> None:
    odd = Seen(state={"status": "processing"}, stands_at=999)
    assert judged(odd, known()) == ("diverged", [(Kind.DIVERGED, 4)])
    [find] = judge(odd, known())
    assert not Seen(state={"status": "processing"}).shows(find.theirs)
    assert Seen(state={"status": "processing"}, stands_at=4).shows(find.theirs)
    assert judged(Seen(state={"status": "returned"}, stands_at=5), known())[1] == []


def test_what_a_system_has_not_taken_yet_contradicts_nothing() -> None:
    for seen in (Seen(exists=False), Seen(state={"status": "returned"}), Seen(log=[])):
        assert judged(seen, known(told_no=0, told={}))[1] == []


def test_a_dossier_that_never_arrived_is_told_again_and_one_that_was_deleted_is_a_persons() -> None:
    assert judged(Seen(exists=False), known()) == ("diverged", [(Kind.MISSING, 1)])
    assert judged(Seen(exists=False), known(was_seen=True)) == ("diverged", [(Kind.MISSING, None)])


def test_an_older_state_of_ours_that_nobody_changed_is_told_anew_whoever_owns_the_field() -> None:
    old = Seen(state={"status": "accepted"}, stands_at=2)
    assert judged(old, known(at=BEFORE)) == ("diverged", [(Kind.DIVERGED, 3)])
    reset = Seen(state={"status": "accepted", "appointment_at": LATER}, stands_at=2)
    assert judged(reset, known(at=BEFORE)) == ("diverged", [(Kind.DIVERGED, 2)])
    withdrawn = Seen(state={"status": "withdrawn"}, stands_at=2)
    assert judged(withdrawn, known(at=BEFORE)) == ("diverged", [(Kind.DIVERGED, None)])


def test_a_state_that_is_not_acknowledged_yet_is_on_its_way() -> None:
    newer = Seen(state={"status": "payment_requested", "appointment_at": LATER}, stands_at=5)
    assert judged(newer, known(ours=RESOLVED, at={**TOLD, "status": "payment_requested"})) == ("pending", [])


@pytest.mark.parametrize(
    ("log", "finds"),
    [
        ([1, 2, 3, 4], []),
        ([1, 2, 3, 4, 5], []),
        ([1, 2, 3], [({"missing": [4]}, 4)]),
        ([], [({"missing": [1, 2, 3, 4]}, 1)]),
        ([1, 2, 3, 4, 1], [({"doubled": [1]}, None)]),
        ([1, 1, 2], [({"doubled": [1], "missing": [3, 4]}, None)]),
        ([1, 3, 4], [({"missing": [2]}, None)]),
        ([2, 1, 3, 4], [({"out_of_order": [1]}, None)]),
    ],
)
def test_only_lines_at_the_end_of_a_log_can_be_told_again(log: list[int], finds: list[Any]) -> None:
    found = judge(Seen(log=log), known())
    assert [(find.theirs, find.first) for find in found] == finds
    assert {find.kind for find in found} <= {Kind.LOG}


def test_a_last_change_that_is_not_to_be_seen_is_told_again() -> None:
    assert judged(Seen(has_last=False), known()) == ("diverged", [(Kind.DIVERGED, 4)])
    assert judged(Seen(has_last=True), known())[1] == []


def test_a_divergence_shows_only_the_fields_that_differ_on_each_side() -> None:
    [find] = judge(Seen(state={"status": "returned", "outcome": None}), known())
    sides = {"status": "processing"}, {"status": "processing"}, {"status": "returned"}
    assert find == Find(Kind.DIVERGED, *sides)


def test_instants_are_the_same_to_the_second_whatever_their_offset() -> None:
    assert same("2026-10-20T10:00:00Z", "2026-10-20T17:00:00+07:00")
    assert same("2026-10-20T10:00:00.25Z", "2026-10-20T10:00:00Z")
    assert not same("2026-10-20T10:00:00Z", "2026-10-20T17:00:01+07:00")
    assert same("not-an-instant-but-T-has-it-too", "not-an-instant-but-T-has-it-too")


def test_a_dossier_is_looked_at_after_as_long_again_as_it_has_been_as_it_is() -> None:
    first, longest = timedelta(seconds=2), timedelta(hours=6)
    pauses = [pause_after(timedelta(seconds=age), first, longest).total_seconds() for age in (0, 1, 5, 3600, 10**6)]
    assert pauses == [2, 2, 5, 3600, 6 * 3600]


def test_the_brake_needs_both_many_and_more_than_its_part() -> None:
    limits: Any = {"at_least": 50, "percent": 1}
    assert [trips(n, 5000, **limits) for n in (49, 50, 51)] == [False, False, True]
    assert [trips(n, 60, **limits) for n in (49, 50)] == [False, True]


def test_every_kind_says_what_a_person_may_decide() -> None:
    assert set(ACTIONS) == set(Kind)
    for kind in Kind:
        for action in Action:
            if action in ACTIONS[kind]:
                require(kind, action)
            else:
                with pytest.raises(IllegalTransition):
                    require(kind, action)
