"""Prints published / ours / difference for the places of the documents: ``python -m deploy.figures [--place CODE]``."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.figures.compare import Compared, compare, context
from deploy.figures.place import PLACES, Place, read_places
from deploy.figures.system import introduce, run
from deploy.local.errors import LaunchError
from deploy.local.folder import data_folder


def main() -> int:
    """Make the figures of the places that were asked for; 0 if every computed row is as published."""
    asked = _parser().parse_args()
    if asked.introduce:
        asyncio.run(introduce(Place.model_validate_json(asked.introduce.read_text(encoding="utf-8"))))
        return 0
    console, found = Console(highlight=False), []
    for place in read_places():
        if not asked.place or place.code in asked.place:
            began = time.monotonic()
            rows = _made(place, console)
            console.print(table(place, rows))
            console.print(f"[dim]{place.n_dossiers:,} hồ sơ, {time.monotonic() - began:.0f} giây[/]\n")
            found += rows
    n_wrong = sum(not row.is_good for row in found)
    console.print(f"{len(found)} rows, {n_wrong} differ" if n_wrong else f"{len(found)} rows, none differs")
    return 1 if n_wrong else 0


def _made(place: Place, console: Console) -> list[Compared]:
    if not place.n_dossiers:
        return context(place)
    columns = (TextColumn("{task.description:>20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {what: progress.add_task(what, total=None) for what in ("written", "applied by sla", "refused")}

        def told(what: str, n: int, of: int) -> None:
            progress.update(tasks[what], completed=n, total=of)

        reports = run(place, _file_of(place), data_folder() / "figures" / place.code, told)
    return compare(place, reports)


def _file_of(place: Place) -> Path:
    return next(path for path in PLACES.glob("*.json") if path.stem.endswith(place.code))


def table(place: Place, rows: Iterable[Compared]) -> Table:
    """Return the table of a place as it is printed."""
    shown = Table(title=f"{place.name}, {place.from_on:%d/%m/%Y} – {place.to_on:%d/%m/%Y}", caption=place.source)
    shown.add_column("Chỉ tiêu")
    for title in ("Công bố", "Của ta", "Chênh lệch"):
        shown.add_column(title, justify="right")
    shown.add_column("Ghi chú")
    for one in rows:
        ours = ("–", "bối cảnh") if one.ours is None else (f"{one.ours}", f"{one.difference}")
        shown.add_row(one.row.label, one.row.published, *ours, one.row.note)
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.figures", description=__doc__)
    parser.add_argument("--place", action="append", metavar="CODE", help="only this place; may be given again")
    parser.add_argument("--introduce", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LaunchError as error:
        sys.exit(f"lien-thong: {error}")
