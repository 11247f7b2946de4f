"""What outside systems are told of a dossier is what intake holds, whatever crosses."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake import domain as intake_domain
from services.workflow.domain.picture import ENDED, OVER, Picture, Status, born, fold
from shared.events import Fact, intake, sla, workflow

AT = datetime(2026, 10, 5, 1, tzinfo=UTC)
COMMON: dict[str, Any] = {
    "procedure": "DD.01@3", "field_code": "dat-dai", "channel": "online", "receiving_unit_code": "H99.01",
    "applicant_kind": "citizen", "result_delivery": "counter",
}  # fmt: skip
SUBMITTED = intake.DossierSubmitted(applicant_version=1, **COMMON)
ACCEPTED = intake.DossierAccepted(
    code="H99.01-261005-0001", calendar="VN@1", limit={"amount": 8, "unit": "working_days"},
    appointment_at=AT + timedelta(days=12), **COMMON,
)  # fmt: skip
ACKNOWLEDGED = workflow.LegAcknowledged(leg_no=1)
ASKED = intake.SupplementRequested(request_no=1, stage="processing", ground="g", component_codes=["GCN"])
BROUGHT = intake.SupplementReceived(request_no=1)
TO_PAY = intake.PaymentRequested(notice_no="TB-1", kind="tax", amount=1)
PAID = intake.PaymentRecorded(notice_no="TB-1", amount=1, paid_at=AT, method="portal")
GRANTED = workflow.RouteCompleted(outcome="granted")
WITHDRAWN = intake.DossierWithdrawn(reason_code="x")
RETURNED = intake.ResultReturned(delivery="counter")
REOPENED = intake.DossierReopened(reason_code="x")


def after(*facts: Fact, start: Picture | None = None) -> Picture:
    picture = start or born(SUBMITTED, AT)
    for n, fact in enumerate(facts, 1):
        picture = fold(picture, fact, AT + timedelta(minutes=n))
    return picture


def test_the_states_are_those_of_intake() -> None:
    assert {status.value for status in Status} == {status.value for status in intake_domain.Status}


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((), "submitted"),
        ((ACCEPTED,), "accepted"),
        ((intake.DossierRefused(reason_code="x"),), "refused"),
        ((ACCEPTED, ACKNOWLEDGED), "processing"),
        ((ACCEPTED, ACKNOWLEDGED, ASKED), "supplement_requested"),
        ((ACCEPTED, ACKNOWLEDGED, ASKED, BROUGHT), "processing"),
        ((ACCEPTED, ASKED, BROUGHT), "accepted"),
        ((ACCEPTED, ASKED, ACKNOWLEDGED, BROUGHT), "processing"),
        ((ASKED, BROUGHT), "submitted"),
        ((ACCEPTED, ACKNOWLEDGED, TO_PAY), "payment_requested"),
        ((ACCEPTED, ACKNOWLEDGED, TO_PAY, PAID), "processing"),
        ((ACCEPTED, ACKNOWLEDGED, ASKED, TO_PAY, BROUGHT), "payment_requested"),
        ((ACCEPTED, ACKNOWLEDGED, TO_PAY, ASKED, PAID, BROUGHT), "processing"),
        ((ACCEPTED, ACKNOWLEDGED, GRANTED), "resolved"),
        ((ACCEPTED, ACKNOWLEDGED, GRANTED, RETURNED), "returned"),
        ((ACCEPTED, ACKNOWLEDGED, GRANTED, intake.ResultPosted(carrier_code="VNPOST")), "posted"),
        ((ACCEPTED, ACKNOWLEDGED, GRANTED, RETURNED, REOPENED), "processing"),
        ((ACCEPTED, ACKNOWLEDGED, intake.DossierStopped(reason_code="x")), "stopped"),
    ],
)
def test_each_fact_leads_where_intake_goes(facts: tuple[Fact, ...], status: str) -> None:
    assert after(*facts).status == status


@pytest.mark.parametrize("crossing", list(itertools.permutations([WITHDRAWN, GRANTED, PAID, ACKNOWLEDGED])))
def test_an_end_that_intake_decided_wins_over_whatever_crosses_it(crossing: tuple[Fact, ...]) -> None:
    assert after(ACCEPTED, ACKNOWLEDGED, TO_PAY, *crossing).status is Status.WITHDRAWN


@pytest.mark.parametrize("status", sorted(OVER))
def test_nothing_but_a_reopening_goes_on_after_processing_is_over(status: Status) -> None:
    over = after(ACCEPTED).model_copy(update={"status": status})
    for fact in (ACCEPTED, ACKNOWLEDGED, ASKED, BROUGHT, TO_PAY, PAID):
        assert after(fact, start=over).status is status
    assert after(REOPENED, start=over).status is (status if status in ENDED else Status.PROCESSING)


def test_the_promised_instant_and_the_ground_follow_the_clock() -> None:
    moved = sla.DeadlineMoved(from_at=AT, to_at=AT + timedelta(days=20), reason="supplement", citation="x")
    stopped = sla.ClockSuspended(suspension_no=1, ground="tax_determination", citation="x")
    picture = after(ACCEPTED, stopped)
    assert (picture.appointment_at, picture.suspended_by) == (AT + timedelta(days=12), "tax_determination")
    picture = after(moved, start=picture)
    assert (picture.appointment_at, picture.suspended_by) == (AT + timedelta(days=20), None)


def test_a_new_version_of_the_people_is_named() -> None:
    assert after(ACCEPTED, intake.ApplicantChanged(applicant_version=2)).applicant_version == 2
