"""Scorecards: points worked out by hand, and the sample province's cards as the law gives them."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.sla.domain.figures import Sum
from services.sla.domain.scorecards import Grade, Scorecard, Tallies, score, tallies_of, together
from shared.reference import read_folder, refuse_overlaps
from tests.support import PROVINCE

VERSIONS = [Scorecard.model_validate(row) for row in read_folder(PROVINCE / "scorecards")]
CARDS = {one.code: one for one in sorted(VERSIONS, key=lambda one: one.version)}
INDEX, AGENCY, OFFICER = CARDS["index-766"], CARDS["scoring-agency"], CARDS["scoring-officer"]
SHARE = {"yes": 100, "no": 0}


def card(*parts: dict[str, Any], **given: Any) -> Scorecard:
    common = {"group": "g", "name": "n", "max_points": 10, "worth": SHARE, "target": 80}
    full = [{"code": str(no), **common, **part} for no, part in enumerate(parts, 1)]
    made = {"code": "c", "version": 1, "valid_from": "2020-01-01", "name": "c", "citation": "x", "groups": {"g": "G"}}
    return Scorecard.model_validate({**made, "parts": full, **given})


def entered(**counts: dict[str, int]) -> Tallies:
    tallies = Tallies.empty()
    tallies.entered.update({code.removeprefix("p"): Counter(of_it) for code, of_it in counts.items()})
    return tallies


POINTS = [
    # counts, average, points of 10 with a target of 80 %
    ({"yes": 80, "no": 20}, "80", "10.00"),
    ({"yes": 90, "no": 10}, "90", "10.00"),  # never more than all
    ({"yes": 40, "no": 60}, "40", "5.00"),  # 10 × 40 / 80
    ({"yes": 1, "no": 2}, None, "4.17"),  # 10 × 33.33… / 80 = 4.1666…, half up
    ({"yes": 0, "no": 5}, "0", "0.00"),
]


@pytest.mark.parametrize(("counts", "average", "points"), POINTS)
def test_points_are_in_proportion_to_the_target_and_never_more_than_all(
    counts: dict[str, int], average: str | None, points: str
) -> None:
    (part,) = score(card({}), entered(p1=counts)).parts
    assert part.points == Decimal(points)
    assert average is None or part.average == Decimal(average)


def test_points_multiplied_by_another_share_need_that_share() -> None:
    both = card({}, {"times": "1", "max_points": 12, "target": 50})
    known = score(both, entered(p1={"yes": 3, "no": 1}, p2={"yes": 1, "no": 3}))
    # (1) 10 × 75/80 = 9.375 → 9.38; (2) 12 × 25/50 × 0.75 = 4.5
    assert [one.points for one in known.parts] == [Decimal("9.38"), Decimal("4.50")]
    unknown = score(both, entered(p2={"yes": 1, "no": 3}))
    assert [one.points for one in unknown.parts] == [None, None]


def test_the_sum_is_that_of_the_printed_points_and_graded_only_if_nothing_is_missing() -> None:
    graded = card({}, {}, grades=[{"from_points": 8, "name": "tốt"}, {"from_points": 0, "name": "yếu"}])
    third = {"yes": 1, "no": 2}
    whole = score(graded, entered(p1=third, p2=third))
    assert (whole.points, whole.known_max, whole.grade) == (Decimal("8.34"), Decimal(20), "tốt")
    part = score(graded, entered(p1=third))
    assert (part.points, part.known_max, part.grade) == (Decimal("4.17"), Decimal(10), None)


def total(measure: str, n: int, *, is_before: bool = False, **given: str) -> Sum:
    rest = {"verdict": "", "ending": "", "judged_by": "", "channel": "", **given}
    return Sum("A", is_before, measure, is_saturday=False, n=n, **rest)


SUMS = [
    total("pending", 9, is_before=True),
    total("received", 30, channel="online"),
    total("received", 10, channel="assisted"),
    total("received", 60, channel="counter"),
    total("resolved", 70, verdict="early", ending="granted"),
    total("resolved", 20, verdict="on_time", ending="not_granted"),
    total("resolved", 10, verdict="late", ending="granted"),
    total("resolved", 5, verdict="early", ending="granted", judged_by="supplements:2"),
    total("resolved", 1, verdict="late", ending="granted", judged_by="supplements:3"),
    total("resolved", -1, verdict="late", ending="granted", judged_by="renewed"),
    total("overdue", 2),
    total("paid", 6, verdict="portal"),
    total("paid", 3, verdict="bank"),
    total("paid", 1, verdict="counter portal"),
    total("paid", 2, verdict="bank counter"),
]


def test_more_than_one_supplement_request_is_late_for_the_national_index() -> None:
    tallies = tallies_of(SUMS)["A"]
    verdict, online = INDEX.part("2.1"), INDEX.part("3.1")
    assert verdict is not None
    assert online is not None
    assert tallies.of(verdict) == {"early": 65, "on_time": 20, "late": 15}
    assert tallies.of(online) == {"online": 30, "assisted": 10, "counter": 60}
    # without the rule nobody is moved
    assert tallies.of(verdict.model_copy(update={"late_after_supplements": None}))["late"] == 10


def test_the_index_by_hand() -> None:
    tallies = tallies_of(SUMS)["A"]
    tallies.entered["1.4"] = Counter(yes=50, no=50)
    points = {one.part.code: one.points for one in score(INDEX, tallies).parts if one.points is not None}
    assert points == {
        "1.4": Decimal("3.75"),  # 6 × 50/80
        "2.1": Decimal("20.00"),  # 85 % reach the target of 80 %
        "3.1": Decimal("4.80"),  # 12 × 40/50 × 0.5: half of it is not on the portal
        "5.1": Decimal("7.29"),  # 10 × 58.33… / 80: 7 of 12 dossiers were paid through the portal
    }


def test_paid_by_several_methods_a_dossier_counts_once_by_the_one_worth_most() -> None:
    tallies, online = tallies_of(SUMS)["A"], INDEX.part("5.1")
    assert online is not None
    assert tallies.of(online) == {"portal": 7, "bank": 3, "counter": 2}
    both = online.model_copy(update={"worth": {"portal": Decimal(100), "bank": Decimal(100)}})
    assert tallies.of(both) == {"portal": 7, "bank": 5}


def test_before_2026_the_share_paid_online_was_entered() -> None:
    before = next(one for one in VERSIONS if (one.code, one.version) == (INDEX.code, 1)).part("5.1")
    assert before is not None
    assert before.counts is None
    assert tallies_of(SUMS)["A"].of(before) == {}


def test_a_place_is_the_sum_of_its_units() -> None:
    tallies = tallies_of(SUMS)["A"]
    tallies.entered["1.1"] = Counter(yes=1)
    both = together([tallies, tallies])
    assert (both.channel["online"], both.verdict["late"], both.supplemented[2, "early"]) == (60, 20, 10)
    assert both.payment_method["portal"] == 12
    assert both.entered["1.1"] == {"yes": 2}
    assert tallies.entered["1.1"] == {"yes": 1}


def test_an_officer_by_hand() -> None:
    tallies = Tallies.empty()
    tallies.verdict.update(early=1, on_time=1)  # (2 + 1) / 2 = 1.5
    tallies.leg_verdict.update(early=3, late=1)  # 6 / 4 = 1.5
    tallies.supplement_requests.update({"0": 1, "1": 1, "2": 1})  # (2 + 1 + 0) / 3 = 1
    tallies.entered.update({"4": Counter({"2": 1}), "7": Counter({"1": 2})})  # 2 and 1
    found = score(OFFICER, tallies)
    assert [one.points for one in found.parts] == [Decimal(text) for text in ("1.5", "1.5", "1", "2", "1")]
    assert (found.points, found.grade) == (Decimal(7), "Hoàn thành 100% nhiệm vụ")


GRADES = [
    (INDEX, "90", "Xuất sắc"), (INDEX, "89.99", "Tốt"), (INDEX, "76.90", "Khá"), (INDEX, "49.99", "Yếu"),
    (AGENCY, "15", "Xuất sắc"), (AGENCY, "14.99", "Tốt"), (AGENCY, "9", "Khá"), (AGENCY, "6", "Trung bình"),
    (AGENCY, "5.99", "Yếu"), (OFFICER, "5", "Hoàn thành 100% nhiệm vụ"), (OFFICER, "3.49", "Không hoàn thành nhiệm vụ"),
]  # fmt: skip


@pytest.mark.parametrize(("scorecard", "points", "name"), GRADES)
def test_grades_begin_where_the_documents_say(scorecard: Scorecard, points: str, name: str) -> None:
    """Hà Giang's published 76.90 is "Khá" (brief.md)."""
    assert next(grade.name for grade in scorecard.grades if Decimal(points) >= grade.from_points) == name


def test_the_cards_add_up_to_what_the_documents_say() -> None:
    by_group: Counter[str] = Counter()
    for part in INDEX.parts:
        by_group[part.group] += int(part.max_points)
    assert by_group == {"1": 18, "2": 20, "3": 12, "4": 22, "5": 10, "6": 18}
    assert [int(one.max_points) for one in (INDEX, AGENCY, OFFICER)] == [100, 18, 10]
    assert [part.code for part in OFFICER.parts] == ["1", "2", "3", "4", "7"]
    refuse_overlaps("scorecard", {(one.code, one.version): one for one in VERSIONS})


WRONG: list[dict[str, Any]] = [
    {"parts": []},
    {"groups": {}},
    {"grades": [Grade(from_points=Decimal(1), name="a"), Grade(from_points=Decimal(2), name="b")]},
]
WRONG_PARTS = [
    ({}, {"code": "1"}),
    ({"times": "9"},),
    ({"counts": "verdict", "worth": {"ontime": 1}},),
    ({"counts": "mood"},),
    ({"max_points": 0},),
    ({"target": 0},),
]


@pytest.mark.parametrize("given", WRONG)
def test_a_card_that_does_not_fit_together_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        card({}, **given)


@pytest.mark.parametrize("parts", WRONG_PARTS)
def test_a_part_that_does_not_fit_is_refused(parts: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ValidationError):
        card(*parts)
