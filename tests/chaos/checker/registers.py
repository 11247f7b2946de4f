"""The agencies' own systems: what each of them stores is what it was told, once."""

import json
from collections import Counter
from collections.abc import Iterator

from tests.chaos.checker.evidence import Evidence, Row
from tests.chaos.checker.finding import Finding, Kind
from tests.chaos.checker.standing import TAKEN, Lanes


def check_registers(seen: Evidence, lanes: Lanes) -> Iterator[Finding]:
    """Compare each lane with the system's storage; of VBDLIS, whose storage keeps no calls, with its log of calls."""
    codes = {str(row["dossier_id"]): row["code"] for row in seen.rows("workflow", "exchange")}
    procedures = {row["code"]: row["procedure_code"] for row in seen.rows("intake", "dossier")}
    effects = Counter((row["dossier"], row["call"]) for row in seen.calls["vbdlis"])
    for (dossier, system), lane in lanes.items():
        if system == "dvcqg" or not any(row["state"] in TAKEN for row in lane):
            continue
        code, is_visible = codes[dossier], (dossier, system) in seen.incidents
        where, there = f"{system} {code}", seen.outside[system].get(code)
        if there is None:
            if not is_visible:
                yield Finding("lost", where, "it was taken and is not there")
        elif system == "vbdlis":
            yield from _calls(where, lane, {call: effects[code, call] for call in CALLS.values()}, is_visible)
        elif system == "tax":
            yield from _books(where, lane, there["fields"], is_visible)
        elif there["fields"]["MaThuTuc"] != procedures[code] and not is_visible:
            yield Finding("diverged", where, f"it is a {there['fields']['MaThuTuc']} there")


CALLS = {"LegOffered": "tiepnhan", "ResultReturned": "capnhattrangthaitraketquahoso"}


def _calls(where: str, lane: list[Row], effects: dict[str, int], is_visible: bool) -> Iterator[Finding]:
    """A dossier is opened once however often it is offered, and closed as often as we say."""
    opened, closed = (effects[call] for call in CALLS.values())
    if opened != 1:
        yield Finding("doubled" if opened else "lost", where, f"tiepnhan took effect {opened} times")
    said = sum(row["fact"] == "ResultReturned" and row["state"] in TAKEN for row in lane)
    if closed != said and not is_visible:
        yield Finding(_kind(closed, said), where, f"closing took effect {closed} times, said {said}")


def _books(where: str, lane: list[Row], there: Row, is_visible: bool) -> Iterator[Finding]:
    """A slip for each offer, a payment for each voucher: two of one would be a debt, or money, too many."""
    taken = Counter(row["fact"] for row in lane if row["state"] in TAKEN and not _is_fee(row))
    for fact, name in (("LegOffered", "slips"), ("PaymentRecorded", "payments")):
        n, said = len(there[name]), taken[fact]
        if n > said or (n < said and not is_visible):
            yield Finding(_kind(n, said), where, f"{n} {name} there, {said} told")


def _is_fee(row: Row) -> bool:
    return bool(json.loads(row["payload"])["data"].get("kind") == "fee")


def _kind(there: int, said: int) -> Kind:
    return "lost" if there < said else "doubled"
