"""Published beside ours: what the reports of sla answer over HTTP, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from deploy.figures.place import Place, Row

Figures = Mapping[str, int | float | None]


@dataclass(frozen=True)
class Reports:
    """The answers of sla about one place: form 06 by agency, suspensions; and its replicas of the catalogue."""

    by_agency: dict[str, Any]
    suspensions: dict[str, Any]
    n_procedures: Mapping[str, int]
    """By field."""

    def figure(self, name: str) -> Decimal:
        """Return the figure of *name*, or of ``name:agency`` (``n_procedures:field``); KeyError."""
        what, _, whose = name.partition(":")
        return Decimal(str(_FROM[what](self, whose) if what in _FROM else _derived(self._row(whose), what)))

    def _row(self, agency: str) -> Figures:
        if not agency:
            total: Figures = self.by_agency["total"]
            return total
        found: Figures = next(row["figures"] for row in self.by_agency["rows"] if row["code"] == agency)
        return found

    def refused(self, agency: str) -> int:
        """Return how many attempts to suspend were refused, of one agency or of all."""
        rows = self.suspensions["refused"]
        return sum(row["n"] for row in rows if not agency or row["agency_code"] == agency)

    def procedures(self, field: str) -> int:
        """Return how many procedures there are, of one field or of all."""
        return sum(n for code, n in self.n_procedures.items() if not field or code == field)


_FROM: Mapping[str, Any] = {
    "refused": Reports.refused,
    "n_procedures": Reports.procedures,
    "n_fields": lambda reports, _: len(reports.n_procedures),
}


def _derived(row: Figures, name: str) -> int | float | Decimal:
    """Return a figure of a row; some are worked out from others that it holds."""
    figures = {key: value or 0 for key, value in row.items()}
    if name in figures:
        return figures[name]
    if name == "received_new":
        return figures["received"] - figures["carried_over"]
    if name == "granted":
        return figures["resolved"] - figures["not_granted"]
    outcome = name.removesuffix("_of_received_percent")
    return Decimal(100) * Decimal(str(figures[outcome])) / Decimal(str(figures["received"]))


@dataclass(frozen=True)
class Compared:
    """One row as printed; *ours* and *difference* are None for context."""

    row: Row
    ours: Decimal | None = None
    difference: Decimal | None = None

    @property
    def is_good(self) -> bool:
        """Say whether it is context, or the same to the published digit."""
        return not self.difference


def compare(place: Place, reports: Reports) -> list[Compared]:
    """Return every row of a place, ours rounded as the published figure is."""
    return [_compared(row, reports) for row in place.rows]


def context(place: Place) -> list[Compared]:
    """Return the rows of a place of which the documents give no dossiers: all are context."""
    return [Compared(row) for row in place.rows]


def _compared(row: Row, reports: Reports) -> Compared:
    if row.figure is None:
        return Compared(row)
    published = Decimal(row.published)
    ours = reports.figure(row.figure).quantize(published, rounding=ROUND_HALF_UP)
    return Compared(row, ours, ours - published)
