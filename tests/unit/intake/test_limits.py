"""Which limit a dossier gets: by channel, by remote area, by the unit that shortened it; the first case that fits."""

from datetime import date
from typing import Any

import pytest

from shared.events.base import Limit
from shared.events.reference import LimitCase, Procedure


def days(n: float) -> Limit:
    return Limit(amount=n, unit="working_days")


CASES = (
    LimitCase(limit=days(5), unit_codes=("H99.01",), channel="online", citation="QĐ giả định 1"),
    LimitCase(limit=days(6), unit_codes=("H99.01",), citation="QĐ giả định 1"),
    LimitCase(limit=days(18), attributes={"remote_area": True}, citation="QĐ giả định 2"),
)
PROCEDURE = Procedure(
    code="DD.01", version=1, valid_from=date(2025, 7, 1), name="x", field_code="x", field_name="x", level="commune",
    service_level="full", limit=days(8), limit_cases=CASES, citation="x", components=[], attributes_schema={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "unit", "attributes", "amount"),
    [
        ("online", "H99.01", {}, 5),
        ("counter", "H99.01", {"remote_area": True}, 6),
        ("post", "H99.02", {"remote_area": True}, 18),
        ("online", "H99.02", {"remote_area": False}, 8),
        ("counter", "H99.02", {}, 8),
    ],
)
def test_the_first_case_that_fits_is_the_limit(
    channel: str, unit: str, attributes: dict[str, Any], amount: float
) -> None:
    assert PROCEDURE.limit_for(channel, unit, attributes) == days(amount)
