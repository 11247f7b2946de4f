"""The tax gateway, told over real HTTP: one slip is one debt, one payment is one voucher, whatever goes wrong."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Heard, Said, Seen, Translator, Unreadable
from services.workflow.adapters.tax import results
from services.workflow.adapters.tax.gateway import TaxGateway
from services.workflow.adapters.tax.ids import seq_id
from shared.events import intake
from tests.integration.sandbox.partners import CODE, Partner, PostOffice, Receiver, partner, post_office
from tests.unit.adapters.tale import OFFERED, START, TAX, Tale, accepted, submitted

SLIP, VOUCHER, QUERY = "TCT_GPC", "ChungTuThanhToan", "TCT_TVTBT"
KINDS = pytest.mark.parametrize("kind", ["timeout_after_effect", "bad_gateway", "error_inside", "silent_loss"])


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Partner]:
    async with partner("tax") as started:
        yield started


@pytest.fixture(scope="module")
async def post() -> AsyncIterator[PostOffice]:
    async with post_office() as started:
        yield started


@pytest.fixture
async def tax(running: Partner) -> Partner:
    await running.reset()
    return running


@pytest.fixture
async def gateway(tax: Partner) -> AsyncIterator[TaxGateway]:
    started = TaxGateway(Outside(f"{tax.client.base_url}/tax", seconds=1, now=lambda: START))
    yield started
    await started.close()


@pytest.fixture
async def receiver(tax: Partner, gateway: TaxGateway, post: PostOffice) -> Receiver:
    opened = post.open(gateway.reply(is_taken=True))
    await tax.listen(opened)
    return opened


@pytest.fixture
def tale() -> Tale:
    told = Tale("tax", TAX)
    told.all(submitted(), accepted(code=CODE))
    return told


def fault(kind: str, *calls: str, n: int = 1) -> dict[str, Any]:
    seconds = {"seconds": 0.05} if kind == "timeout_after_effect" else {}
    return {"kind": kind, "next_calls": n, "calls": calls, **seconds}


async def determine(tax: Partner, amount: int = 7_000_000) -> None:
    answer = await tax.act("determine", notices=[{"TEN_TIEUMUC": "Thuế TNCN", "SO_TIEN": amount}])
    assert answer.status_code == 200


async def slips(tax: Partner) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await tax.dossier())["fields"]["slips"]
    return found


async def payment(tax: Partner, tale: Tale) -> intake.PaymentRecorded:
    (slip,) = await slips(tax)
    number = slip["LIST"][0]["SO_QUYET_DINH"]
    return intake.PaymentRecorded(notice_no=number, amount=7_000_000, paid_at=START, method="bank")


async def no_people() -> dict[str, Any]:
    raise httpx.ConnectError("intake is away")


def heard(gateway: TaxGateway, receiver: Receiver) -> list[Heard]:
    return [gateway.hear(event, body) for event, body in zip(receiver.events(), receiver.bodies(), strict=True)]


async def test_a_slip_gets_its_technical_answer_and_later_its_result(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale
) -> None:
    translator: Translator = gateway
    told = tale.last(OFFERED)
    assert (await translator.deliver(told)).answer is Answer.TAKEN
    assert (await slips(tax))[0]["SEQ_ID"] == seq_id(told.id)
    await determine(tax)
    await receiver.reached(1)
    (one,) = heard(gateway, receiver)
    (notice,) = (await slips(tax))[0]["LIST"]
    assert [result.delivery_id for result in one.results] == [told.id]
    assert one.messages[0].data == {
        "outcome": "notice_issued",
        "notices": [{"notice_no": notice["SO_QUYET_DINH"], "amount": 7_000_000}],
    }
    assert one.messages[0].dossier_code == CODE


@pytest.mark.parametrize(
    ("action", "meaning"),
    [("nothing-due", ("leg_completed", "done")), ("return-slip", ("leg_returned", "refused"))],
)
async def test_the_other_results_are_heard_too(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale, action: str, meaning: tuple[str, str]
) -> None:
    told = tale.last(OFFERED)
    await gateway.deliver(told)
    await tax.act(action, note="Vì lý do thử")
    await receiver.reached(1)
    (one,) = heard(gateway, receiver)
    assert (one.messages[0].kind, one.results[0].outcome) == meaning
    assert one.results[0].delivery_id == told.id


@KINDS
async def test_a_slip_that_is_repeated_after_any_failure_is_one_debt(
    tax: Partner, gateway: TaxGateway, tale: Tale, kind: str
) -> None:
    await tax.faults(fault(kind, SLIP))
    told = tale.last(OFFERED)
    said = await gateway.deliver(told)
    assert said.answer is (Answer.NO_EFFECT if kind == "bad_gateway" else Answer.UNKNOWN)
    seen = await gateway.observe(told)
    if kind == "timeout_after_effect":
        assert seen is None
    else:
        assert seen is not None
        assert seen.answer is Answer.NO_EFFECT
    again = await gateway.deliver(told)
    assert (again.answer, again.reason_code) == (Answer.TAKEN, "02" if seen is None else "0")
    assert len(await slips(tax)) == 1
    await determine(tax)
    body = {"MSG_TYPE": "16", "SEQ_ID": "Q", "BODY": {"MA_HS": CODE}}
    assert (await tax.call(QUERY, body))["BODY"]["TONG_PHAI_NOP"] == 7_000_000


@KINDS
async def test_a_payment_that_is_repeated_after_any_failure_is_booked_once(
    tax: Partner, gateway: TaxGateway, tale: Tale, kind: str
) -> None:
    await gateway.deliver(tale.last(OFFERED))
    await determine(tax)
    await tax.faults(fault(kind, VOUCHER))
    told = tale.last(await payment(tax, tale))
    said = await gateway.deliver(told)
    assert said.answer is (Answer.NO_EFFECT if kind == "bad_gateway" else Answer.UNKNOWN)
    seen = await gateway.observe(told)
    is_there = kind == "timeout_after_effect"
    assert (seen is None) == is_there
    again = await gateway.deliver(told)
    assert (again.answer, again.reason_code) == (Answer.TAKEN, "02" if is_there else "0")
    found = await tax.dossier()
    assert (found["state"], len(found["fields"]["payments"])) == ("paid", 1)
    assert (await gateway.deliver(told)).reason_code == "02"
    assert tale.n_looks == 1


@pytest.mark.parametrize("kind", ["bad_gateway", "error_inside", "timeout_after_effect"])
async def test_a_voucher_is_not_sent_while_its_notice_can_not_be_asked_for(
    tax: Partner, gateway: TaxGateway, tale: Tale, kind: str
) -> None:
    await gateway.deliver(tale.last(OFFERED))
    await determine(tax)
    told = tale.last(await payment(tax, tale))
    await tax.faults(fault(kind, QUERY, n=2))
    assert (await gateway.deliver(told)).answer is Answer.NO_EFFECT
    seen = await gateway.observe(told)
    assert seen is not None
    assert seen.answer is Answer.UNKNOWN
    assert (await tax.dossier())["fields"]["payments"] == []
    assert (await gateway.deliver(told)).answer is Answer.TAKEN


async def test_a_payment_of_a_notice_that_tax_does_not_know_is_for_a_person(
    tax: Partner, gateway: TaxGateway, tale: Tale
) -> None:
    paid = intake.PaymentRecorded(notice_no="PHI-1", amount=1, paid_at=START, method="bank")
    assert (await gateway.deliver(tale.last(paid))).reason_code == "03"
    await gateway.deliver(tale.last(OFFERED))
    said = await gateway.deliver(tale.last(paid))
    assert (said.answer, said.reason_code, said.message) == (Answer.REFUSED, "unknown_notice", "PHI-1")


@pytest.mark.parametrize("how", ["503", "close"])
async def test_a_gateway_that_is_down_is_tried_again(tax: Partner, gateway: TaxGateway, tale: Tale, how: str) -> None:
    await tax.faults({"kind": "down", "seconds": 60, "answer": how})
    told = tale.last(OFFERED)
    said = await gateway.deliver(told)
    assert said.answer is (Answer.NO_EFFECT if how == "503" else Answer.UNKNOWN)
    await tax.faults()
    assert (await gateway.deliver(told)).answer is Answer.TAKEN


async def test_nobody_listening_is_certainly_no_effect(tale: Tale) -> None:
    gateway = TaxGateway(Outside("http://127.0.0.1:9", seconds=1))
    said = await gateway.deliver(tale.last(OFFERED))
    await gateway.close()
    assert (said.answer, said.reason_code) == (Answer.NO_EFFECT, "no_connection")


async def test_a_callback_that_comes_twice_is_the_same_message(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale
) -> None:
    await gateway.deliver(tale.last(OFFERED))
    await tax.faults(fault("duplicate_callback", SLIP))
    await determine(tax)
    await receiver.reached(2)
    first, second = heard(gateway, receiver)
    assert first == second


async def test_a_second_determination_is_another_message_about_the_same_slip(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale
) -> None:
    told = tale.last(OFFERED)
    await gateway.deliver(told)
    await determine(tax)
    await determine(tax, 8_000_000)
    await receiver.reached(2)
    first, second = heard(gateway, receiver)
    assert first.messages[0].message_id != second.messages[0].message_id
    assert {one.results[0].delivery_id for one in (first, second)} == {told.id}


async def test_the_answer_to_a_slip_of_somebody_else_is_not_taken(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale
) -> None:
    await gateway.deliver(tale.last(OFFERED))
    await tax.put("callback", {"url": receiver.url})
    await tax.client.post("/sandbox/tax/callbacks", json={"event": SLIP, "dossier": CODE, "body": {"SEQ_REFID": "S1"}})
    await receiver.reached(1)
    with pytest.raises(Unreadable):
        heard(gateway, receiver)


async def test_without_the_particulars_nothing_is_sent(tax: Partner, gateway: TaxGateway, tale: Tale) -> None:
    told = replace(tale.last(OFFERED), people=no_people)
    with pytest.raises(httpx.ConnectError):
        await gateway.deliver(told)
    assert await tax.codes() == []


async def test_a_look_shows_whether_the_dossier_is_known_and_whether_nothing_was_paid(
    tax: Partner, gateway: TaxGateway, tale: Tale
) -> None:
    told = tale.last(OFFERED)
    assert await gateway.look(told) == Seen(exists=False)
    assert (await gateway.deliver(told)).answer is Answer.TAKEN
    assert await gateway.look(told) == Seen()
    await determine(tax)
    paid = tale.last(await payment(tax, tale))
    assert await gateway.look(paid) == Seen(has_last=False)
    assert await gateway.look(replace(paid, data={**paid.data, "kind": "fee"})) == Seen()
    assert (await gateway.deliver(paid)).answer is Answer.TAKEN
    assert await gateway.look(paid) == Seen(has_last=True)


async def test_a_look_shows_the_determination_whose_callback_was_lost(
    tax: Partner, gateway: TaxGateway, receiver: Receiver, tale: Tale
) -> None:
    told = tale.last(OFFERED)
    await gateway.deliver(told)
    await determine(tax)
    await receiver.reached(1)
    (by_callback,) = heard(gateway, receiver)
    shown = await gateway.look(told)
    assert isinstance(shown, Seen)
    assert shown.exists
    assert shown.heard == by_callback
    (notice,) = shown.heard.messages[0].data["notices"]
    paid = intake.PaymentRecorded(notice_no=notice["notice_no"], amount=1, paid_at=START, method="bank")
    assert (await gateway.deliver(tale.last(paid))).answer is Answer.TAKEN
    later = await gateway.look(told)
    assert isinstance(later, Seen)
    assert later.heard.messages == shown.heard.messages
    assert later.heard.results[0].data["paid"] == 1


async def test_a_look_takes_no_notices_that_are_not_all_that_is_owed_or_may_answer_an_earlier_slip(
    tax: Partner, gateway: TaxGateway, tale: Tale
) -> None:
    told = tale.last(OFFERED)
    await gateway.deliver(told)
    await determine(tax)
    assert await gateway.look(replace(told, is_first=False)) == Seen()
    listed = {"MA_HSO": CODE, "LIST": [{"SO_QUYET_DINH": "TB-1", "SO_TIEN": 7}]}
    assert results.shown(told, {"TONG_PHAI_NOP": 8}, listed, START) == Heard()
    assert results.shown(told, {"TONG_PHAI_NOP": 7}, {**listed, "LIST": "nothing"}, START) == Heard()
    assert results.shown(told, {"TONG_PHAI_NOP": 7}, listed, START).messages[0].kind == "leg_completed"


@pytest.mark.parametrize("n_before", [0, 1])
@pytest.mark.parametrize("kind", ["timeout_after_effect", "bad_gateway", "error_inside"])
async def test_a_look_that_is_not_answered_as_agreed_says_nothing(
    tax: Partner, gateway: TaxGateway, tale: Tale, kind: str, n_before: int
) -> None:
    told = tale.last(OFFERED)
    assert (await gateway.deliver(told)).answer is Answer.TAKEN
    if n_before:
        await determine(tax)
    await tax.faults(fault(kind, QUERY))
    seen = await gateway.look(told)
    assert isinstance(seen, Said)
    assert seen.answer is Answer.UNKNOWN
