"""Routes as data: what is shipped is valid, and what is not valid is refused with its reason."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.workflow.app import CatalogueInvalid, check
from services.workflow.consumers import consumer
from services.workflow.domain import catalogue
from services.workflow.domain.condition import holds
from services.workflow.domain.diagram import draw
from services.workflow.domain.route import Route
from tests.unit.workflow.journeys import PROVINCE, LegState, shipped
from tests.unit.workflow.offices import agency


def leg(code: str, *outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"code": code, "task": code.title(), "agency": "A", "days": 1, "outcomes": list(outcomes), **more}


def to(*following: str, code: str = "done") -> dict[str, Any]:
    return {"code": code, "name": code, "next": list(following)}


END = {"code": "end", "name": "end", "final": "granted"}


def route(*legs: dict[str, Any], days: float, start: tuple[str, ...] = ("a",), **more: Any) -> dict[str, Any]:
    base = {
        "code": "r",
        "version": 1,
        "valid_from": "2025-01-01",
        "name": "R",
        "procedure_codes": ["P"],
        "citation": "-",
    }
    return {**base, "days": days, "start": list(start), "legs": list(legs), **more}


def test_the_shipped_catalogue_fits_together() -> None:
    check(PROVINCE)
    assert set(shipped()) == {"land-transfer@1", "land-transfer@2", "land-transfer-2022@1", "birth-linked@1"}


@pytest.mark.parametrize(
    ("name", "days"),
    [("land-transfer@1", 8), ("land-transfer@2", 8), ("land-transfer-2022@1", 10), ("birth-linked@1", 4)],
)
def test_counted_legs_add_up_to_the_limit_of_the_procedure(name: str, days: int) -> None:
    assert shipped()[name].counted_days() == Decimal(days)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (route(leg("a", to("b")), days=1), "unknown legs"),
        (route(leg("a", to("a")), days=1), "lead back to themselves"),
        (route(leg("a", END), leg("b", END), days=1), "never reached"),
        (route(leg("a", END), leg("a", END), days=1), "a leg is there twice"),
        (route(leg("a", END), days=2), "the counted legs take 1 days"),
        (route(leg("a", {"code": "x", "name": "x"}), days=1), "needs next legs or a final outcome"),
        (route(leg("a", END, END), days=1), "an outcome is there twice"),
        (route(leg("a", END, agency=None), days=1), "an agency is needed"),
        (route(leg("a", END, agency={"role": "tax", "of": "applicant", "name": "T"}), days=1), "receiving_unit"),
        (route(leg("a", END, holder="applicant"), days=1), "only the outcome 'paid'"),
        (route(leg("a", END, steps=[{"name": "s", "days": 0.5}]), days=1), "do not add up"),
        (route(leg("a", END, when="channel ==", passes_as="end"), days=1), "parse"),
        (route(leg("a", END, when="secret == 'x'", passes_as="end"), days=1), "unknown ['secret']"),
        (route(leg("a", END, when="attributes.x == true", passes_as="end"), days=1), "use has()"),
        (route(leg("a", END, when="channel", passes_as="end"), days=1), "not a boolean"),
        (route(leg("a", END, when="channel == 'post'"), days=1), "a condition needs one of the leg's outcomes"),
        (route(leg("a", to("b", "c")), leg("b", END), leg("c", END), days=2), "do not meet in a join"),
        (
            route(leg("a", to("b", "c")), leg("b", to("d")), leg("c", to("d")), leg("d", END), days=3),
            "do not meet in a join",
        ),
        (
            route(
                leg("a", to("b", "c")), leg("b", to("e")), leg("c", to("e")), leg("e", to("d")),
                leg("d", END, is_join=True), days=4,
            ),
            "do not meet in a join",
        ),
    ],
)  # fmt: skip
def test_a_route_that_can_not_work_is_refused(data: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Route.model_validate(data)
    assert reason in str(refused.value)


def test_two_routes_of_one_procedure_in_force_at_once_are_refused() -> None:
    one = Route.model_validate(route(leg("a", END), days=1))
    other = Route.model_validate(route(leg("a", END), days=1, code="s", valid_from="2026-01-01"))
    assert any("both in force" in error for error in catalogue.errors([one, other], [agency("A")]))
    ended = one.model_copy(update={"valid_to": date(2025, 12, 31)})
    assert not list(catalogue.errors([ended, other], [agency("A")]))


def test_a_newer_version_replaces_the_one_before_from_its_first_day() -> None:
    one = Route.model_validate(route(leg("a", END), days=1))
    two = Route.model_validate(route(leg("a", END), days=1, version=2, valid_from="2026-01-01"))
    assert not list(catalogue.errors([one, two], [agency("A")]))
    assert catalogue.route_for([one, two], "P", date(2025, 12, 31)) is one
    assert catalogue.route_for([one, two], "P", date(2026, 1, 1)) is two
    assert catalogue.route_for([one, two], "P", date(2024, 1, 1)) is None
    ended = two.model_copy(update={"valid_to": date(2026, 6, 30)})
    assert catalogue.route_for([ended, one], "P", date(2026, 7, 1)) is None


def test_an_agency_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    unknown = Route.model_validate(route(leg("a", END), days=1))
    assert any("no agency A" in error for error in catalogue.errors([unknown], []))
    for kind in ("routes", "agencies", "procedures"):
        (tmp_path / kind).mkdir()
    (tmp_path / "routes/r.json").write_text(unknown.model_dump_json())
    with pytest.raises(CatalogueInvalid, match="no agency A"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"attributes": {"x": True}}, True),
        ({"attributes": {"x": False}}, False),
        ({"attributes": {"x": "yes"}}, False),
        ({"attributes": {}}, False),
        ({}, False),
    ],
)
def test_a_condition_is_total(case: dict[str, Any], expected: bool) -> None:
    assert holds("has(attributes.x) && attributes.x == true", case) is expected


def test_nothing_is_ignored_by_ignorance() -> None:
    assert consumer.undeclared() == set()


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_route_is_drawn_with_every_leg_and_every_outcome_that_ends_it(name: str) -> None:
    here = shipped()[name]
    picture = draw(here, {"H99.VPDK": "Văn phòng <Đăng ký> & đất đai"})
    assert picture.count('class="box') == len(here.legs)
    finals = [outcome for leg_ in here.legs for outcome in leg_.outcomes if outcome.final]
    assert picture.count('class="end"') >= 2 * len(finals)
    assert "<Đăng ký>" not in picture


def test_a_role_is_drawn_by_its_name_until_it_is_known_who_plays_it() -> None:
    here, names = shipped()["land-transfer@2"], {"H99.THUE.02": "Thuế cơ sở số 2"}
    assert "Cơ quan thuế phục vụ nơi tiếp nhận" in draw(here, names)
    held = LegState(3, "tax", "agency", agency_code="H99.THUE.02")
    assert "Thuế cơ sở số 2" in draw(here, names, states={"tax": held})


def test_a_dossier_is_drawn_with_the_state_of_its_legs() -> None:
    here = shipped()["land-transfer@2"]
    states = {
        "reception": LegState(1, "reception", "agency", "completed"),
        "appraisal": LegState(2, "appraisal", "agency"),
    }
    picture = draw(here, {}, title="Hồ sơ H99.01-1", states=states, ended="open")
    assert "đã xong" in picture
    assert "chờ tiếp nhận" in picture
    assert "Hồ sơ H99.01-1 – đang giải quyết" in picture
