"""Every call of the translators against the real sandbox: first tries, repeats after a time-out, refusals."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from services.workflow.adapters.bhxh.translator import Bhxh
from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Said
from services.workflow.adapters.vbdlis.translator import Vbdlis
from tests.integration.adapters.town import SECRET
from tests.integration.sandbox.partners import Partner, partner
from tests.unit.adapters.pieces import CODE, told

TAKEN, REFUSED, UNKNOWN, NO_EFFECT = Answer.TAKEN, Answer.REFUSED, Answer.UNKNOWN, Answer.NO_EFFECT
TIMEOUT = {"kind": "timeout_after_effect", "next_calls": 1, "seconds": 2}
SUPPLEMENT = told("SupplementReceived", no=2, request_no=1)
RETURNED = told("ResultReturned", no=3, delivery="counter")
REOPENED = told("DossierReopened", no=4, reason_code="wrong_owner")


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Partner]:
    async with partner("vbdlis") as running:
        yield running


def outside(of: Partner) -> Outside:
    return Outside(f"{str(of.client.base_url).rstrip('/')}/{of.name}", SECRET, 0.4)


@pytest.fixture
async def vbdlis(sandbox: Partner) -> AsyncIterator[tuple[Partner, Vbdlis]]:
    await sandbox.reset()
    await sandbox.put("callback", {"secret": SECRET, "check_calls": True})
    translator = Vbdlis(outside(sandbox))
    yield sandbox, translator
    await translator.close()


@pytest.fixture
async def bhxh(sandbox: Partner) -> AsyncIterator[tuple[Partner, Bhxh]]:
    found = Partner("bhxh", sandbox.client)
    await found.reset()
    await found.put("callback", {"secret": SECRET, "check_calls": True})
    translator = Bhxh(outside(found))
    yield found, translator
    await translator.close()


def is_(said: Said | None, answer: Answer, words: str = "") -> bool:
    """Say whether it was this answer with these words."""
    assert said is not None
    assert (said.answer, words in said.message) == (answer, True), said
    return True


@pytest.mark.parametrize(
    ("before", "sent", "words"),
    [
        ([], told("LegOffered"), "đã tồn tại"),
        (["request-supplement"], SUPPLEMENT, "không chờ bổ sung"),
        (["finish"], RETURNED, "đã được trả"),
    ],
)
async def test_a_call_of_vbdlis_after_a_time_out_is_proved_by_its_words(
    vbdlis: tuple[Partner, Vbdlis], before: list[str], sent: Any, words: str
) -> None:
    partner, translator = vbdlis
    if sent.fact != "LegOffered":
        assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    for action in before:
        assert (await partner.act(action)).status_code == 200
    await partner.faults(TIMEOUT)
    assert is_(await translator.deliver(sent), UNKNOWN)
    assert await translator.observe(replace(sent, is_repeat=True)) is None
    as_it_was = await partner.dossier()
    assert is_(await translator.deliver(replace(sent, is_repeat=True)), TAKEN, words)
    assert is_(await translator.deliver(sent), REFUSED, words)
    assert await partner.dossier() == as_it_was


async def test_a_result_that_was_wrong_goes_back_to_vbdlis(vbdlis: tuple[Partner, Vbdlis]) -> None:
    partner, translator = vbdlis
    assert is_(await translator.deliver(RETURNED), REFUSED, "Không tìm thấy")
    assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    assert is_(await translator.deliver(RETURNED), REFUSED, "chưa kết thúc")
    assert is_(await translator.deliver(REOPENED), REFUSED, "chưa có kết quả")
    await partner.act("finish")
    assert is_(await translator.deliver(RETURNED), TAKEN)
    assert is_(await translator.deliver(REOPENED), TAKEN)
    assert (await partner.dossier())["state"] == "appraisal"
    assert is_(await translator.deliver(replace(REOPENED, is_repeat=True)), REFUSED, "chưa có kết quả")


async def test_a_later_offer_moves_no_date_even_where_a_repeat_would(vbdlis: tuple[Partner, Vbdlis]) -> None:
    partner, translator = vbdlis
    assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    await partner.faults({"kind": "reset_dates", "next_calls": 5})
    assert is_(await translator.deliver(told("LegOffered", no=5)), TAKEN)
    assert (await partner.dossier())["due_at"].startswith("2026-12-01T10:00")


async def test_a_call_that_is_signed_with_another_secret_had_no_effect(vbdlis: tuple[Partner, Vbdlis]) -> None:
    partner, translator = vbdlis
    await partner.put("callback", {"secret": "khoa-cua-nguoi-khac", "check_calls": True})
    found = await translator.deliver(told("LegOffered"))
    assert (found.answer, found.reason_code) == (NO_EFFECT, "401")


async def test_bhxh_is_looked_at_before_anything_is_repeated(bhxh: tuple[Partner, Bhxh]) -> None:
    partner, translator = bhxh
    offer = told("LegOffered")
    assert is_(await translator.observe(offer), NO_EFFECT, "Không tìm thấy")
    await partner.faults(TIMEOUT)
    assert is_(await translator.deliver(offer), UNKNOWN)
    assert is_(await translator.observe(offer), TAKEN)
    assert is_(await translator.deliver(offer), TAKEN, "đã được tiếp nhận")
    assert is_(await translator.deliver(SUPPLEMENT), REFUSED, "không chờ bổ sung")
    await partner.client.delete(f"/sandbox/bhxh/dossiers/{CODE}")
    assert is_(await translator.deliver(SUPPLEMENT), Answer.GONE, "Không tìm thấy")
    assert is_(await translator.deliver(offer), TAKEN)
    await partner.act("request-supplement")
    assert is_(await translator.observe(SUPPLEMENT), NO_EFFECT)
    await partner.faults(TIMEOUT)
    assert is_(await translator.deliver(SUPPLEMENT), UNKNOWN)
    assert is_(await translator.observe(SUPPLEMENT), TAKEN)
    await partner.faults({"kind": "bad_gateway", "next_calls": 1})
    assert is_(await translator.observe(SUPPLEMENT), UNKNOWN)


async def test_bhxh_is_offered_a_dossier_again_only_while_it_is_open_there(bhxh: tuple[Partner, Bhxh]) -> None:
    partner, translator = bhxh
    assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    again = told("LegOffered", no=3)
    assert is_(await translator.observe(again), NO_EFFECT)
    assert is_(await translator.deliver(again), TAKEN)
    await partner.client.delete(f"/sandbox/bhxh/dossiers/{CODE}")
    assert is_(await translator.deliver(again), Answer.GONE, "Không tìm thấy")
    assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    await partner.act("finish", outcome=1)
    closed = await translator.deliver(again)
    assert (closed.answer, closed.reason_code) == (REFUSED, "closed_there:refused")


async def test_what_was_lost_silently_is_not_seen(bhxh: tuple[Partner, Bhxh]) -> None:
    partner, translator = bhxh
    await partner.faults({"kind": "silent_loss", "next_calls": 1})
    assert is_(await translator.deliver(told("LegOffered")), TAKEN)
    assert is_(await translator.observe(told("LegOffered")), NO_EFFECT)
    assert await partner.codes() == []
    assert CODE not in await partner.codes()
