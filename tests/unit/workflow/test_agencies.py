"""Agencies through time: who is in force, who took over from whom, and who serves which unit."""

from datetime import date
from typing import Any

import pytest

from services.workflow.domain import catalogue
from services.workflow.domain.agencies import Directory
from services.workflow.domain.route import Route
from shared.events.reference import Agency
from tests.unit.workflow.offices import agency, unit

IN_2025, IN_2026, IN_2027 = date(2025, 6, 30), date(2026, 6, 30), date(2027, 6, 30)
CHAIN = [
    agency("OLD", valid_to="2025-06-30", successor_code="MID"),
    agency("MID", valid_to="2025-12-31", successor_code="NEW"),
    agency("NEW", valid_from="2026-01-01"),
]


def test_work_goes_to_the_successor_of_an_agency_that_ended() -> None:
    known = Directory(CHAIN)
    assert known.answering("OLD", date(2025, 6, 30)) == "OLD"
    assert known.answering("OLD", date(2025, 7, 1)) == "MID"
    assert known.answering("OLD", date(2026, 1, 1)) == "NEW"
    assert known.answering("NOBODY", date(2026, 1, 1)) is None
    assert known.acts_for("NEW", date(2026, 1, 1)) == ["NEW", "OLD", "MID"]
    assert known.acts_for("OLD", date(2025, 1, 1)) == ["OLD"]


def test_successors_in_a_circle_end() -> None:
    known = Directory(
        [
            agency("A", valid_to="2020-01-01", successor_code="B"),
            agency("B", valid_to="2020-01-01", successor_code="A"),
        ]
    )
    assert known.answering("A", IN_2026) is None


def test_a_newer_version_that_ends_an_agency_ends_it_though_the_one_before_had_no_end() -> None:
    ended = agency("A", version=2, valid_to="2026-12-31", successor_code="B")
    known = Directory([agency("A"), ended, agency("B")])
    assert known.on("A", IN_2026) == ended
    assert known.on("A", IN_2027) is None
    assert known.answering("A", IN_2027) == "B"
    assert known.gone(IN_2026) == []
    assert known.gone(IN_2027) == ["A"]


def test_an_agency_that_is_not_there_yet_has_no_successor_to_act_for_it() -> None:
    known = Directory([agency("A", valid_from="2027-01-01", valid_to="2028-12-31", successor_code="B"), agency("B")])
    assert known.answering("A", IN_2026) is None
    assert known.answering("A", IN_2027) == "A"
    assert known.answering("A", date(2029, 1, 1)) == "B"


def test_one_version_given_twice_is_one_version() -> None:
    known = Directory([*CHAIN, *CHAIN])
    assert [one.code for one in known.present(IN_2026)] == ["NEW"]


def tax(code: str, *units: str, **more: Any) -> Agency:
    return agency(code, kind="tax_branch", serves={"tax": units}, **more)


def test_the_agency_of_a_role_is_the_one_that_serves_the_unit_that_day() -> None:
    known = Directory(
        [
            unit("U1"),
            unit("U2"),
            tax("T1", "U1", "U2"),
            tax("T1", "U1", version=2, valid_from="2026-01-01"),
            tax("T2", "U2", valid_from="2026-01-01"),
            agency("CA", serves={"police": ["U1", "U2"]}),
        ]
    )
    assert [known.serving("tax", code, IN_2025) for code in ("U1", "U2", "U3")] == [["T1"], ["T1"], []]
    assert [known.serving("tax", code, IN_2026) for code in ("U1", "U2", "U3")] == [["T1"], ["T2"], []]
    assert known.serving("police", "U2", IN_2026) == ["CA"]


def test_who_serves_the_successor_serves_the_dossiers_of_the_unit_that_ended() -> None:
    known = Directory([unit("U0", valid_to="2025-12-31", successor_code="U1"), unit("U1"), tax("T1", "U1")])
    assert known.serving("tax", "U0", IN_2025) == []
    assert known.serving("tax", "U0", IN_2026) == ["T1"]


def with_role(**more: Any) -> Route:
    leg = {
        "code": "a",
        "task": "A",
        "agency": {"role": "tax", "of": "receiving_unit", "name": "Cơ quan thuế"},
        "days": 1,
        "outcomes": [{"code": "end", "name": "end", "final": "granted"}],
    }
    base = {"code": "r", "version": 1, "valid_from": "2025-01-01", "name": "R", "procedure_codes": ["P"]}
    return Route.model_validate({**base, "citation": "-", "days": 1, "start": ["a"], "legs": [leg], **more})


@pytest.mark.parametrize(
    ("agencies", "expected"),
    [
        ([unit("U1"), unit("U2"), tax("T1", "U1"), tax("T2", "U2")], []),
        (
            [unit("U1"), unit("U2"), tax("T1", "U1")],
            ["r@1, leg a: nobody serves U2 in the role tax from 2025-01-01"],
        ),
        (
            [unit("U1"), tax("T1", "U1"), tax("T2", "U1")],
            ["r@1, leg a: T1 and T2 serve U1 in the role tax from 2025-01-01"],
        ),
        (
            [unit("U1"), tax("T1", "U1", valid_to="2026-03-31", successor_code="T2"), tax("T2")],
            ["r@1, leg a: nobody serves U1 in the role tax from 2026-04-01"],
        ),
        (
            [unit("U1"), unit("U2", valid_from="2026-02-01"), tax("T1", "U1")],
            ["r@1, leg a: nobody serves U2 in the role tax from 2026-02-01"],
        ),
        ([unit("U0", valid_to="2024-12-31"), unit("U1"), tax("T1", "U1")], []),
        ([unit("U1"), agency("LAND"), tax("T1", "U1"), tax("T2", "U1", valid_from="2027-01-01")], []),
    ],
)  # fmt: skip
def test_a_role_that_is_not_played_by_exactly_one_agency_for_every_unit_is_refused(
    agencies: list[Agency], expected: list[str]
) -> None:
    """On every day on which the route is the one dossiers set out on."""
    assert list(catalogue.errors([with_role(valid_to="2026-12-31")], agencies)) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (agency("A", successor_code="B"), "A@1 names a successor and no last day"),
        (agency("A", valid_to="2026-12-31", successor_code="C"), "A@1: its successor C is unknown"),
    ],
)
def test_an_end_that_says_too_little_is_refused(wrong: Agency, expected: str) -> None:
    assert list(catalogue.errors([], [wrong, agency("B")])) == [expected]
