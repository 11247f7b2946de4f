"""Form 06 as numbers: the identities, the published percentages, sections and their subtotals."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.report06 import (
    IDENTITIES,
    Counts,
    Grouping,
    IdentityBroken,
    Report06,
    Row,
    broken,
    check,
    columns,
    percent,
    total_of,
)

CAN_DUOC = Counts(
    online=16_586, counter_post=15_845, carried_over=12_977,
    early=19_634, on_time=23_513, late=71, in_time=2_005, overdue=185,
)  # fmt: skip
NUMBER = st.integers(0, 10**6)


@st.composite
def sound(draw: st.DrawFn) -> Counts:
    """Counts of dossiers that exist: each was received one way and is in one of five states."""
    received = [draw(NUMBER) for _ in range(3)]
    cuts = sorted(draw(st.integers(0, sum(received))) for _ in range(4))
    states = [b - a for a, b in zip([0, *cuts], [*cuts, sum(received)], strict=True)]
    return Counts(*received, *states)


def a_report(*rows: Row) -> Report06:
    known = datetime(2022, 11, 15, 3, tzinfo=UTC)
    return Report06("UBND huyện Cần Đước", date(2022, 1, 1), date(2022, 11, 14), Grouping.AGENCY, known, rows)


def test_can_duoc_prints_the_published_columns_and_percentages() -> None:
    assert columns(CAN_DUOC) == (45408, 16586, 15845, 12977, 43218, 19634, 23513, 71, 2190, 2005, 185)
    check(CAN_DUOC)
    shares = (CAN_DUOC.early_percent, CAN_DUOC.on_time_percent, CAN_DUOC.late_percent)
    assert shares == (Decimal("45.43"), Decimal("54.41"), Decimal("0.16"))
    assert CAN_DUOC.online_percent == Decimal("51.14")


def test_percentages_round_half_up_and_nothing_has_none() -> None:
    assert percent(1, 800) == Decimal("0.13")
    assert percent(0, 7) == Decimal("0.00")
    assert percent(7, 7) == Decimal("100.00")
    assert percent(0, 0) is None
    assert Counts().early_percent is None


def test_a_dossier_that_vanished_is_named_with_its_numbers() -> None:
    with pytest.raises(IdentityBroken, match=re.escape("Chi nhánh; (3) = (7) + (11): 5 ≠ 3 + 1")):
        check(Counts(online=5, early=3, in_time=1), "Chi nhánh")


def test_each_broken_identity_is_named() -> None:
    nothing = [0] * 11
    assert broken(nothing) == []
    for whole, parts in IDENTITIES:
        off = [*nothing]
        off[parts[0] - 3] = 1
        assert any(fault.startswith(f"({whole}) = ") for fault in broken(off))
    assert broken([9, 1, 2, 3, 4, 1, 1, 1, 6, 2, 2]) == [
        "(3) = (4) + (5) + (6): 9 ≠ 1 + 2 + 3",
        "(7) = (8) + (9) + (10): 4 ≠ 1 + 1 + 1",
        "(11) = (12) + (13): 6 ≠ 2 + 2",
        "(3) = (7) + (11): 9 ≠ 4 + 6",
    ]


def test_a_negative_number_is_refused_even_if_it_adds_up() -> None:
    with pytest.raises(IdentityBroken, match=re.escape("(13) < 0: -1")):
        check(Counts(online=1, in_time=2, overdue=-1))


@given(sound(), sound())
def test_two_counts_that_pass_add_up_to_one_that_passes(one: Counts, other: Counts) -> None:
    check(one)
    check(other)
    check(one + other)
    both = zip(columns(one), columns(other), strict=True)
    assert columns(one + other) == tuple(a + b for a, b in both)


@given(sound(), st.integers(0, 7), st.integers(1, 9))
def test_one_number_changed_never_passes(counts: Counts, at: int, by: int) -> None:
    names = list(Counts.__slots__)
    changed = {name: getattr(counts, name) for name in names}
    changed[names[at]] += by
    with pytest.raises(IdentityBroken):
        check(Counts(**changed))


@given(st.lists(sound()))
def test_the_total_is_the_sum_of_the_sections(counts: list[Counts]) -> None:
    rows = [Row(f"Đơn vị {n}", str(n), c, ("", "Cấp tỉnh", "Cấp xã")[n % 3]) for n, c in enumerate(counts)]
    report = a_report(*rows)
    assert total_of(section.subtotal for section in report.sections) == report.total
    assert sum(len(section.rows) for section in report.sections) == len(rows)


def test_sections_are_lettered_in_the_order_they_appear_and_plain_rows_come_first() -> None:
    one = Counts(online=1, early=1)
    levels = ["Cấp tỉnh", "Cấp xã", "", "Cấp tỉnh"]
    report = a_report(*(Row(f"Đơn vị {n}", str(n), one, level) for n, level in enumerate(levels)))
    heads = [(s.letter, s.label, [row.code for row in s.rows]) for s in report.sections]
    assert heads == [("", "", ["2"]), ("A", "Cấp tỉnh", ["0", "3"]), ("B", "Cấp xã", ["1"])]
    assert a_report().sections == ()
