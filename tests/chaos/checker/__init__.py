"""The independent checker: shares no code with the services, knows only what was acknowledged to the caller."""

from collections.abc import Iterator

from tests.chaos.checker import acknowledged, applied, ledgers, messages, partners
from tests.chaos.checker.evidence import Evidence, collect
from tests.chaos.checker.finding import Finding

__all__ = ["Evidence", "Finding", "collect", "judge"]


def judge(seen: Evidence) -> list[Finding]:
    """Return everything that is not as it was promised; empty in a right system."""
    return list(_all(seen))


def _all(seen: Evidence) -> Iterator[Finding]:
    for part in (ledgers, acknowledged, applied, messages, partners):
        yield from part.check(seen)
