"""Messages to people and subscribers: one key for each thing to tell, each said, a repeat only under its key."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID, uuid5

from tests.chaos.checker.acknowledged import short
from tests.chaos.checker.evidence import SERVICES, Evidence, Row
from tests.chaos.checker.finding import Finding
from tests.chaos.checker.ledgers import causes

NAMESPACE = UUID("6f1d7a0e-3c55-5b9e-9d5f-6c69656e7468")
TO_APPLICANTS = frozenset({
    "DossierSubmitted", "DossierAccepted", "DossierRefused", "SupplementRequested", "PaymentRequested",
    "DeadlineMoved", "DeadlineMissed", "DeadlineMissWithdrawn", "RouteCompleted", "ResultPosted",
    "DossierReopened", "DossierStopped",
})  # fmt: skip
TO_SUBSCRIBERS = TO_APPLICANTS | {"SupplementReceived", "PaymentRecorded", "ResultReturned", "DossierWithdrawn"}
SETTLED = {"sent", "moot", "no_address", "failed"}


def check(seen: Evidence) -> Iterator[Finding]:
    """Work out every key anew, and compare with notify's messages and with what arrived."""
    wanted = {key for service in SERVICES for row in seen.rows(service, "event") for key in _keys(seen, row)}
    rows = {row["id"]: row for row in seen.rows("notify", "message")}
    yield from (Finding("lost", "notify", f"no message {key}") for key in wanted - rows.keys())
    yield from (Finding("doubled", "notify", f"message {key} of no fact") for key in rows.keys() - wanted)
    waiting = [row for row in rows.values() if row["status"] not in SETTLED]
    yield from (Finding("lost", "notify", f"message {row['id']} still waits ({row['reason_code']})") for row in waiting)
    yield from _said(seen, rows)
    yield from _arrived(
        "mail",
        _mail_ids(seen),
        {str(i) for i, row in rows.items() if row["channel"] == "email" and row["status"] == "sent"},
    )
    taken = [row for row in seen.webhooks if row["answer"] < 300]
    hooks = {str(i) for i, row in rows.items() if row["channel"] == "webhook" and row["status"] == "sent"}
    yield from _arrived("webhook", [row["webhook_id"] for row in taken], hooks)
    yield from _in_order(seen, rows, [row["webhook_id"] for row in taken])


def _keys(seen: Evidence, event: Row) -> Iterator[UUID]:
    if short(event) in TO_APPLICANTS:
        yield uuid5(NAMESPACE, f"{event['id']}/applicant/email")
    if short(event) in TO_SUBSCRIBERS:
        for one in seen.rows("notify", "subscription"):
            yield uuid5(NAMESPACE, f"{event['id']}/{one['id']}/webhook")


def _said(seen: Evidence, rows: dict[UUID, Row]) -> Iterator[Finding]:
    """What was sent is a fact, once; and only that."""
    facts = Counter(
        json.loads(row["data"])["message_id"] for row in seen.rows("notify", "event") if short(row) == "MessageSent"
    )
    sent = {str(key) for key, row in rows.items() if row["status"] == "sent"}
    yield from (Finding("lost", "notify", f"message {key} was sent without a fact") for key in sent - facts.keys())
    yield from (
        Finding("doubled", "notify", f"message {key} has a fact and was not sent") for key in facts.keys() - sent
    )


def _mail_ids(seen: Evidence) -> list[str]:
    return [row["message_id"].strip("<>").split("@")[0] for row in seen.mails]


def _arrived(what: str, arrived: list[str], sent: set[str]) -> Iterator[Finding]:
    """A repeat carries the same key: keys are counted, not arrivals."""
    yield from (Finding("lost", what, f"{key} was sent and never arrived") for key in sent - set(arrived))
    yield from (Finding("doubled", what, f"{key} arrived and was never sent") for key in set(arrived) - sent)


def _in_order(seen: Evidence, rows: dict[UUID, Row], arrived: list[str]) -> Iterator[Finding]:
    """Within a lane nothing arrives for the first time after what it is a cause of."""
    events = {row["id"]: (service, row) for service in SERVICES for row in seen.rows(service, "event")}
    lanes: dict[UUID, list[tuple[str, Row]]] = defaultdict(list)
    for key in dict.fromkeys(arrived):
        if (row := rows.get(UUID(key))) is not None and row["event_id"] in events:
            lanes[row["lane"]].append(events[row["event_id"]])
    for lane, ones in lanes.items():
        for n, (source, row) in enumerate(ones):
            before = {**causes(row["after"]), source: row["seq"]}
            if any(later["seq"] <= before.get(service, 0) for service, later in ones[n + 1 :]):
                yield Finding("reordered", "webhook", f"lane {lane}: a cause arrived after {source} {row['seq']}")
