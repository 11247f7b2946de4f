"""How a benchmark is told: one markdown table, the median of the runs with the least and the most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Row:
    """One figure, once a run; *form* is how a value is printed, its unit included."""

    what: str
    values: Sequence[float]
    form: str = "{:,.0f}"
    aim: str = "–"


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    print("| what | median | min–max | aim |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.form.format(median(row.values))} | {_spread(row)} | {row.aim} |", flush=True)


def _spread(row: Row) -> str:
    if len(row.values) < 2:
        return "–"
    return f"{row.form.format(min(row.values))} – {row.form.format(max(row.values))}"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile; of few values the nearest there is."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]
