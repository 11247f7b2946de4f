"""Biểu 06/VPCP/KSTT as numbers: what was received, resolved and is pending, and the identities that tie them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

FIRST_COLUMN = 3
"""The official number of the first column that counts; (1) is the number of the row, (2) its name."""
IDENTITIES: tuple[tuple[int, tuple[int, ...]], ...] = ((3, (4, 5, 6)), (7, (8, 9, 10)), (11, (12, 13)), (3, (7, 11)))
"""Each total and what adds up to it, by column; the last says that what was received is resolved or pending."""


class IdentityBroken(ArithmeticError):
    """Numbers of form 06 that do not add up; says which identity, with its numbers."""


class Grouping(StrEnum):
    """What a row of the report stands for."""

    AGENCY = "agency"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Counts:
    """Dossiers of one row; received in the period or carried over into it, judged when processing ended."""

    online: int = 0
    counter_post: int = 0
    carried_over: int = 0
    early: int = 0
    on_time: int = 0
    late: int = 0
    in_time: int = 0
    overdue: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def received_new(self) -> int:
        """Received in the period: columns (4) and (5)."""
        return self.online + self.counter_post

    @property
    def received(self) -> int:
        """Column (3)."""
        return self.received_new + self.carried_over

    @property
    def resolved(self) -> int:
        """Column (7)."""
        return self.early + self.on_time + self.late

    @property
    def pending(self) -> int:
        """Column (11)."""
        return self.in_time + self.overdue

    @property
    def early_percent(self) -> Decimal | None:
        """Early among the resolved."""
        return percent(self.early, self.resolved)

    @property
    def on_time_percent(self) -> Decimal | None:
        """On time among the resolved."""
        return percent(self.on_time, self.resolved)

    @property
    def late_percent(self) -> Decimal | None:
        """Late among the resolved."""
        return percent(self.late, self.resolved)

    @property
    def online_percent(self) -> Decimal | None:
        """Online among those received in the period; what was carried over has no part in it."""
        return percent(self.online, self.received_new)


@dataclass(frozen=True, slots=True)
class Row:
    """One agency or field; rows of the same *section* (``Cấp xã``) stand together with a subtotal."""

    label: str
    code: str
    counts: Counts
    section: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under one heading, lettered A, B, C … in the order they first appear; no heading: no letter."""

    letter: str
    label: str
    rows: tuple[Row, ...]

    @property
    def subtotal(self) -> Counts:
        """The sum of its rows."""
        return total_of(row.counts for row in self.rows)


@dataclass(frozen=True, slots=True)
class Report06:
    """Form 06 of one place and period, from the facts that were known at *known_until*.

    *place_name* is the unit that reports, *receiving_unit* the one it reports to; *from_on* and *to_on* are
    local dates, both inside the period; *notes* are sentences for readers about what is missing.
    """

    place_name: str
    from_on: date
    to_on: date
    grouping: Grouping
    known_until: datetime
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    receiving_unit: str = ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The rows by section; rows without one come first."""
        by_label: dict[str, list[Row]] = {"": []}
        for row in self.rows:
            by_label.setdefault(row.section, []).append(row)
        plain = by_label.pop("")
        headed = [Section(chr(ord("A") + at), label, tuple(rows)) for at, (label, rows) in enumerate(by_label.items())]
        return (*((Section("", "", tuple(plain)),) if plain else ()), *headed)

    @property
    def total(self) -> Counts:
        """The sum of all rows."""
        return total_of(row.counts for row in self.rows)


def total_of(counts: Iterable[Counts]) -> Counts:
    """Return the sum of *counts*."""
    return sum(counts, start=Counts())


def percent(part: int, whole: int) -> Decimal | None:
    """Return *part* of *whole* in percent, to two decimals, half up; None of nothing."""
    if not whole:
        return None
    return (Decimal(100) * part / whole).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def columns(counts: Counts) -> tuple[int, ...]:
    """Return the columns (3) to (13) as the form prints them.

    Source: rules.md §4 (form 06).
    """
    c = counts
    received = (c.received, c.online, c.counter_post, c.carried_over)
    return (*received, c.resolved, c.early, c.on_time, c.late, c.pending, c.in_time, c.overdue)


def check(counts: Counts, name: str = "") -> None:
    """Raise IdentityBroken unless the printed columns of *counts* obey the four identities and none is negative."""
    if faults := broken(columns(counts)):
        raise IdentityBroken("; ".join(([name] if name else []) + faults))


def broken(printed: Sequence[int]) -> list[str]:
    """Return each identity that columns (3) to (13) break, with its numbers: ``(3) = (7) + (11): 5 ≠ 3 + 1``."""
    value = dict(enumerate(printed, start=FIRST_COLUMN))
    faults = [
        f"({whole}) = {' + '.join(f'({part})' for part in parts)}: "
        f"{value[whole]} ≠ {' + '.join(str(value[part]) for part in parts)}"
        for whole, parts in IDENTITIES
        if value[whole] != sum(value[part] for part in parts)
    ]
    return faults + [f"({column}) < 0: {number}" for column, number in value.items() if number < 0]
