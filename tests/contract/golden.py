"""The golden corpus: one message of every event type ever shipped, which must parse for ever.

``python -m tests.contract.golden`` adds a message for types that have none; it never changes one that is there.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from shared.events import FACTS, intake, notify, sla, workflow
from shared.events.base import Fact, Limit
from shared.events.envelope import from_message, to_headers
from shared.timeline import Draft, Event, record
from tests.simulation.memory import MemoryHead

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 8, 3, 1, 30, tzinfo=UTC)
LATER = datetime(2026, 8, 13, 10, 0, tzinfo=UTC)
DAYS = Limit(amount=8, unit="working_days")
MESSAGE = UUID("018f0000-0000-7000-8000-0000000000aa")
SAMPLES: list[Fact] = [
    intake.DossierSubmitted(
        procedure="DD.01@3", field_code="dat-dai", channel="online", receiving_unit_code="H99.01",
        applicant_kind="citizen", applicant_version=1, result_delivery="electronic",
        attributes={"transfer_kind": "gift"},
    ),
    intake.DossierAccepted(
        code="H99.01-260803-0001", procedure="DD.01@3", field_code="dat-dai", calendar="VN@1",
        receiving_unit_code="H99.01", channel="online", applicant_kind="citizen", result_delivery="electronic",
        limit=DAYS, appointment_at=LATER, attributes={"transfer_kind": "gift"},
    ),
    intake.DossierRefused(reason_code="not-eligible"),
    intake.SupplementRequested(request_no=1, stage="processing", ground="incomplete", component_codes=["GCN"]),
    intake.SupplementReceived(request_no=1),
    intake.PaymentRequested(notice_no="TB-1", kind="tax", amount=1_500_000, due_on=date(2026, 9, 5)),
    intake.PaymentRecorded(notice_no="TB-1", amount=1_500_000, paid_at=AT, method="portal"),
    intake.ApplicantChanged(applicant_version=2),
    intake.DossierWithdrawn(reason_code="own-wish"),
    intake.DossierStopped(reason_code="no-supplement"),
    intake.ResultPosted(carrier_code="vnpost"),
    intake.ResultReturned(delivery="electronic"),
    intake.DossierReopened(reason_code="wrong-name"),
    workflow.RouteOpened(route="land-transfer@1"),
    workflow.LegOffered(
        leg_no=2, step_code="tax", task="Xác định nghĩa vụ tài chính", agency_code="H99.THUE.01", due_at=LATER,
        limit_minutes=1350, excluded_ground="tax_determination",
    ),
    workflow.LegAcknowledged(leg_no=2, officer="officer-7"),
    workflow.LegRefused(leg_no=2, reason_code="not-ours"),
    workflow.LegAssigned(leg_no=2, officer="officer-7"),
    workflow.LegCompleted(leg_no=2, outcome="notice_issued", data={"n_notices": 1}),
    workflow.LegReturned(leg_no=2, to_step_code="appraisal", reason_code="wrong-slip"),
    workflow.LegCancelled(leg_no=2, reason_code="withdrawn"),
    workflow.SupplementProposed(leg_no=1, ground="incomplete", component_codes=["GCN"]),
    workflow.TaxNoticeIssued(leg_no=2, notice_no="TB-1", amount=1_500_000, due_on=date(2026, 9, 5)),
    workflow.RouteCompleted(outcome="granted"),
    sla.ClockStarted(calendar="VN@1", limit=DAYS, deadline_at=LATER),
    sla.ClockSuspended(suspension_no=1, ground="tax_determination", citation="ND 151/2025"),
    sla.ClockResumed(suspension_no=1, ground="tax_determination", excluded_minutes=450, restarts=False),
    sla.DeadlineMoved(from_at=AT, to_at=LATER, reason="span_excluded", citation="ND 151/2025"),
    sla.LegDeadlineMoved(leg_no=1, from_at=AT, to_at=LATER),
    sla.DeadlineApproaching(deadline_at=LATER, remaining_minutes=450, holder_agency_code="H99.VPDK"),
    sla.DeadlineMissed(deadline_at=LATER, holder_agency_code="H99.VPDK"),
    sla.DeadlineMissWithdrawn(deadline_at=LATER),
    sla.ApologyIssued(apology_no=1, agency_code="H99.VPDK", deadline_at=LATER, in_time=True, new_deadline_at=LATER),
    sla.ClockRecalculated(calendar="VN@2", document="TB 1/2026", from_at=AT, to_at=LATER),
    sla.SuspensionForgotten(suspension_no=1, holder_agency_code="H99.VPDK"),
    sla.ClockFinished(verdict="on_time", deadline_at=LATER, finished_at=AT, elapsed_minutes=3600),
    notify.MessageSent(message_id=MESSAGE, template="result-ready", channel="email", recipient="applicant"),
    notify.MessageFailed(
        message_id=MESSAGE, template="result-ready", channel="email", recipient="applicant", reason_code="no_address"
    ),
]  # fmt: skip


def message_of(fact: Fact) -> Event:
    """Return the event of a sample: the first of its source in a history in which intake has spoken."""
    head = MemoryHead(UUID("018f0000-0000-7000-8000-000000000001"))
    if fact.source != "intake":
        record("intake", head, Draft(UUID(int=1), SAMPLES[0].type_name(), SAMPLES[0].encode()), AT)
    draft = Draft(UUID(int=2), fact.type_name(), fact.encode(), "golden", "")
    return record(fact.source, head, draft, AT)


def read(path: Path) -> Event:
    """Return the event of a golden file, as a consumer would read it."""
    kept = json.loads(path.read_text())
    return from_message([(name, value.encode()) for name, value in kept["headers"].items()], kept["data"].encode())


def add_missing() -> None:
    """Write a message for every type that has none."""
    GOLDEN.mkdir(exist_ok=True)
    for fact in SAMPLES:
        path = GOLDEN / f"{fact.type_name()}.json"
        if not path.exists():
            event = message_of(fact)
            kept = {"headers": {n: v.decode() for n, v in to_headers(event)}, "data": event.data.decode()}
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    assert {fact.type_name() for fact in SAMPLES} == set(FACTS)
    add_missing()
