"""Everything acknowledged to a caller is there exactly once, and nothing is there that nobody asked for."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.checker.evidence import Evidence, Row, Told
from tests.chaos.checker.finding import Finding

FACTS = {
    "submit": "DossierSubmitted", "accept": "DossierAccepted", "refuse": "DossierRefused",
    "withdraw": "DossierWithdrawn", "request-supplement": "SupplementRequested",
    "supplement": "SupplementReceived", "payments": "PaymentRecorded", "return-result": "ResultReturned",
    "acknowledge": "LegAcknowledged", "complete": "LegCompleted",
}  # fmt: skip
"""Which fact a command becomes."""
ASKED = set(FACTS.values()) - {"LegAcknowledged", "LegCompleted"}
"""Facts that only a caller makes happen; legs also move by what outside systems say."""
ONCE = {
    "RouteOpened": (), "RouteCompleted": (), "ClockStarted": (), "ClockFinished": (), "DossierAccepted": (),
    "LegOffered": ("leg_no",), "LegAcknowledged": ("leg_no",), "LegCompleted": ("leg_no",),
    "TaxNoticeIssued": ("notice_no",), "PaymentRequested": ("notice_no",), "PaymentRecorded": ("notice_no",),
    "SupplementRequested": ("request_no",), "SupplementReceived": ("request_no",), "MessageSent": ("message_id",),
}  # fmt: skip
"""Facts that these lives have at most once, by what tells two of them apart."""


def short(row: Row) -> str:
    """Return the bare name of a fact: ``vn.lienthong.LegOffered.v1`` is a LegOffered."""
    name: str = row["type"].split(".")[2]
    return name


def check(seen: Evidence) -> Iterator[Finding]:
    """Count facts against answers, both ways."""
    yield from _once(seen)
    yield from _answers(seen)
    yield from _unasked(seen)
    yield from _codes(seen)


def _codes(seen: Evidence) -> Iterator[Finding]:
    """The numbers of a unit's day have no gap: a command that failed has used none up."""
    days: dict[str, list[int]] = defaultdict(list)
    for row in seen.rows("intake", "dossier"):
        if row["code"]:
            day, _, number = row["code"].rpartition("-")
            days[day].append(int(number))
    for day, numbers in days.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield Finding("lost", "codes", f"{day}: {sorted(numbers)}")


def _once(seen: Evidence) -> Iterator[Finding]:
    counted: Counter[tuple[str, ...]] = Counter()
    for service in seen.tables:
        for row in seen.rows(service, "event"):
            if short(row) in ONCE:
                data = json.loads(row["data"])
                counted[str(row["dossier_id"]), short(row), *(str(data[name]) for name in ONCE[short(row)])] += 1
    yield from (
        Finding("doubled", key[0], f"{' '.join(key[1:])} happened {n} times") for key, n in counted.items() if n > 1
    )


def _answers(seen: Evidence) -> Iterator[Finding]:
    facts = {service: seen.ledger(service) for service in ("intake", "workflow")}
    for told in seen.told:
        rows = [row for row in facts[told.service].get(told.dossier_id, []) if short(row) == FACTS[told.command]]
        fitting = [row for row in rows if _fits(told, json.loads(row["data"]))]
        if not fitting:
            yield Finding("lost", told.dossier_id, f"{told.command} was acknowledged ({told.key}) and is not there")
    keys = Counter(told.key for told in seen.told)
    yield from (Finding("doubled", "callers", f"key {key} was used {n} times") for key, n in keys.items() if n > 1)
    codes = Counter(told.body["code"] for told in seen.told if told.command == "accept")
    yield from (
        Finding("doubled", "callers", f"code {code} was issued {n} times") for code, n in codes.items() if n > 1
    )


def _fits(told: Told, data: Row) -> bool:
    if told.command == "accept":
        return bool(data["code"] == told.body["code"])
    return told.leg_no == 0 or bool(data["leg_no"] == told.leg_no)


def _unasked(seen: Evidence) -> Iterator[Finding]:
    """More facts than commands, beyond those that may have happened unanswered, are doubles."""
    asked = Counter((told.dossier_id, FACTS[told.command]) for told in seen.told)
    n_open = Counter(path.rsplit("/", 1)[1] for path in seen.unanswered)
    there = Counter((str(row["dossier_id"]), short(row)) for row in seen.rows("intake", "event") if short(row) in ASKED)
    extra = Counter({key: n - asked[key] for key, n in there.items() if n > asked[key]})
    for command, fact in FACTS.items():
        more = [key for key in extra if key[1] == fact]
        if len(more) > n_open["dossiers" if command == "submit" else command]:
            yield from (Finding("doubled", key[0], f"{fact} happened without being asked for") for key in more)
