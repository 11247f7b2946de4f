"""The planner over the shipped routes: every outcome, going back, joins, and whatever else may happen in any order."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.domain.legs import LegStatus, is_open
from services.workflow.domain.plan import NOTHING, Completed, Ended, Opened, Reopened, SentBack
from services.workflow.domain.route import Route
from tests.unit.workflow.journeys import Walk, shipped

LAND = "land-transfer@2"
BIRTH = "birth-linked@1"
DISTRICT = "land-transfer-2022@1"


def test_an_electronic_land_transfer_takes_four_legs_of_officers_and_one_of_the_applicant() -> None:
    walk = Walk(shipped()[LAND])
    assert [(leg.step_code, leg.status) for leg in walk.legs] == [("reception", "completed"), ("appraisal", "offered")]
    for code, outcome in [
        ("appraisal", "slip_sent"), ("tax", "notice_issued"), ("payment", "paid"), ("payment-proof", "forwarded"),
        ("registration", "signed"),
    ]:  # fmt: skip
        assert walk.open() == [code]
        walk.complete(code, outcome)
    assert (walk.finals, walk.open()) == (["granted"], [])
    assert [leg.from_leg_no for leg in walk.legs] == [None, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("channel", ["counter", "post"])
def test_a_paper_dossier_waits_at_the_one_stop_unit(channel: str) -> None:
    walk = Walk(shipped()[LAND], channel)
    assert walk.open() == ["reception"]
    walk.complete("reception", "forwarded")
    assert walk.open() == ["appraisal"]


@pytest.mark.parametrize(
    ("steps", "left", "finals"),
    [
        ([("appraisal", "not_eligible")], [], ["not_granted"]),
        ([("appraisal", "tax_exempt")], ["registration"], []),
        ([("appraisal", "slip_sent"), ("tax", "no_tax_due")], ["registration"], []),
        ([("appraisal", "tax_exempt"), ("registration", "not_eligible")], [], ["not_granted"]),
    ],
)
def test_outcomes_pick_the_way(steps: list[tuple[str, str]], left: list[str], finals: list[str]) -> None:
    walk = Walk(shipped()[LAND])
    for code, outcome in steps:
        walk.complete(code, outcome)
    assert (walk.open(), walk.finals) == (left, finals)


@pytest.mark.parametrize(
    ("outcome", "attributes", "expected"),
    [
        ("slip_sent", {}, "tax"),
        ("needs_confirmation", {}, "division"),
        ("slip_sent", {"remote_area": True}, "division"),
        ("tax_exempt", {"remote_area": True}, "department"),
    ],
)
def test_the_district_division_is_asked_only_where_needed(
    outcome: str, attributes: dict[str, bool], expected: str
) -> None:
    walk = Walk(shipped()[DISTRICT], attributes=attributes)
    walk.complete("branch", outcome)
    assert walk.open() == [expected]


@pytest.mark.parametrize("first", ["residence", "health-card"])
def test_parallel_legs_are_offered_together_and_joined_once(first: str) -> None:
    walk = Walk(shipped()[BIRTH], attributes={"wants_residence": True, "wants_health_card": True})
    walk.complete("civil-status", "registered")
    assert walk.open() == ["residence", "health-card"]
    second = next(code for code in walk.open() if code != first)
    walk.complete(first, "not_eligible")
    assert walk.open() == [second]
    walk.complete(second, "not_eligible")
    assert walk.open() == ["collection"]
    walk.complete("collection", "ready")
    assert walk.finals == ["granted"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["collection"]),
        ({"wants_residence": True}, ["residence"]),
        ({"wants_health_card": True}, ["health-card"]),
        ({"wants_residence": False, "wants_health_card": True}, ["health-card"]),
    ],
)
def test_a_branch_that_was_not_asked_for_is_passed_over(wanted: dict[str, bool], expected: list[str]) -> None:
    walk = Walk(shipped()[BIRTH], attributes=wanted)
    walk.complete("civil-status", "registered")
    assert walk.open() == expected
    for code in [code for code in expected if code != "collection"]:
        walk.complete(code, "not_asked")
    assert walk.open() == ["collection"]


def test_a_branch_that_goes_back_undoes_what_came_after_and_both_are_offered_again() -> None:
    walk = Walk(shipped()[BIRTH], attributes={"wants_residence": True, "wants_health_card": True})
    walk.complete("civil-status", "registered")
    back = walk.send_back("residence", "civil-status")
    assert [walk.leg(no).step_code for no in back.cancels] == ["health-card"]
    assert walk.open() == ["civil-status"]
    walk.complete("civil-status", "registered")
    assert walk.open() == ["residence", "health-card"]


def test_a_refused_leg_goes_back_to_its_giver_past_the_applicant_and_not_by_itself() -> None:
    walk = Walk(shipped()[LAND])
    assert "refuse" in walk.allowed(walk.open_leg("appraisal"))
    walk.send_back("appraisal", "reception", status=LegStatus.REFUSED)
    assert walk.open() == ["reception"]  # an officer looks this time, though the dossier is electronic
    walk.complete("reception", "forwarded")
    assert walk.open() == ["appraisal"]


def test_an_outcome_that_ends_the_route_cancels_what_is_still_open() -> None:
    end = {"code": "no", "name": "no", "final": "not_granted"}
    done = {"code": "done", "name": "done", "next": ["d"]}
    legs = [
        {"code": "b", "task": "B", "agency": "A", "outcomes": [done, end]},
        {"code": "c", "task": "C", "agency": "A", "outcomes": [done]},
        {"code": "d", "task": "D", "agency": "A", "is_join": True, "outcomes": [end]},
    ]
    base = {
        "code": "r",
        "version": 1,
        "valid_from": "2025-01-01",
        "name": "R",
        "procedure_codes": ["P"],
        "citation": "-",
    }
    walk = Walk(Route.model_validate({**base, "days": 0, "start": ["b", "c"], "legs": legs}))
    todo = walk.complete("b", "no")
    assert (todo.cancels, todo.final, walk.open()) == ((2,), "not_granted", [])


def test_what_was_overtaken_has_no_consequence() -> None:
    walk = Walk(shipped()[LAND])
    assert walk.happen(Opened()) == NOTHING
    assert walk.happen(Completed(99)) == NOTHING
    assert walk.happen(Completed(2)) == NOTHING
    assert walk.happen(SentBack(2, "reception")) == NOTHING
    assert walk.happen(Reopened()) == NOTHING
    walk.end()
    assert walk.open() == []
    assert walk.happen(Ended()) == NOTHING


def test_a_reopened_dossier_goes_to_the_agency_that_came_last() -> None:
    walk = Walk(shipped()[LAND])
    walk.complete("appraisal", "tax_exempt")
    walk.complete("registration", "signed")
    walk.reopen()
    assert walk.open() == ["registration"]
    walk.complete("registration", "signed")
    assert walk.finals == ["granted", "granted"]


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize("channel", ["online", "counter"])
@pytest.mark.parametrize("wants", [True, False])
def test_every_way_through_a_route_ends_it(name: str, channel: str, wants: bool) -> None:
    attributes = dict.fromkeys(("wants_residence", "wants_health_card", "remote_area"), wants)
    left: list[list[tuple[str, str]]] = [[]]
    seen: set[tuple[str, str]] = set()
    while left:
        way = left.pop()
        walk = Walk(shipped()[name], channel, attributes)
        for code, outcome in way:
            walk.complete(code, outcome)
        assert bool(walk.open()) != bool(walk.finals)
        for code in walk.open()[:1]:
            outcomes = walk.route.by_code[code].outcomes
            seen |= {(code, outcome.code) for outcome in outcomes}
            left += [[*way, (code, outcome.code)] for outcome in outcomes]
    assert seen


WHAT = st.one_of(st.integers(0, 500), st.sampled_from(["pay", "end", "reopen", "open"]))


@given(
    name=st.sampled_from(sorted(shipped())),
    channel=st.sampled_from(["online", "counter", "post"]),
    attributes=st.dictionaries(
        st.sampled_from(["wants_residence", "wants_health_card", "remote_area"]), st.one_of(st.booleans(), st.text())
    ),
    history=st.lists(WHAT, max_size=40),
)
@settings(max_examples=400, deadline=None)
def test_whatever_happens_in_whatever_order_the_journey_stays_whole(
    name: str, channel: str, attributes: dict[str, bool | str], history: list[int | str]
) -> None:
    walk = Walk(shipped()[name], channel, attributes)
    facts: dict[str, Callable[[], object]] = {
        "pay": walk.pay,
        "end": walk.end,
        "reopen": walk.reopen,
        "open": lambda: walk.happen(Opened()),
    }
    n_finals = 0
    for what in history:
        if isinstance(what, int):
            walk.act(what)
        else:
            facts[what]()
        open_codes = walk.open()
        assert len(open_codes) == len(set(open_codes)), "a step is open twice"
        assert [leg.leg_no for leg in walk.legs] == list(range(1, len(walk.legs) + 1))
        assert not (walk.is_ended and open_codes), "an ended dossier still waits for somebody"
        if not walk.is_ended:
            assert open_codes or len(walk.finals) > 0, "nobody holds the dossier, and it did not end"
        assert len(walk.finals) - n_finals <= 1
        n_finals = len(walk.finals)


@given(
    name=st.sampled_from(sorted(shipped())),
    history=st.lists(st.integers(0, 500), max_size=20),
    at=st.integers(0, 20),
)
@settings(max_examples=200, deadline=None)
def test_a_dossier_ends_the_same_wherever_the_withdrawal_falls_among_the_commands(
    name: str, history: list[int], at: int
) -> None:
    """The commands that come after it find nothing to do; the ones before it are history."""
    early, late = Walk(shipped()[name]), Walk(shipped()[name])
    for n, pick in enumerate(history):
        if n == at:
            early.end()
        early.act(pick)
        late.act(pick)
    early.end()
    late.end()
    for walk in (early, late):
        assert walk.open() == []
        assert not any(walk.allowed(leg) for leg in walk.legs)
        assert not any(is_open(leg) for leg in walk.legs)
    shared = min(len(early.legs), len(late.legs))
    assert [leg.step_code for leg in early.legs[:shared]] == [leg.step_code for leg in late.legs[:shared]]
