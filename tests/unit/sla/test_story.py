"""From noted events to facts: numbers that follow from causes, and the closed list as it is shipped."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from services.sla.domain import (
    CalendarAdopted,
    Finished,
    Ground,
    Held,
    Kind,
    LegClosed,
    LegOpened,
    Opening,
    Reappointed,
    Reopened,
    Started,
    SuspensionBegan,
    SuspensionEnded,
    facts_of,
    n_changes,
    n_supplements,
    opening_of,
    suspension_no,
)
from shared.reference import read_folder
from tests.support import PROVINCE

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    kind: str
    no: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    source: str = "workflow"
    seq: int = 1
    at: datetime = AT


OFFER = Row(Kind.LEG_OFFERED, 5, {"agency_code": "A", "ground": None})
TAX = Row(Kind.LEG_OFFERED, 5, {"agency_code": "A", "ground": "tax"})
MEANING = [
    ((Row(Kind.STARTED, data={"receiving_unit_code": "U"}),), (Started, Held)),
    ((OFFER,), (LegOpened,)),
    ((TAX,), (LegOpened, SuspensionBegan)),
    ((OFFER, Row(Kind.LEG_ENDED, 5)), (LegOpened, LegClosed)),
    ((Row(Kind.LEG_ENDED, 5), TAX), (LegClosed, SuspensionEnded, LegOpened, SuspensionBegan)),
    ((Row(Kind.SUSPENSION_BEGAN, 1, {"ground": "x"}),), (SuspensionBegan,)),
    ((Row(Kind.SUSPENSION_ENDED, 1),), (SuspensionEnded,)),
    ((Row(Kind.FINISHED), Row(Kind.REOPENED)), (Finished, Reopened)),
    ((Row(Kind.APOLOGISED, 1, {"new_deadline_at": "2026-03-09T10:00:00Z"}),), (Reappointed,)),
    ((Row(Kind.APOLOGISED, 2),), ()),
    ((Row(Kind.CALENDAR_ADOPTED, data={"version": 2}),), (CalendarAdopted,)),
    ((Row(Kind.SUPPLEMENT_ASKED, 1),), ()),
    ((Row(Kind.PAID, data={"method": "portal"}),), ()),
]


@pytest.mark.parametrize(("rows", "types"), MEANING)
def test_each_event_has_its_meaning(rows: Iterable[Row], types: tuple[type, ...]) -> None:
    facts = facts_of(rows)
    assert tuple(type(fact) for fact in facts) == types
    assert n_changes(facts) == sum(kind not in (Held, LegOpened, LegClosed) for kind in types)


def test_every_kind_is_read() -> None:
    assert {row.kind for rows, _ in MEANING for row in rows} == set(Kind)


def test_every_request_for_a_supplement_counts_before_and_after_acceptance() -> None:
    rows = [Row(Kind.SUPPLEMENT_ASKED, 1), Row(Kind.SUSPENSION_BEGAN, 10_002), Row(Kind.SUSPENSION_BEGAN, 1)]
    assert n_supplements(rows) == 2


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("number", [1, 7, 9_999])
def test_a_suspension_is_numbered_by_its_cause(opening: Opening, number: int) -> None:
    assert opening_of(suspension_no(opening, number)) is opening


def closed_list() -> list[Ground]:
    return [Ground.model_validate(row) for row in read_folder(PROVINCE / "grounds")]


def test_the_closed_list_is_dated_and_cited_and_no_two_versions_overlap() -> None:
    listed = closed_list()
    assert all(ground.citation and ground.name and ground.mark and ground.required_document for ground in listed)
    assert len({(ground.code, ground.version) for ground in listed}) == len(listed)
    for code in {ground.code for ground in listed}:
        spans = sorted((g.valid_from, g.valid_to or date.max) for g in listed if g.code == code)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_tax_determination_counts_as_excluded_since_august_2024_only() -> None:
    tax = [ground for ground in closed_list() if ground.code == "tax_determination"]
    assert not any(ground.is_in_force(date(2024, 7, 31)) for ground in tax)
    assert any(ground.is_in_force(date(2024, 8, 1)) for ground in tax)


def test_only_a_supplement_restarts_the_limit() -> None:
    assert {ground.code for ground in closed_list() if ground.restarts} == {"supplement"}
