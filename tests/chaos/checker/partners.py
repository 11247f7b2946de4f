"""Outside systems: every change is a delivery, in order, and what each system stores is what it was told, once."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.checker.acknowledged import short
from tests.chaos.checker.evidence import SERVICES, Evidence
from tests.chaos.checker.finding import Finding
from tests.chaos.checker.portal import check_portal
from tests.chaos.checker.registers import check_registers
from tests.chaos.checker.standing import TAKEN, Lanes

DATA = Path(__file__).resolve().parents[3] / "deploy" / "province" / "systems"


def check(seen: Evidence) -> Iterator[Finding]:
    """Compare facts with deliveries, and deliveries with the systems' own storages."""
    lanes: Lanes = defaultdict(list)
    for row in sorted(seen.rows("workflow", "delivery"), key=lambda row: row["no"]):
        lanes[str(row["dossier_id"]), row["system"]].append(row)
    yield from _lanes(seen, lanes)
    yield from _told(seen, lanes)
    yield from check_portal(seen, lanes)
    yield from check_registers(seen, lanes)
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
