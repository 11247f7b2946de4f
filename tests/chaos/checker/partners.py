"""Outside systems: every change is a delivery, in order, and what each system stores is what it was told, once."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.checker.acknowledged import short
from tests.chaos.checker.evidence import SERVICES, Evidence, Row
from tests.chaos.checker.finding import Finding, Kind

DATA = Path(__file__).resolve().parents[3] / "deploy" / "province" / "systems"
TAKEN = {"done", "acknowledged"}
PORTAL = {
    "submitted": "1", "accepted": "2", "refused": "3", "processing": "4", "supplement_requested": "5",
    "payment_requested": "6", "withdrawn": "7", "resolved": "9", "returned": "10",
}  # fmt: skip
UNRECEIVED = {"supplement_requested": "1", "withdrawn": "1", "stopped": "1"}
"""Of a dossier that was never received the header cannot say these: it would need dates that there are none of."""
Lanes = dict[tuple[str, str], list[Row]]


def check(seen: Evidence) -> Iterator[Finding]:
    """Compare facts with deliveries, and deliveries with the systems' own storages."""
    lanes: Lanes = defaultdict(list)
    for row in sorted(seen.rows("workflow", "delivery"), key=lambda row: row["no"]):
        lanes[str(row["dossier_id"]), row["system"]].append(row)
    yield from _lanes(seen, lanes)
    yield from _told(seen, lanes)
    yield from _portal(seen, lanes)
    yield from _registers(seen, lanes)
    yield from _deeds(seen)
    if seen.waiting_callbacks:
        yield Finding("lost", "callbacks", f"{seen.waiting_callbacks} were never heard")


ENDS = {"finish", "determine"}
"""What a clerk does to end what the agency has in hand."""


def _deeds(seen: Evidence) -> Iterator[Finding]:
    """What a clerk ended in the agency's own system is ended here."""
    ids = {row["code"]: row["dossier_id"] for row in seen.rows("workflow", "exchange")}
    for system, code, action in seen.deeds:
        if action in ENDS:
            agencies = set(json.loads((DATA / f"{system}.json").read_text())["agency_codes"])
            every = seen.by_dossier("workflow", "leg").get(str(ids.get(code)), [])
            legs = [leg for leg in every if leg["agency_code"] in agencies]
            if not legs or any(leg["status"] != "completed" for leg in legs):
                yield Finding("lost", f"{system} {code}", f"a clerk's {action} has not ended the leg here")


def _lanes(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    for (dossier, system), lane in lanes.items():
        numbers, facts = [row["no"] for row in lane], Counter(row["event_id"] for row in lane)
        if numbers != list(range(1, len(lane) + 1)):
            yield Finding("lost", f"{system} {dossier}", f"deliveries {numbers}")
        yield from (
            Finding("doubled", f"{system} {dossier}", f"fact {one} told twice") for one, n in facts.items() if n > 1
        )
        waiting = [row for row in lane if row["state"] not in TAKEN]
        if waiting and (dossier, system) not in seen.incidents:
            yield Finding(
                "lost", f"{system} {dossier}", f"{waiting[0]['fact']} is {waiting[0]['state']}, and nobody sees it"
            )


def _told(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    """The portal is told of every dossier; the facts of one source come to it in their order."""
    tells = set(json.loads((DATA / "dvcqg.json").read_text())["tells"])
    for dossier in seen.ledger("intake"):
        lane = lanes.get((dossier, "dvcqg"), [])
        for source in SERVICES:
            wanted = [row["id"] for row in seen.ledger(source).get(dossier, []) if short(row) in tells]
            there = [row["event_id"] for row in lane if row["event_id"] in set(wanted)]
            if set(there) != set(wanted):
                yield Finding("lost", f"dvcqg {dossier}", f"{len(wanted) - len(there)} facts of {source} are not told")
            elif there != wanted:
                yield Finding("reordered", f"dvcqg {dossier}", f"facts of {source}")


def _portal(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    """Header and progress of the national portal: every step once, in order, and where the dossier stands now."""
    status = {str(row["id"]): row for row in seen.rows("intake", "dossier")}
    for (dossier, system), lane in lanes.items():
        if system != "dvcqg":
            continue
        there: Any = seen.outside["dvcqg"].get(dossier, {"progress": [], "state": None, "due_at": None})
        steps = [int(found[1]) for line in there["progress"] if (found := re.match(r"Bước (\d+): ", line["text"]))]
        wanted = [row["no"] for row in lane if row["state"] in TAKEN]
        is_visible = (dossier, system) in seen.incidents
        yield from _steps(dossier, steps, wanted, is_visible=is_visible)
        stands = _portal_state(status[dossier])
        if len(wanted) == len(lane) and there["state"] != stands and not is_visible:
            yield Finding("diverged", f"dvcqg {dossier}", f"it stands at {there['state']} there and at {stands} here")


def _portal_state(row: Row) -> str:
    early = {} if row["code"] else UNRECEIVED
    return early.get(row["status"], PORTAL[row["status"]])


def _steps(dossier: str, steps: list[int], wanted: list[int], *, is_visible: bool) -> Iterator[Finding]:
    where = f"dvcqg {dossier}"
    yield from (Finding("doubled", where, f"step {n} is there {k} times") for n, k in Counter(steps).items() if k > 1)
    if not is_visible:
        yield from (Finding("lost", where, f"step {n} was taken and is not there") for n in wanted if n not in steps)
        yield from (Finding("doubled", where, f"step {n} was never taken") for n in set(steps) - set(wanted))
    if steps != sorted(steps):
        yield Finding("reordered", where, f"steps {steps}")


FIRST_CALL = {"vbdlis": "tiepnhan", "tax": "TCT_GPC", "bhxh": "TiepNhanHoSo"}
LAST_CALL = {
    "ResultReturned": ("vbdlis", "capnhattrangthaitraketquahoso"),
    "PaymentRecorded": ("tax", "ChungTuThanhToan"),
}


def _registers(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    """A dossier is opened once in each register that has it, and closed or paid there as often as we say."""
    codes = {str(row["dossier_id"]): row["code"] for row in seen.rows("workflow", "exchange")}
    for system, call in FIRST_CALL.items():
        effects = Counter(row["dossier"] for row in seen.calls[system] if row["call"] == call)
        opened = {
            codes[dossier] for (dossier, one), lane in lanes.items() if one == system and lane[0]["state"] in TAKEN
        }
        visible = {codes.get(dossier) for dossier, one in seen.incidents if one == system}
        yield from (
            Finding("lost", f"{system} {code}", "it was taken and is not there")
            for code in opened - set(effects) - visible
        )
        yield from (
            Finding("doubled", f"{system} {code}", f"{call} took effect {n} times")
            for code, n in effects.items()
            if n > 1
        )
        yield from (
            Finding("lost", f"{system} {code}", "it is gone there")
            for code in opened - set(seen.outside[system]) - visible
        )
    for fact, (system, call) in LAST_CALL.items():
        effects = Counter(row["dossier"] for row in seen.calls[system] if row["call"] == call)
        for (dossier, one), lane in lanes.items():
            said = sum(row["fact"] == fact and row["state"] in TAKEN for row in lane)
            if one == system and (dossier, one) not in seen.incidents and effects[codes[dossier]] != said:
                kind: Kind = "lost" if effects[codes[dossier]] < said else "doubled"
                yield Finding(
                    kind,
                    f"{system} {codes[dossier]}",
                    f"{call} took effect {effects[codes[dossier]]} times, said {said}",
                )
