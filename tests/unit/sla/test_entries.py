"""Entries: each of a local date, and at the end of every date they add up."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import accumulate
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from services.sla.domain import (
    Counted,
    Entry,
    Fact,
    Finished,
    Held,
    Kept,
    Kind,
    Measure,
    Reopened,
    Started,
    SuspensionBegan,
    SuspensionEnded,
    Verdict,
    difference,
    entries,
    evaluate,
    held_minutes,
    n_changes,
    overdue_spans,
    paid,
    seen_until,
    verdict,
)
from tests.unit.sla.test_domain import RULE, VN, at, histories

STARTED = Started(at("2 09:00"))  # 2 working days: Wed 4 17:00


BEGUN = Counted(
    is_settled=True,
    started_at=STARTED.at,
    finished_at=None,
    verdict=None,
    ending=None,
    overdue=[],
    missed_deadlines=[],
    renewed_deadline_at=None,
)


def row_of(facts: list[Fact], *missed: datetime) -> Counted:
    """Return what counts of the row, as ``handlers.clocks`` keeps it."""
    state = evaluate(facts, RULE, VN, at("2 09:00"))
    assert state is not None
    return Counted(
        is_settled=n_changes(facts) > 0,
        started_at=state.started_at,
        finished_at=state.finished_at,
        verdict=verdict(state.finished_at, state.standing_deadline_at) if state.finished_at else None,
        ending=state.ending or None,
        overdue=overdue_spans(state, missed, seen_until(facts)),
        missed_deadlines=list(missed),
        renewed_deadline_at=None,
    )


def march(day: int) -> date:
    return date(2026, 3, day)


def counted(row: Counted, renewed_at: datetime | None = None) -> dict[tuple[int, str, str, str, str], int]:
    found = entries(row._replace(renewed_deadline_at=renewed_at))
    return {(entry.counts_on.day, *entry[1:]): n for entry, n in found.items()}


RECEIVED = {(2, "received", "", "", ""): 1}
GRANTED = Finished(at("4 16:00"), ending="granted")
SUPPLEMENT = (SuspensionBegan(at("6 09:00"), 1, "supplement"), SuspensionEnded(at("10 09:00"), 1))  # due Thu 12
HISTORIES: list[tuple[str, list[Fact], tuple[str, ...], dict[tuple[int, str, str, str, str], int]]] = [
    ("running", [], (), {}),
    ("on time", [GRANTED], (), {(4, "resolved", "on_time", "granted", ""): 1}),
    (
        "early",
        [Finished(at("3 10:00"), ending="withdrawn")],
        (),
        {(3, "resolved", "early", "withdrawn", ""): 1},
    ),
    ("missed and announced", [], ("4 17:00",), {(4, "overdue", "", "", ""): 1}),
    (
        "late, whether it was announced or not",
        [Finished(at("6 10:00"), ending="granted")],
        (),
        {(4, "overdue", "", "", ""): 1, (6, "overdue", "", "", ""): -1, (6, "resolved", "late", "granted", ""): 1},
    ),
    ("late within the day", [Finished(at("4 18:00"))], ("4 17:00",), {(4, "resolved", "late", "", ""): 1}),
    (
        "overdue until the law gives another deadline",
        list(SUPPLEMENT),
        ("4 17:00",),
        {(4, "overdue", "", "", ""): 1, (10, "overdue", "", "", ""): -1},
    ),
    (
        "overdue twice",
        [*SUPPLEMENT, Finished(at("16 08:00"), ending="granted")],
        ("4 17:00",),
        {
            (4, "overdue", "", "", ""): 1,
            (10, "overdue", "", "", ""): -1,
            (12, "overdue", "", "", ""): 1,
            (16, "overdue", "", "", ""): -1,
            (16, "resolved", "late", "granted", ""): 1,
        },
    ),
    ("suspended over its deadline", [SuspensionBegan(at("4 10:00"), 1, "tax")], (), {}),
    ("reopened before the deadline", [Finished(at("3 10:00")), Reopened(at("4 10:00"))], (), {}),
    (
        "reopened after the deadline: overdue from then on",
        [GRANTED, Reopened(at("9 10:00"))],
        (),
        {(9, "overdue", "", "", ""): 1},
    ),
    (
        "reopened and ended again: the first end never was",
        [GRANTED, Reopened(at("9 10:00")), Finished(at("10 10:00"), ending="not_granted")],
        (),
        {
            (9, "overdue", "", "", ""): 1,
            (10, "overdue", "", "", ""): -1,
            (10, "resolved", "late", "not_granted", ""): 1,
        },
    ),
]


@pytest.mark.parametrize(
    ("facts", "missed", "expected"), [case[1:] for case in HISTORIES], ids=[c[0] for c in HISTORIES]
)
def test_a_history_has_its_entries(
    facts: list[Fact], missed: tuple[str, ...], expected: dict[tuple[int, str, str, str, str], int]
) -> None:
    assert counted(row_of([STARTED, *facts], *map(at, missed))) == RECEIVED | expected


def test_a_clock_that_was_not_settled_yet_counts_for_nothing() -> None:
    assert entries(BEGUN._replace(is_settled=False)) == Counter()


def test_what_changes_is_taken_back_and_put_in() -> None:
    before, after = entries(row_of([STARTED, GRANTED])), entries(row_of([STARTED, GRANTED, Reopened(at("4 16:30"))]))
    assert difference(after, before) == {Entry(march(4), Measure.RESOLVED, Verdict.ON_TIME, "granted"): -1}
    assert difference(before, before) == {}


LATE: list[Fact] = [STARTED, Finished(at("6 10:00"), ending="granted")]
RENEWED = [
    # promised instead, what judging by it adds
    (
        "10 17:00",
        {
            (6, "resolved", "late", "granted", "renewed"): -1,
            (6, "resolved", "early", "granted", "renewed"): 1,
            (4, "overdue", "", "", "renewed"): -1,
            (6, "overdue", "", "", "renewed"): 1,
        },
    ),
    ("5 17:00", {(4, "overdue", "", "", "renewed"): -1, (5, "overdue", "", "", "renewed"): 1}),
]


@pytest.mark.parametrize(("renewed", "added"), RENEWED)
def test_judging_by_the_promised_deadline_is_a_difference(
    renewed: str, added: dict[tuple[int, str, str, str, str], int]
) -> None:
    base, both = counted(row_of(LATE)), counted(row_of(LATE), at(renewed))
    assert both == base | added


def test_an_open_dossier_is_overdue_by_the_promised_deadline_once_that_was_missed() -> None:
    waiting, missed = row_of([STARTED], at("4 17:00")), row_of([STARTED], at("4 17:00"), at("9 17:00"))
    assert counted(waiting, at("9 17:00")) == {
        **RECEIVED, (4, "overdue", "", "", ""): 1, (4, "overdue", "", "", "renewed"): -1,
    }  # fmt: skip
    assert counted(missed, at("9 17:00"))[9, "overdue", "", "", "renewed"] == 1


def totals(counted: dict[Entry, int], *measures: str) -> dict[date, int]:
    """Return the sum of some measures at the end of each day on which something happened."""
    days = sorted({entry.counts_on for entry in counted})
    per_day = [sum(n for e, n in counted.items() if e.counts_on == day and e.measure in measures) for day in days]
    return dict(zip(days, accumulate(per_day), strict=True))


@settings(max_examples=500)
@given(histories, st.booleans())
def test_on_every_date_what_was_received_is_resolved_or_pending_in_time_or_overdue(
    history: list[Fact], is_announced: bool
) -> None:
    state = evaluate(history, RULE, VN, at("2 09:00"))
    assert state is not None
    row = row_of(history, *([state.standing_deadline_at] if is_announced and state.deadline_at else []))
    found = entries(row)
    received, resolved = totals(found, Measure.RECEIVED), totals(found, Measure.RESOLVED)
    overdue = totals(found, Measure.OVERDUE)
    for day in received:
        assert received[day] == 1
        pending = received[day] - resolved[day]
        assert 0 <= overdue[day] <= pending <= 1
    assert (resolved[max(resolved)] == 1) == (state.finished_at is not None)


@settings(max_examples=300)
@given(st.data(), histories)
def test_differences_add_up_to_the_same_entries_in_any_order_of_arrival(
    data: st.DataObject, history: list[Fact]
) -> None:
    rest = data.draw(st.permutations(history[1:]))
    journal: Counter[Entry] = Counter()
    for n in range(len(history)):
        after = entries(row_of([history[0], *rest[:n]]))
        for entry, change in difference(after, journal).items():
            journal[entry] += change
    assert {entry: n for entry, n in journal.items() if n} == entries(row_of(history))


@settings(max_examples=200)
@given(histories)
def test_the_minutes_of_all_holders_are_the_dossiers_and_late_only_after_the_deadline(history: list[Fact]) -> None:
    state = evaluate(history, RULE, VN, at("2 09:00"))
    assert state is not None
    held = held_minutes(state, VN)
    assert sum(one.minutes for one in held.values()) == state.elapsed_minutes
    assert all(0 <= one.late_minutes <= one.minutes for one in held.values())
    if state.finished_at is not None and state.finished_at <= state.standing_deadline_at:
        assert sum(one.late_minutes for one in held.values()) == 0


def test_late_minutes_are_put_down_to_whoever_held_the_dossier_then() -> None:
    facts: list[Fact] = [
        STARTED,
        Held(at("2 09:00"), "UNIT"),
        Held(at("4 08:00"), "LAND"),
        Held(at("5 10:00"), "TAX"),
        Finished(at("6 08:00"), ending="granted"),
    ]
    state = evaluate(facts, RULE, VN, at("6 08:00"))
    assert state is not None
    # due Wed 4 17:00; Thu 7:30–10:00 150 by LAND; Thu 10:00–17:00 300 and Fri 7:30–8:00 30 by TAX
    assert {code: one.late_minutes for code, one in held_minutes(state, VN).items()} == {
        "UNIT": 0, "LAND": 150, "TAX": 330,
    }  # fmt: skip


def test_a_day_is_local() -> None:
    late_evening = Started(at("2 23:30"))
    assert Entry(march(2), Measure.RECEIVED) in entries(row_of([late_evening]))
    assert Entry(march(3), Measure.RECEIVED) in entries(row_of([Started(at("2 23:59") + timedelta(minutes=1))]))


def payment(when: str, method: str, seq: int = 3) -> Kept:
    return Kept(uuid4(), "intake", seq, at(when), Kind.PAID, None, {"method": method})


PAYMENTS: list[tuple[str, list[Kept], dict[Entry, int]]] = [
    ("none", [Kept(uuid4(), "intake", 2, at("2 09:00"), Kind.STARTED, None, {})], {}),
    ("one", [payment("4 23:59", "portal")], {Entry(march(4), Measure.PAID, "portal"): 1}),
    ("said again", [payment("4 09:00", "portal"), payment("9 09:00", "portal")],
     {Entry(march(4), Measure.PAID, "portal"): 1}),
    ("two ways", [payment("4 09:00", "portal"), payment("3 09:00", "bank"), payment("6 09:00", "portal")],
     {Entry(march(3), Measure.PAID, "bank portal"): 1}),
]  # fmt: skip


@pytest.mark.parametrize(("payments", "expected"), [case[1:] for case in PAYMENTS], ids=[case[0] for case in PAYMENTS])
def test_a_dossier_is_paid_once_on_the_day_of_its_first_payment_by_all_its_methods(
    payments: list[Kept], expected: dict[Entry, int]
) -> None:
    assert paid(payments) == paid(payments[::-1]) == expected
