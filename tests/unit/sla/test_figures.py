"""Figures of form 06 from sums, and the names that its rows stand under."""

from datetime import date

import pytest

from services.sla.domain.figures import Figures, Judging, Sum, figures
from services.sla.domain.naming import Name, label
from services.sla.domain.report06 import Counts


def total(measure: str, n: int, *, is_before: bool = False, is_saturday: bool = False, **given: str) -> Sum:
    rest = {"verdict": "", "ending": "", "judged_by": "", "channel": "", **given}
    return Sum("A", is_before, measure, is_saturday=is_saturday, n=n, **rest)


SUMS = [
    total("pending", 4, is_before=True),
    total("overdue", 1, is_before=True),
    total("received", 3, channel="online"),
    total("received", 2, channel="assisted", is_saturday=True),
    total("received", 1, channel="post"),
    total("resolved", 4, verdict="early", ending="granted"),
    total("resolved", 2, verdict="late", ending="withdrawn", is_saturday=True),
    total("overdue", 1),
    total("resolved", -1, verdict="late", ending="withdrawn", judged_by="renewed"),
    total("resolved", 1, verdict="early", ending="withdrawn", judged_by="renewed"),
    total("overdue", -1, judged_by="renewed"),
    total("paid", 5, verdict="portal"),
]
WAYS = [
    # how it is judged: early, on time, late, in time, overdue
    (Judging(), (4, 0, 2, 2, 2)),
    (Judging(by_renewed=True), (5, 0, 1, 3, 1)),
    (Judging(unfinished_as_on_time=True), (4, 2, 0, 2, 2)),
    (Judging(by_renewed=True, unfinished_as_on_time=True), (4, 2, 0, 3, 1)),
]


@pytest.mark.parametrize(("judging", "expected"), WAYS)
def test_sums_become_figures(judging: Judging, expected: tuple[int, ...]) -> None:
    (row,) = figures(SUMS, judging).values()
    counts = row.counts
    assert (counts.online, counts.counter_post, counts.carried_over) == (5, 1, 4)
    assert (counts.early, counts.on_time, counts.late, counts.in_time, counts.overdue) == expected
    assert (row.assisted, row.saturday_received, row.saturday_resolved) == (2, 2, 2)


def test_a_row_of_nothing_is_no_row() -> None:
    assert figures([total("received", 0, channel="post")], Judging()) == {}


def test_figures_add_up() -> None:
    one = Figures(Counts(online=1, in_time=1), assisted=1)
    assert one + one == Figures(Counts(online=2, in_time=2), assisted=2)


NAMES = [Name(date(2018, 1, 1), "Huyện"), Name(date(2025, 7, 1), "Xã"), Name(date(2026, 1, 1), "Xã")]
PERIODS = [
    (date(2024, 1, 1), date(2024, 12, 31), "Huyện"),
    (date(2025, 1, 1), date(2025, 6, 30), "Huyện"),
    (date(2025, 1, 1), date(2025, 12, 31), "Xã (đến 30/06/2025: Huyện)"),
    (date(2025, 7, 1), date(2026, 12, 31), "Xã"),
    (date(2017, 1, 1), date(2017, 12, 31), "H99.01"),
]


@pytest.mark.parametrize(("from_on", "to_on", "expected"), PERIODS)
def test_a_row_has_the_name_of_the_period(from_on: date, to_on: date, expected: str) -> None:
    assert label("H99.01", NAMES, from_on, to_on) == expected
