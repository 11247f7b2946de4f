"""Applied state: what every service shows of a dossier is what the facts of all ledgers say."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.chaos.checker.acknowledged import short
from tests.chaos.checker.evidence import SERVICES, Evidence, Row
from tests.chaos.checker.finding import Finding

INTAKE = {
    "DossierSubmitted": "submitted", "DossierAccepted": "accepted", "DossierRefused": "refused",
    "DossierWithdrawn": "withdrawn", "ResultReturned": "returned", "RouteCompleted": "resolved",
}  # fmt: skip
"""The last of these facts says where a dossier stands, unless something waits for the applicant."""
LEG = {
    "LegOffered": "offered", "LegAcknowledged": "in_progress", "LegCompleted": "completed", "LegReturned": "returned",
    "LegRefused": "refused", "LegCancelled": "cancelled",
}  # fmt: skip


def check(seen: Evidence) -> Iterator[Finding]:
    """Fold the facts of each dossier, and compare with the rows of the services."""
    facts: dict[str, list[Row]] = defaultdict(list)
    for service in SERVICES:
        for row in seen.rows(service, "event"):
            facts[str(row["dossier_id"])].append({"name": short(row), **row, "data": json.loads(row["data"])})
    for dossier, history in facts.items():
        history.sort(key=lambda row: row["time"])
        yield from _compare(dossier, expected(history), shown(seen, dossier))
        yield from _lateness(dossier, history)


def expected(history: list[Row]) -> dict[str, Any]:
    """Return what is to be seen of a dossier with these facts, oldest first."""
    legs = {row["data"]["leg_no"]: LEG[row["name"]] for row in history if row["name"] in LEG}
    automatic = {row["data"]["leg_no"] for row in history if row["data"].get("automatic")}
    names, due = {row["name"] for row in history}, deadlines_of(history)
    deadline = [row["data"] for row in history if row["name"] in {"ClockStarted", "DeadlineMoved", "ClockFinished"}]
    accepted = next((row["data"]["code"] for row in history if row["name"] == "DossierAccepted"), None)
    return {
        "intake status": status_of(history),
        "intake code": accepted,
        "workflow code": accepted,
        "notify code": accepted,
        "workflow legs": legs,
        "sla legs": {n: status for n, status in legs.items() if n not in automatic},
        "workflow leg deadlines": due,
        "sla leg deadlines": due,
        "workflow status": "completed" if "RouteCompleted" in names else "open" if "RouteOpened" in names else None,
        "sla status": "finished" if "ClockFinished" in names else "running" if "ClockStarted" in names else None,
        "intake appointment": _deadline(deadline),
        "notices": {row["data"]["notice_no"] for row in history if row["name"] == "PaymentRequested"},
        "paid": {row["data"]["notice_no"] for row in history if row["name"] == "PaymentRecorded"},
    }


def deadlines_of(history: list[Row]) -> dict[int, datetime]:
    """Return until when each leg is to be done, by what workflow offered it with and sla said since."""
    due = {row["data"]["leg_no"]: row["data"].get("due_at") for row in history if row["name"] == "LegOffered"}
    due |= {row["data"]["leg_no"]: row["data"]["to_at"] for row in history if row["name"] == "LegDeadlineMoved"}
    return {leg_no: datetime.fromisoformat(at) for leg_no, at in due.items() if at}


def status_of(history: list[Row]) -> str:
    """Return intake's status of a dossier with these facts."""
    status, before, unpaid = "", "", set()
    for row in history:
        name, data = row["name"], row["data"]
        if name == "SupplementRequested":
            status, before = "supplement_requested", status
        elif name == "SupplementReceived":
            status = before
        elif name == "LegAcknowledged" and status == "accepted":
            status = "processing"
        elif name == "PaymentRequested":
            unpaid.add(data["notice_no"])
            status = "payment_requested"
        elif name == "PaymentRecorded":
            unpaid.discard(data["notice_no"])
            status = status if unpaid else "processing"
        elif name in INTAKE:
            status = INTAKE[name]
    return status


def _deadline(moves: list[Row]) -> Any:
    for data in reversed(moves):
        if found := data.get("to_at") or data.get("deadline_at"):
            return datetime.fromisoformat(found)
    return None


def shown(seen: Evidence, dossier: str) -> dict[str, Any]:
    """Return what the services show of a dossier; what a service has no row for is None."""
    intake, notices = (
        seen.by_dossier("intake", "dossier", "id"),
        seen.by_dossier("intake", "payment_notice", "dossier_id"),
    )
    route, clock = seen.by_dossier("workflow", "dossier", "id"), seen.by_dossier("sla", "clock", "dossier_id")
    told = seen.by_dossier("notify", "dossier", "id")
    legs = seen.by_dossier("workflow", "leg", "dossier_id").get(dossier, [])
    leg_clocks = seen.by_dossier("sla", "leg_clock", "dossier_id").get(dossier, [])
    here = intake.get(dossier, [{}])[0]
    owed = notices.get(dossier, [])
    return {
        "intake status": here.get("status", ""),
        "intake code": here.get("code"),
        "workflow code": route.get(dossier, [{}])[0].get("code"),
        "notify code": told.get(dossier, [{}])[0].get("code"),
        "workflow legs": _legs(legs),
        "sla legs": _legs(leg_clocks),
        "workflow leg deadlines": _deadlines(legs),
        "sla leg deadlines": _deadlines(leg_clocks),
        "workflow status": route.get(dossier, [{}])[0].get("status"),
        "sla status": clock.get(dossier, [{}])[0].get("status"),
        "intake appointment": here.get("appointment_at"),
        "notices": {row["notice_no"] for row in owed},
        "paid": {row["notice_no"] for row in owed if row["paid_at"]},
    }


def _legs(rows: list[Row]) -> dict[int, str]:
    return {row["leg_no"]: row["status"] for row in rows}


def _deadlines(rows: list[Row]) -> dict[int, Any]:
    """Return the deadlines of legs that somebody had to do: one that was over at once was never offered."""
    offered = [row for row in rows if row.get("completed_at") != row.get("offered_at")]
    return {row["leg_no"]: row["due_at"] for row in offered if row.get("due_at")}


def _compare(dossier: str, wanted: dict[str, Any], there: dict[str, Any]) -> Iterator[Finding]:
    for name, value in wanted.items():
        if there[name] != value and not (name == "sla status" and there[name] == "suspended" and value == "running"):
            yield Finding("diverged", dossier, f"{name} is {there[name]!r}, the facts say {value!r}")


def _lateness(dossier: str, history: list[Row]) -> Iterator[Finding]:
    """Who finished in time is not called late in the end, whatever sla missed meanwhile."""
    missed = {row["data"]["deadline_at"] for row in history if row["name"] == "DeadlineMissed"}
    missed -= {row["data"]["deadline_at"] for row in history if row["name"] == "DeadlineMissWithdrawn"}
    for row in history:
        if row["name"] == "ClockFinished":
            finished = datetime.fromisoformat(row["data"]["finished_at"])
            wrong = [one for one in missed if finished <= datetime.fromisoformat(one)]
            yield from (Finding("diverged", dossier, f"finished at {finished}, but late since {one}") for one in wrong)
