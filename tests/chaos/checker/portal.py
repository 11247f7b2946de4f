"""The national portal: every step once and in order, where the dossier stands now, and the fields that are ours."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.checker.evidence import Evidence, Row
from tests.chaos.checker.finding import Finding
from tests.chaos.checker.standing import TAKEN, Lanes, to_the_second

CODES = {
    "submitted": "1", "accepted": "2", "refused": "3", "processing": "4", "supplement_requested": "5",
    "payment_requested": "6", "withdrawn": "7", "resolved": "9", "returned": "10",
}  # fmt: skip
UNRECEIVED = {"supplement_requested": "1", "withdrawn": "1", "stopped": "1"}
"""Of a dossier that was never received the header cannot say these: it would need dates that there are none of."""
NOWHERE: Row = {"progress": [], "state": None, "received_at": None, "due_at": None, "fields": {}}


def check_portal(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    """Compare header and progress with what was told; a difference that a person can see is none that is silent."""
    rows = {str(row["id"]): row for row in seen.rows("intake", "dossier")}
    visible, odd_logs = seen.incidents, seen.odd_logs
    for (dossier, system), lane in lanes.items():
        if system != "dvcqg":
            continue
        there = seen.outside["dvcqg"].get(dossier, NOWHERE)
        steps = [int(found[1]) for line in there["progress"] if (found := re.match(r"Bước (\d+): ", line["text"]))]
        told = [row["no"] for row in lane if row["state"] in TAKEN]
        is_visible = (dossier, system) in visible
        if (dossier, system) not in odd_logs:
            yield from _order(f"dvcqg {dossier}", steps, is_visible=is_visible)
        if not is_visible:
            yield from _steps(f"dvcqg {dossier}", steps, told)
        if len(told) == len(lane) and not is_visible:
            yield from _header(dossier, rows[dossier], there)


def _order(where: str, steps: list[int], *, is_visible: bool) -> Iterator[Finding]:
    """A line that is there twice may come late, if a person can see that; a first one may not."""
    there = list(dict.fromkeys(steps)) if is_visible else steps
    if there != sorted(there):
        yield Finding("reordered", where, f"steps {steps}")


def _steps(where: str, steps: list[int], told: list[int]) -> Iterator[Finding]:
    yield from (Finding("doubled", where, f"step {n} is there {k} times") for n, k in Counter(steps).items() if k > 1)
    yield from (Finding("lost", where, f"step {n} was taken and is not there") for n in told if n not in steps)
    yield from (Finding("doubled", where, f"step {n} was never taken") for n in set(steps) - set(told))


def _header(dossier: str, row: Row, there: Row) -> Iterator[Finding]:
    for name, ours, theirs in _sides(row, there):
        if ours != theirs:
            yield Finding("diverged", f"dvcqg {dossier}", f"{name} is {theirs} there and {ours} here")


def _sides(row: Row, there: Row) -> Iterator[tuple[str, Any, Any]]:
    early = {} if row["code"] else UNRECEIVED
    yield "state", early.get(row["status"], CODES[row["status"]]), there["state"]
    yield "due_at", to_the_second(row["appointment_at"]), to_the_second(there["due_at"])
    yield "received_at", to_the_second(row["accepted_at"]), to_the_second(there["received_at"])
    yield "procedure", row["procedure_code"], there["fields"].get("MaTTHC")
    yield "unit", row["receiving_unit_code"], there["fields"].get("DonViXuLy")
