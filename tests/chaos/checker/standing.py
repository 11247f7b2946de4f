"""What the parts that look at outside systems share: lanes, and instants as each side writes them."""

from datetime import UTC, datetime
from typing import Any

from tests.chaos.checker.evidence import Row

TAKEN = {"done", "acknowledged"}
Lanes = dict[tuple[str, str], list[Row]]
"""Deliveries by dossier and system, in the order of their numbers."""


def to_the_second(value: Any) -> datetime | None:
    """Return an instant as a partner can write it: nobody writes finer than a second."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(UTC).replace(microsecond=0)
