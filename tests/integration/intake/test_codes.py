"""Codes that intake publishes hold no name and no sentence."""

import re
from typing import Any
from uuid import uuid4

import pytest

from shared.events.intake import PaymentRequested
from shared.events.workflow import LegAcknowledged, TaxNoticeIssued
from tests.integration.intake.support import PAID_AT, accepted, published, read, tell
from tests.integration.intake.test_reception import SUBMISSION, command, everything, submit
from tests.support import World

NAME = "Nguyen Van Thu"
PROOF = {"notice_no": "TB-1", "amount": 1, "paid_at": PAID_AT, "method": "portal", "reference": "GD 1"}
ASK = {"ground": "incomplete", "component_codes": ["GCN"], "note": ""}
BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "refuse": ({"reason_code": NAME}, "/reason_code"),
    "withdraw": ({"reason_code": NAME}, "/reason_code"),
    "stop": ({"reason_code": NAME}, "/reason_code"),
    "reopen": ({"reason_code": NAME}, "/reason_code"),
    "request-supplement": ({**ASK, "ground": NAME}, "/ground"),
    "request-supplement ": ({**ASK, "component_codes": ["GCN", NAME]}, "/component_codes/1"),
    "supplement": ({"components": [{"code": NAME, "n_copies": 1}]}, "/components/0/code"),
    "request-payment": ({"notice_no": NAME, "amount": 1}, "/notice_no"),
    "payments": ({**PROOF, "notice_no": NAME}, "/notice_no"),
    "payments ": ({**PROOF, "method": NAME}, "/method"),
    "post-result": ({"carrier_code": NAME}, "/carrier_code"),
}


@pytest.mark.parametrize("verb", BODIES)
async def test_a_code_with_a_blank_is_refused_in_both_languages(intake: World, verb: str) -> None:
    body, pointer = BODIES[verb]
    made = (await submit(intake)).json()
    before = await everything(intake)
    said = []
    for language in ("vi", "en"):
        token = intake.issuer.token("officer", agency="H99.01")
        path, headers = f"/v1/dossiers/{made['id']}/{verb.strip()}", {"Accept-Language": language, "If-Match": '"1"'}
        headers["Idempotency-Key"] = str(uuid4())
        answer = await intake.call("intake", "POST", path, token=token, headers=headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert NAME not in answer.text
        said.append(answer.json()["errors"][0]["detail"])
    assert "không có khoảng trắng" in said[0]
    assert "no blanks" in said[1]
    assert await everything(intake) == before


@pytest.mark.parametrize("field", ["procedure_code", "receiving_unit_code"])
async def test_a_submission_names_its_procedure_and_unit_by_codes(intake: World, field: str) -> None:
    answer = await submit(intake, {**SUBMISSION, field: NAME})
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
    assert answer.json()["errors"][0]["code"] == "string_pattern_mismatch"


@pytest.mark.parametrize("number", ["LTB2431410-TK0034523/TB-CCT", "12/TB.CTHN-KĐ", "1", "0001234/2026", "Đ1_2@x"])
async def test_notice_numbers_are_taken_as_the_tax_branch_writes_them(intake: World, number: str) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, LegAcknowledged(leg_no=1))
    asked = await command(intake, str(dossier_id), "request-payment", 3, json={"notice_no": number, "amount": 1})
    assert asked.status_code == 200, asked.text
    [fact] = await published(intake, dossier_id, PaymentRequested)
    assert fact.notice_no == number


async def test_what_workflow_issued_is_taken_as_it_is(intake: World) -> None:
    """A fact is never refused, whatever an older or foreign writer let through."""
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, TaxNoticeIssued(leg_no=3, notice_no="TB 1 (bổ sung)", amount=1))
    assert (await read(intake, dossier_id)).json()["status"] == "payment_requested"


async def test_words_that_stay_in_intake_may_be_words(intake: World) -> None:
    person = {"kind": "citizen", "full_name": "Nguyễn Văn Thử"}
    people = {
        "applicant": person,
        "submitter": {"full_name": "Lê Thị Nộp", "relation": "con gái"},
        "parties": [{"full_name": "Trần Văn Bên", "role": "bên nhận"}],
    }
    made = await submit(intake, {**SUBMISSION, **people})
    assert made.status_code == 201, made.text
    assert not re.search("con gái|bên nhận", made.text)
