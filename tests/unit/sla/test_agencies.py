"""Who acts for agencies that have ended."""

from datetime import date

import pytest

from services.sla.domain.agencies import acting_for
from shared.events.reference import Agency


def agency(code: str, ends: str | None = None, heir: str | None = None, **changes: object) -> Agency:
    fields = {"version": 1, "valid_from": "2018-01-01", "name": code, "kind": "other", "level": "commune"}
    more = {"code": code, "calendar_code": "VN", "valid_to": ends, "successor_code": heir, **changes}
    return Agency.model_validate({**fields, **more})


LINE = [
    agency("A", "2024-12-31", "B"),
    agency("B", "2025-06-30", "C"),
    agency("C"),
    agency("D", "2025-06-30", "C"),
    agency("E", "2025-06-30"),  # nobody took it over
    agency("F", None, "C"),  # goes on
    agency("F", "2026-06-30", "C", version=2, valid_from="2026-01-01"),
    agency("G", "2025-06-30", "H"),
    agency("H", "2025-06-30", "G"),  # each the other's successor
]
ACTS = [
    ("C", "2024-12-31", "C"),
    ("B", "2024-12-31", "B"),  # the last day of A is A's
    ("B", "2025-01-01", "BA"),
    ("C", "2025-06-30", "C"),
    ("C", "2025-07-01", "CBDA"),
    ("B", "2025-07-01", "B"),  # it has ended itself: A is C's by now
    ("C", "2026-06-30", "CBDA"),
    ("C", "2026-07-01", "CBDFA"),
    ("E", "2026-07-01", "E"),
    ("G", "2026-07-01", "G"),
    ("X", "2026-07-01", "X"),
]


@pytest.mark.parametrize(("code", "on", "acting"), ACTS)
def test_an_agency_acts_for_those_whose_line_of_successors_has_come_to_it(code: str, on: str, acting: str) -> None:
    assert acting_for(LINE, code, date.fromisoformat(on)) == list(acting)
