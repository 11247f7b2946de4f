"""Dossiers on their routes on a real PostgreSQL, through the real consumer and the real REST surface."""

from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from shared.events import intake
from shared.events.workflow import LegCompleted, LegOffered, RouteOpened, Stretch, TaxNoticeIssued
from tests.integration.workflow.support import World

NOTICES = [
    {"notice_no": "TB-1", "amount": 12_000_000, "due_on": "2026-11-05"},
    {"notice_no": "TB-2", "amount": 3_000_000},
]


def paid(notice_no: str, *, outstanding: int = 0) -> intake.PaymentRecorded:
    at = datetime.fromisoformat("2026-10-05T09:00:00+07:00")
    return intake.PaymentRecorded(notice_no=notice_no, amount=1, paid_at=at, method="bank", outstanding=outstanding)


def local(text: str | None) -> str:
    assert text is not None
    return datetime.fromisoformat(text).strftime("%d/%m %H:%M")


async def test_an_electronic_land_transfer_from_acceptance_to_the_result(world: World) -> None:
    dossier = await world.accept()
    assert await world.names(dossier) == ["RouteOpened", "LegCompleted", "LegOffered"]
    await world.work(dossier, "appraisal", "slip_sent")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES)
    assert (await world.open_legs(dossier))["payment"]["holder"] == "applicant"
    await world.tell(dossier, paid("TB-1", outstanding=1))
    assert list(await world.open_legs(dossier)) == ["payment"]
    await world.tell(dossier, paid("TB-2"))
    await world.work(dossier, "payment-proof", "forwarded")
    await world.work(dossier, "registration", "signed", document_no="CN-123/2026")

    seen = await world.see(dossier)
    assert (seen["status"], seen["outcome"], seen["unpaid_notices"]) == ("completed", "granted", [])
    assert [leg["status"] for leg in seen["legs"]] == ["completed"] * 6
    names = await world.names(dossier)
    assert names.count("LegAcknowledged") == 4
    assert names[-2:] == ["LegCompleted", "RouteCompleted"]
    facts = await world.facts(dossier)
    assert facts[0] == RouteOpened(route="land-transfer@2")
    assert [f.notice_no for f in facts if isinstance(f, TaxNoticeIssued)] == ["TB-1", "TB-2"]
    offered = {fact.step_code: fact for fact in facts if isinstance(fact, LegOffered)}
    assert offered["tax"].excluded_ground == "tax_determination"
    assert (offered["payment"].holder, offered["payment"].agency_code) == ("applicant", None)
    assert [f.data for f in facts if isinstance(f, LegCompleted)][-1] == {"document_no": "CN-123/2026"}


async def test_a_leg_that_the_system_completes_at_once_is_one_fact_that_says_which_it_was(world: World) -> None:
    dossier = await world.accept()
    reception, appraisal = (await world.see(dossier, "officer", "H99.01"))["legs"]
    assert (reception["status"], reception["outcome"]) == ("completed", "forwarded")
    assert reception["offered_at"] == reception["completed_at"] < appraisal["offered_at"]
    [completed] = [fact for fact in await world.facts(dossier) if isinstance(fact, LegCompleted)]
    assert completed.automatic == Stretch(
        step_code="reception", task="Kiểm tra, số hóa và chuyển hồ sơ", agency_code="H99.01"
    )
    paper = await world.accept(channel="counter")
    await world.work(paper, "reception", "forwarded")
    [completed] = [fact for fact in await world.facts(paper) if isinstance(fact, LegCompleted)]
    assert completed.automatic is None


async def test_a_payment_that_was_made_before_it_was_asked_for_is_over_at_once(world: World) -> None:
    dossier = await world.accept()
    await world.tell(dossier, paid("TB-1"))
    await world.work(dossier, "appraisal", "slip_sent")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES[:1])
    assert list(await world.open_legs(dossier)) == ["payment-proof"]
    payment = (await world.facts(dossier))[-2]
    assert isinstance(payment, LegCompleted)
    assert payment.automatic == Stretch(step_code="payment", task="Nộp thuế, lệ phí trước bạ", holder="applicant")


async def test_a_tax_leg_goes_to_the_branch_that_serves_the_receiving_unit(world: World) -> None:
    for unit, branch in (("H99.01", "H99.THUE.01"), ("H99.02", "H99.THUE.02")):
        dossier = await world.accept(unit=unit)
        await world.work(dossier, "appraisal", "slip_sent")
        assert (await world.open_legs(dossier))["tax"]["agency_code"] == branch
        last = (await world.facts(dossier))[-1]
        assert isinstance(last, LegOffered)
        assert last.agency_code == branch
        inbox = (await world.call("GET", f"/v1/agencies/{branch}/inbox", "officer", branch)).json()
        assert [item["dossier_id"] for item in inbox["items"]] == [str(dossier)]


async def test_steps_keep_working_minutes_and_deadlines_of_the_receiving_unit(world: World) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    assert leg["limit_minutes"] == 1575  # 3.5 × 450, from Monday 8:00
    assert local(leg["due_at"]) == "08/10 13:45"  # 420 + 450 + 450 min by Wednesday, 255 on Thursday
    paper = await world.accept(channel="counter")
    leg = (await world.open_legs(paper))["reception"]
    assert (leg["limit_minutes"], local(leg["due_at"])) == (225, "05/10 13:45")


@pytest.mark.parametrize("world", ["2026-10-05T16:00:00+07:00"], indirect=True)
async def test_paper_received_after_three_is_forwarded_from_the_next_morning(world: World) -> None:
    dossier = await world.accept(channel="counter")
    leg = (await world.open_legs(dossier))["reception"]
    assert (leg["limit_minutes"], local(leg["due_at"])) == (225, "06/10 11:15")


@pytest.mark.parametrize("world", ["2022-03-01T08:00:00+07:00"], indirect=True)
async def test_a_dossier_of_2022_takes_the_route_of_2022(world: World) -> None:
    dossier = await world.accept("DD.01@1", unit="H99.71", channel="counter")
    await world.work(dossier, "reception", "forwarded")
    await world.work(dossier, "branch", "needs_confirmation")
    await world.work(dossier, "division", "confirmed")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES[:1])
    await world.tell(dossier, paid("TB-1"))
    await world.work(dossier, "department", "signed")
    await world.work(dossier, "result", "ready")
    seen = await world.see(dossier)
    assert (seen["route_code"], seen["outcome"]) == ("land-transfer-2022", "granted")
    assert [leg["agency_code"] for leg in seen["legs"]] == [
        "H99.71", "H99.71.CNVPDK", "H99.71.TNMT", "H99.71.CCT", None, "H99.STNMT", "H99.71",
    ]  # fmt: skip


async def test_parallel_legs_meet_in_a_join(world: World) -> None:
    wants = {"wants_residence": True, "wants_health_card": True}
    dossier = await world.accept("LT.01@1", attributes=wants)
    await world.work(dossier, "civil-status", "registered")
    assert list(await world.open_legs(dossier)) == ["residence", "health-card"]
    await world.work(dossier, "health-card", "issued")
    assert list(await world.open_legs(dossier)) == ["residence"]
    await world.work(dossier, "residence", "registered")
    await world.work(dossier, "collection", "ready")
    assert (await world.see(dossier))["outcome"] == "granted"


async def test_return_and_refuse_offer_an_earlier_leg_anew(world: World) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    refused = await world.act(dossier, leg, "refuse", reason_code="wrong_agency", note="Không thuộc thẩm quyền")
    assert (refused.status_code, refused.json()["status"]) == (200, "refused")
    await world.work(dossier, "reception", "forwarded")
    await world.work(dossier, "appraisal", "slip_sent")
    tax = (await world.open_legs(dossier))["tax"]
    taken = (await world.act(dossier, tax, "acknowledge")).json()
    assert taken["returnable_to"] == ["appraisal", "reception"]
    wrong = await world.act(dossier, taken, "return", reason_code="x", to_step_code="registration")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/to_step_code")
    back = await world.act(dossier, taken, "return", reason_code="slip_incomplete")
    assert back.json()["status"] == "returned"
    assert list(await world.open_legs(dossier)) == ["appraisal"]
    assert "slip_incomplete" in str((await world.facts(dossier))[-2])
    texts = await world.rows("SELECT string_agg(convert_from(data, 'UTF8'), '') FROM event")
    assert "thẩm quyền" not in texts[0][0]


@pytest.mark.parametrize("ending", [intake.DossierWithdrawn(reason_code="x"), intake.DossierStopped(reason_code="x")])
async def test_an_ended_dossier_leaves_nothing_to_do(world: World, ending: Any) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    await world.tell(dossier, ending)
    assert await world.open_legs(dossier) == {}
    answer = await world.act(dossier, leg, "acknowledge")
    assert (answer.status_code, answer.json()["allowed"]) == (409, [])
    await world.tell(
        dossier, paid("X"), intake.SupplementReceived(request_no=1), intake.DossierReopened(reason_code="x")
    )
    assert (await world.names(dossier))[-1] == "LegCancelled"


async def test_a_wrong_result_is_done_again_by_the_agency_that_came_last(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "tax_exempt")
    await world.work(dossier, "registration", "signed")
    await world.tell(dossier, intake.DossierReopened(reason_code="wrong_area"))
    assert (await world.see(dossier))["status"] == "open"
    await world.work(dossier, "registration", "signed")
    assert (await world.names(dossier)).count("RouteCompleted") == 2


async def test_several_facts_of_one_dossier_in_one_batch_see_each_other(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES)
    await world.tell(
        dossier,
        paid("TB-2", outstanding=1),
        intake.SupplementRequested(request_no=1, stage="processing", ground="g", component_codes=["c"]),
        paid("TB-1"),
        intake.DossierWithdrawn(reason_code="x"),
    )
    seen = await world.see(dossier)
    assert (seen["status"], seen["is_waiting_for_supplement"]) == ("withdrawn", True)
    assert [leg["status"] for leg in seen["legs"]][-2:] == ["completed", "cancelled"]


async def test_acceptance_and_withdrawal_in_one_batch(world: World) -> None:
    dossier = await world.hand_in()
    await world.tell(dossier, accepted(world), intake.DossierWithdrawn(reason_code="x"))
    assert (await world.see(dossier))["status"] == "withdrawn"


def accepted(world: World) -> intake.DossierAccepted:
    return intake.DossierAccepted(
        code="H99.01-X", procedure="DD.01@3", field_code="dat-dai", calendar="VN@1", receiving_unit_code="H99.01",
        channel="online", applicant_kind="citizen", result_delivery="counter",
        limit={"amount": 8, "unit": "working_days"},
        appointment_at=world.service.clock.now(),
    )  # fmt: skip


async def test_a_fee_paid_while_the_notice_is_on_its_way_does_not_end_the_payment(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    await world.catch_up(dossier)
    fee = world.say(dossier, paid("FEE-1"))
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES[:1])
    assert await world.apply(fee) == 1
    assert list(await world.open_legs(dossier)) == ["payment"]
    await world.tell(dossier, paid("TB-1"))
    assert list(await world.open_legs(dossier)) == ["payment-proof"]


async def test_a_procedure_without_a_route_parks_its_dossier_only(world: World) -> None:
    dossier = world.submit()
    unknown = accepted(world).model_copy(update={"procedure": "XX.99@1"})
    assert await world.apply(world.say(dossier, unknown)) == 0
    [(error,)] = await world.rows("SELECT error FROM parked")
    assert error == "NoRoute: no_route: XX.99"
    assert (await world.see(await world.accept()))["status"] == "open"


async def test_repeats_change_nothing(world: World) -> None:
    dossier = await world.hand_in()
    event = world.say(dossier, accepted(world))
    assert await world.apply(event) == 1
    assert await world.apply(event) == 0
    assert len(await world.names(dossier)) == 3


SURVEYED: dict[str, Any] = {
    "code": "surveyed", "version": 1, "valid_from": "2026-07-01", "name": "Đo đạc trong lúc chờ nộp thuế",
    "procedure_codes": ["XX.01"], "citation": "-", "days": 2, "start": ["tax"],
    "legs": [
        {"code": "tax", "task": "Thuế", "agency": "H99.THUE.01", "days": 3, "excluded_ground": "tax_determination",
         "outcomes": [
             {"code": "notice_issued", "name": "Phải nộp", "next": ["payment", "survey"], "takes": "notices"},
             {"code": "no_tax_due", "name": "Không phải nộp", "next": ["signing"]},
         ]},
        {"code": "payment", "task": "Nộp", "holder": "applicant", "excluded_ground": "financial_obligation",
         "outcomes": [{"code": "paid", "name": "Đã nộp", "next": ["signing"]}]},
        {"code": "survey", "task": "Đo đạc", "agency": "H99.VPDK", "days": 1,
         "outcomes": [{"code": "surveyed", "name": "Đã đo", "next": ["signing"]}]},
        {"code": "signing", "task": "Ký", "agency": "H99.VPDK", "days": 1, "is_join": True,
         "outcomes": [{"code": "signed", "name": "Đã ký", "final": "granted"}]},
    ],
}  # fmt: skip
"""A route on which another leg is open while the applicant pays, so that taxes are determined anew meanwhile."""


async def test_a_second_determination_without_notices_voids_those_of_the_first_and_says_so(world: World) -> None:
    await world.add("route", SURVEYED)
    dossier = await world.accept("XX.01@1")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES)
    await world.tell(dossier, paid("TB-1", outstanding=1))
    taken = (await world.act(dossier, (await world.open_legs(dossier))["survey"], "acknowledge")).json()
    back = await world.act(dossier, taken, "return", reason_code="wrong_area")
    assert back.status_code == 200, back.text
    assert list(await world.open_legs(dossier)) == ["tax"]
    assert (await world.see(dossier))["unpaid_notices"] == ["TB-2"]
    await world.work(dossier, "tax", "no_tax_due")
    assert (await world.see(dossier))["unpaid_notices"] == []
    await world.work(dossier, "signing", "signed")
    assert (await world.see(dossier))["outcome"] == "granted"
    ended = [fact for fact in await world.facts(dossier) if isinstance(fact, LegCompleted)]
    assert [(fact.outcome, fact.voids_notices) for fact in ended] == [
        ("notice_issued", None), ("no_tax_due", True), ("signed", None),
    ]  # fmt: skip


HISTORY: list[Any] = [
    intake.SupplementRequested(request_no=1, stage="processing", ground="g", component_codes=["c"]),
    paid("TB-2", outstanding=1),
    intake.ApplicantChanged(applicant_version=2),
    intake.SupplementReceived(request_no=1),
    paid("TB-1"),
    intake.SupplementRequested(request_no=2, stage="processing", ground="g", component_codes=["c"]),
]
STATE = """
    SELECT d.status, d.is_waiting_for_supplement, d.unpaid_notices, d.paid_notices, d.n_legs,
           (SELECT json_agg(json_build_array(leg_no, step_code, l.status, l.outcome, from_leg_no, version)
                            ORDER BY leg_no)
            FROM leg l WHERE dossier_id = d.id)
    FROM dossier d WHERE id = :id
"""


@pytest.mark.parametrize("cuts", [(), (1,), (3,), (2, 4), (1, 2, 3, 4, 5)])
async def test_facts_end_the_same_however_they_are_cut_into_batches(world: World, cuts: tuple[int, ...]) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    await world.work(dossier, "tax", "notice_issued", notices=NOTICES)
    for start, end in pairwise((0, *cuts, len(HISTORY))):
        await world.tell(dossier, *HISTORY[start:end])
    [row] = await world.rows(STATE, id=dossier)
    assert row[:5] == ("open", True, [], ["TB-1", "TB-2"], 5)
    assert row[5][3:] == [[4, "payment", "completed", "paid", 3, 2], [5, "payment-proof", "offered", None, 4, 1]]


ANYTHING: list[Any] = [
    paid("N"),
    intake.SupplementRequested(request_no=1, stage="reception", ground="g", component_codes=["c"]),
    intake.SupplementReceived(request_no=1),
    intake.DossierReopened(reason_code="x"),
    intake.DossierWithdrawn(reason_code="x"),
    intake.DossierStopped(reason_code="x"),
    intake.DossierRefused(reason_code="x"),
    intake.ResultReturned(delivery="counter"),
]


@pytest.mark.parametrize("state", ["submitted", "accepted", "paying", "completed", "withdrawn"])
async def test_every_fact_is_accepted_in_every_state(world: World, state: str) -> None:
    for fact in ANYTHING:
        dossier = await _bring_to(world, state)
        await world.tell(dossier, fact, *ANYTHING, accepted(world), *reversed(ANYTHING))
    assert await world.rows("SELECT * FROM parked") == []
    assert await world.rows("SELECT * FROM hold") == []
    ended = (
        "SELECT 1 FROM leg JOIN dossier ON id = dossier_id WHERE dossier.status <> 'open' AND leg.status = 'offered'"
    )
    assert await world.rows(ended) == []


async def _bring_to(world: World, state: str) -> UUID:
    if state == "submitted":
        return await world.hand_in()
    dossier = await world.accept()
    if state == "paying":
        await world.work(dossier, "appraisal", "slip_sent")
        await world.work(dossier, "tax", "notice_issued", notices=NOTICES)
    if state == "completed":
        await world.work(dossier, "appraisal", "not_eligible")
    if state == "withdrawn":
        await world.tell(dossier, intake.DossierWithdrawn(reason_code="x"))
    return dossier
