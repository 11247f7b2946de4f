"""Notices: what is to be paid, what a second tax determination replaces, and what is told about it."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake import handlers
from shared.events.base import Fact
from shared.events.intake import PaymentRecorded, PaymentRequested
from shared.events.workflow import LegCompleted, RouteCompleted, TaxNoticeIssued
from shared.inbox import lock_heads
from tests.integration.intake.support import accepted, notices, pay, published, read, said_by, tell
from tests.integration.intake.test_reception import command
from tests.support import World


def issued(leg_no: int, notice_no: str, amount: int = 100) -> TaxNoticeIssued:
    return TaxNoticeIssued(leg_no=leg_no, notice_no=notice_no, amount=amount)


FIRST, SECOND = 3, 7
"""The legs of two determinations."""
NOTHING_DUE = LegCompleted(leg_no=SECOND, outcome="no_tax_due", voids_notices=True)


async def ask_fee(intake: World, dossier_id: UUID, **given: Any) -> Any:
    seen = await read(intake, dossier_id)
    body = {"notice_no": "PHI-1", "amount": 5_000} | given
    return await command(intake, str(dossier_id), "request-payment", seen.headers["ETag"], json=body)


async def test_a_second_determination_voids_what_is_unpaid_of_the_first(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(FIRST, "TB-2"), issued(FIRST, "TB-3"))
    assert (await pay(intake, dossier_id, "TB-1", 100)).status_code == 200
    await tell(intake, dossier_id, issued(SECOND, "TB-4"), issued(SECOND, "TB-5"))
    assert await notices(intake, dossier_id) == {
        "TB-1": "paid", "TB-2": "void", "TB-3": "void", "TB-4": "unpaid", "TB-5": "unpaid",
    }  # fmt: skip
    asked = await published(intake, dossier_id, PaymentRequested)
    assert [(one.notice_no, one.replaces) for one in asked] == [
        ("TB-1", []), ("TB-2", []), ("TB-3", []), ("TB-4", ["TB-2", "TB-3"]), ("TB-5", []),
    ]  # fmt: skip


async def test_a_notice_that_was_replaced_cannot_be_paid_and_says_what_can(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(SECOND, "TB-2", 80))
    refused = await pay(intake, dossier_id, "TB-1", 100)
    assert (refused.status_code, refused.json()["code"], refused.json()["payable"]) == (
        409,
        "notice_replaced",
        ["TB-2"],
    )
    assert "thay" in refused.json()["title"]
    done = await pay(intake, dossier_id, "TB-2", 80)
    assert (done.status_code, done.json()["status"]) == (200, "processing")
    [last] = await published(intake, dossier_id, PaymentRecorded)
    assert (last.notice_no, last.outstanding) == ("TB-2", 0)


async def test_a_second_determination_that_finds_nothing_due_voids_what_is_unpaid_and_the_dossier_goes_on(
    intake: World,
) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(FIRST, "TB-2"))
    assert (await pay(intake, dossier_id, "TB-1", 100)).status_code == 200
    await tell(intake, dossier_id, NOTHING_DUE)
    assert await notices(intake, dossier_id) == {"TB-1": "paid", "TB-2": "void"}
    assert (await read(intake, dossier_id)).json()["status"] == "processing"
    refused = await pay(intake, dossier_id, "TB-2", 100)
    assert (refused.status_code, refused.json()["code"], refused.json()["payable"]) == (409, "notice_replaced", [])


async def test_a_leg_that_determines_nothing_leaves_notices_as_they_are(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), LegCompleted(leg_no=SECOND, outcome="forwarded"))
    assert await notices(intake, dossier_id) == {"TB-1": "unpaid"}
    assert (await read(intake, dossier_id)).json()["status"] == "payment_requested"


async def test_a_fee_is_still_due_where_no_tax_is(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"))
    assert (await ask_fee(intake, dossier_id)).status_code == 200
    await tell(intake, dossier_id, NOTHING_DUE)
    assert await notices(intake, dossier_id) == {"TB-1": "void", "PHI-1": "unpaid"}
    assert (await read(intake, dossier_id)).json()["status"] == "payment_requested"


@pytest.mark.parametrize(("language", "words"), [("vi", "Số tiền không khớp"), ("en", "The amount is not")])
async def test_a_wrong_voucher_is_told_in_the_callers_language(intake: World, language: str, words: str) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"))
    refused = await pay(intake, dossier_id, "TB-1", 99, language=language)
    assert words in refused.json()["errors"][0]["detail"]


async def test_a_notice_issued_anew_under_its_number_has_its_new_amount(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1", 100), issued(SECOND, "TB-1", 70))
    assert (await pay(intake, dossier_id, "TB-1", 100)).json()["errors"][0]["code"] == "wrong_amount"
    assert (await pay(intake, dossier_id, "TB-1", 70)).json()["status"] == "processing"


async def test_a_void_notice_that_is_issued_again_is_to_be_paid_again(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(SECOND, "TB-2"), issued(9, "TB-1"))
    assert await notices(intake, dossier_id) == {"TB-1": "unpaid", "TB-2": "void"}


async def test_fees_and_notices_an_officer_asked_for_are_no_determination_and_stay(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"))
    assert (await ask_fee(intake, dossier_id)).status_code == 200
    assert (await ask_fee(intake, dossier_id, notice_no="TB-0", kind="tax")).status_code == 200
    await tell(intake, dossier_id, issued(SECOND, "TB-2"))
    assert await notices(intake, dossier_id) == {
        "TB-1": "void", "PHI-1": "unpaid", "TB-0": "unpaid", "TB-2": "unpaid",
    }  # fmt: skip


async def test_a_notice_an_officer_keyed_in_becomes_the_determinations_own(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-9"))
    await pay(intake, dossier_id, "TB-9", 100)
    assert (await ask_fee(intake, dossier_id, notice_no="TB-1", kind="tax", amount=1)).status_code == 200
    await tell(intake, dossier_id, issued(SECOND, "TB-1"))
    twice = await ask_fee(intake, dossier_id, notice_no="TB-1", kind="tax", amount=1)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_done")
    assert (await pay(intake, dossier_id, "TB-1", 100)).status_code == 200


CROSSINGS: dict[str, tuple[list[TaxNoticeIssued], str, dict[str, str]]] = {
    "other numbers": ([issued(FIRST, "TB-1"), issued(SECOND, "TB-2")], "TB-1", {"TB-2": "paid"}),
    "several notices": (
        [issued(FIRST, "TB-1"), issued(FIRST, "TB-2"), issued(SECOND, "TB-3"), issued(SECOND, "TB-4")],
        "TB-2", {"TB-1": "void", "TB-3": "paid", "TB-4": "paid"},
    ),
    "one of two is dropped": (
        [issued(FIRST, "TB-1"), issued(FIRST, "TB-2"), issued(SECOND, "TB-1")],
        "TB-1", {"TB-1": "paid", "TB-2": "void"},
    ),
    "one is kept, one is new": (
        [issued(FIRST, "TB-1"), issued(FIRST, "TB-2"), issued(SECOND, "TB-3"), issued(SECOND, "TB-1")],
        "TB-1", {"TB-1": "paid", "TB-2": "void", "TB-3": "paid"},
    ),
    "the kept one comes first": (
        [issued(FIRST, "TB-1"), issued(FIRST, "TB-2"), issued(SECOND, "TB-1"), issued(SECOND, "TB-3")],
        "TB-1", {"TB-1": "paid", "TB-2": "void", "TB-3": "paid"},
    ),
    "the same once more": ([issued(FIRST, "TB-1"), issued(SECOND, "TB-1")], "TB-1", {"TB-1": "paid"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CROSSINGS)
async def test_a_payment_that_crosses_a_determination_is_kept_and_leaves_nobody_waiting(
    intake: World, name: str
) -> None:
    """Wherever the payment falls: who waits for the payments (workflow) hears last that nothing is left to pay."""
    facts, paid_no, expected = CROSSINGS[name]
    for place in range(len(facts) + 1):
        dossier_id = await accepted(intake)
        events = await said_by(intake, dossier_id, facts)
        await intake.service("intake").inbox.apply(events[:place])
        crossing = await pay(intake, dossier_id, paid_no, 100)
        assert crossing.status_code in {200, 409, 422}
        await intake.service("intake").inbox.apply(events[place:])
        if crossing.status_code == 200:
            assert (await notices(intake, dossier_id))[paid_no] == "paid"
        for notice_no, fate in (await notices(intake, dossier_id)).items():
            if fate == "unpaid":
                assert (await pay(intake, dossier_id, notice_no, 100)).status_code == 200
        assert expected.items() <= (await notices(intake, dossier_id)).items()
        assert (await read(intake, dossier_id)).json()["status"] == "processing"
        assert workflow_goes_on(facts, await published(intake, dossier_id, PaymentRequested, PaymentRecorded))


def workflow_goes_on(facts: list[TaxNoticeIssued], said: Sequence[Fact]) -> bool:
    """Play workflow's books where it heard nothing of intake before its second determination."""
    unpaid = {fact.notice_no for fact in facts if fact.leg_no == SECOND}
    for fact in said:
        if isinstance(fact, PaymentRecorded):
            unpaid.discard(fact.notice_no)
            if not fact.outstanding and not unpaid:
                return True
    return False


async def test_a_determination_after_the_end_is_moot(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), RouteCompleted(outcome="granted"), issued(SECOND, "TB-2"))
    assert await notices(intake, dossier_id) == {"TB-1": "unpaid"}
    assert (await read(intake, dossier_id)).json()["status"] == "resolved"


@pytest.mark.parametrize("second", [issued(SECOND, "TB-1"), NOTHING_DUE])
async def test_a_determination_behind_a_supplement_request_decides_where_the_dossier_goes_on(
    intake: World, second: Fact
) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(FIRST, "TB-2"))
    paid = await pay(intake, dossier_id, "TB-1", 100)
    ask = {"ground": "incomplete", "component_codes": ["GCN"], "note": "Bổ sung bản gốc"}
    await command(intake, str(dossier_id), "request-supplement", paid.headers["ETag"], json=ask)
    await tell(intake, dossier_id, second)
    waiting = await read(intake, dossier_id)
    assert waiting.json()["status"] == "supplement_requested"
    given = {"components": [{"code": "GCN", "n_originals": 1}]}
    done = await command(intake, str(dossier_id), "supplement", waiting.headers["ETag"], json=given)
    assert done.json()["status"] == "processing"


async def test_two_vouchers_of_one_notice_at_once_are_recorded_once(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"), issued(FIRST, "TB-2"))
    answers = await asyncio.gather(*(pay(intake, dossier_id, "TB-1", 100) for _ in range(2)))
    assert sorted((answer.status_code, answer.json().get("code")) for answer in answers)[1] == (409, "already_done")
    assert [fact.outstanding for fact in await published(intake, dossier_id, PaymentRecorded)] == [1]


async def pay_during(intake: World, dossier_id: UUID, notice_no: str, *facts: TaxNoticeIssued) -> httpx.Response:
    """Hand a voucher in while *facts* are being applied: its statement begins before they are committed."""
    async with intake.service("intake").sessions.begin() as session:
        heads = await lock_heads(session, [dossier_id])
        voucher = asyncio.create_task(pay(intake, dossier_id, notice_no, 100))
        await asyncio.sleep(0.3)
        for fact in facts:
            await handlers.take_tax_notice(session, heads[dossier_id], fact)
    return await voucher


async def test_a_voucher_that_waited_for_a_determination_sees_what_it_changed(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(FIRST, "TB-1"))
    answer = await pay_during(intake, dossier_id, "TB-1", issued(SECOND, "TB-2"), issued(SECOND, "TB-3"))
    assert (answer.status_code, answer.json().get("payable")) == (409, ["TB-2", "TB-3"]), answer.text


async def test_a_voucher_that_waited_for_another_notice_counts_it(intake: World) -> None:
    dossier_id = await accepted(intake)
    first = await pay_during(intake, dossier_id, "TB-1", issued(FIRST, "TB-1"))
    assert (first.status_code, first.json()["status"]) == (200, "processing"), first.text
    await tell(intake, dossier_id, issued(FIRST, "TB-2"))
    second = await pay_during(intake, dossier_id, "TB-2", issued(FIRST, "TB-3"))
    assert (second.status_code, second.json()["status"]) == (200, "payment_requested"), second.text
    recorded = await published(intake, dossier_id, PaymentRecorded)
    assert [(one.notice_no, one.outstanding) for one in recorded] == [("TB-1", 0), ("TB-2", 1)]
