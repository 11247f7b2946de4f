"""The tax gateway's tables: ids that survive a repeat, answers, results; nothing is guessed."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Json, Said, Unreadable
from services.workflow.adapters.posting import Answered
from services.workflow.adapters.tax import answers, bodies, ids, results
from services.workflow.adapters.tax.gateway import TaxGateway
from shared.events import workflow
from tests.unit.adapters.tale import (
    CODE,
    OFFERED,
    PEOPLE,
    PROVINCE,
    SAMPLES,
    START,
    TAX,
    Tale,
    accepted,
    submitted,
    system,
)

DELIVERY = "0198c3f0-0000-7000-8000-000000000001"
NOTICE = {"MA_SO_THUE": "0", "SO_QUYET_DINH": "TB-1", "NGAY_QUYET_DINH": "25-11-2026", "TEN_TIEUMUC": "x", "SO_TIEN": 7}


def callback(code: str = "00", rows: Any = (NOTICE,), **more: Any) -> Json:
    inner = {"MA_HS": CODE, "MA_CQT": "99901", "TONG_PHAI_NOP": 7, "TONG_MIEN_GIAM": 0, "LIST": list(rows)}
    message = {"MSG_TYPE": "11", "SEQ_ID": "TCT1", "SEQ_REFID": ids.seq_id(DELIVERY), "MA_KETQUA": code}
    return {**message, "DIEN_GIAI": "Vì lý do thử", "BODY": inner, **more}


@given(st.uuids())
def test_a_seq_id_is_always_that_of_its_delivery_and_leads_back_to_it(delivery: UUID) -> None:
    given_id = ids.seq_id(str(delivery))
    assert given_id == ids.seq_id(str(delivery).upper())
    assert ids.delivery_id(given_id) == str(delivery)
    assert len(given_id) <= 64
    assert ids.delivery_id(ids.query_id("14", str(delivery))) is None


@pytest.mark.parametrize("foreign", ["", "S1", None, 7, "LT12", "LT" + "g" * 32, "LT" + "0" * 33])
def test_what_is_no_seq_id_of_ours_leads_nowhere(foreign: Any) -> None:
    assert ids.delivery_id(foreign) is None


def test_every_fact_that_tax_is_told_has_an_entry() -> None:
    gateway = TaxGateway(Outside("http://127.0.0.1:9"))
    assert set(gateway._calls) == set(system("tax").tells)


def test_a_slip_is_the_same_whenever_it_is_made() -> None:
    told = Tale("tax", TAX).last(submitted(), accepted(), OFFERED)
    first, second = bodies.slip(told, PEOPLE), bodies.slip(told, dict(PEOPLE))
    assert json.dumps(first) == json.dumps(second)
    common = first["BODY"]["TT_CHUNG"]
    assert (common["MA_HS"], common["SO_PHIEU"], common["CQ_NHAN"]) == (CODE, f"{CODE}/3", TAX)
    assert (common["NGAYCHUYEN"], common["HAN_XULY"]) == ("2026-10-05T08:03:00+07:00", "2026-10-10T08:00:00+07:00")
    assert first["BODY"]["TT_NSD"]["HO_TEN"] == PEOPLE["full_name"]
    assert first["BODY"]["TT_THUADAT"] == {"SO_THUA": "1", "SO_TO_BAN_DO": "2", "DIEN_TICH": 100.5}


def test_two_legs_are_two_slips_and_a_voucher_is_known_by_notice_and_instant() -> None:
    tale = Tale("tax", TAX)
    first, second, paid = tale.all(submitted(), accepted(), OFFERED, OFFERED, SAMPLES["PaymentRecorded"])
    assert ids.seq_id(first.id) != ids.seq_id(second.id)
    assert bodies.voucher(paid, "123") == {
        "MaHoSo": CODE,
        "MaSoThue": "123",
        "ThongTinThanhToan": {
            "MaThongBaoThue": "TB-1",
            "ThoiGianThanhToan": "2026-10-09T08:00:00+07:00",
            "SoTien": 25_000_000,
            "TrangThaiThanhToan": 1,
        },
    }


def ack(code: Any = "0", refid: str = "S1", words: str = "Thành công", status: int = 200) -> Answered:
    return Answered(status, {"SEQ_REFID": refid, "ERROR_CODE": code, "ERROR_DESC": words})


@pytest.mark.parametrize(
    ("answered", "slip", "voucher"),
    [
        (ack(), Answer.TAKEN, Answer.TAKEN),
        (ack(0, words=""), Answer.TAKEN, Answer.TAKEN),
        (ack("02", words="đã tồn tại"), Answer.TAKEN, Answer.TAKEN),
        (ack("01"), Answer.REFUSED, Answer.REFUSED),
        (ack("03"), Answer.REFUSED, Answer.REFUSED),
        (ack("04"), Answer.UNKNOWN, Answer.UNKNOWN),
        (ack(None, words="đã tồn tại"), Answer.UNKNOWN, Answer.UNKNOWN),
        (ack(status=500), Answer.UNKNOWN, Answer.UNKNOWN),
        (ack(refid="S2"), Answer.UNKNOWN, Answer.TAKEN),
        (ack(refid="", words="Lỗi hệ thống"), Answer.UNKNOWN, Answer.UNKNOWN),
        (ack("02", refid="S2"), Answer.UNKNOWN, Answer.TAKEN),
        (Answered(200, {}), Answer.UNKNOWN, Answer.UNKNOWN),
    ],
)
def test_only_a_listed_code_decides(answered: Answered, slip: Answer, voucher: Answer) -> None:
    assert answers.of_slip(answered, "S1").answer is slip
    assert answers.of_voucher(answered).answer is voucher


def test_a_query_without_a_body_or_without_reference_is_not_answered() -> None:
    good = Answered(200, ack().body | {"BODY": {"LIST": []}})
    assert answers.of_query(good, "S1") == {"LIST": []}
    for wrong in (ack(), Answered(200, good.body | {"SEQ_REFID": ""}), Answered(200, good.body | {"ERROR_CODE": "02"})):
        said = answers.of_query(wrong, "S1")
        assert isinstance(said, Said)
        assert said.answer is Answer.UNKNOWN


def test_words_of_the_gateway_never_repeat_particulars() -> None:
    said = answers.of_slip(ack("01", words=f"TT_NSD.HO_TEN: {PEOPLE['full_name']}"), "S1", PEOPLE)
    assert said.message == "TT_NSD.HO_TEN: …"


def outcomes_of_the_tax_leg() -> set[str]:
    routes = json.loads((PROVINCE / "routes/land-transfer.json").read_text())
    legs = [leg for route in routes for leg in route["legs"] if leg["code"] == "tax"]
    return {outcome["code"] for leg in legs for outcome in leg["outcomes"]}


@pytest.mark.parametrize(
    ("code", "outcome", "kind", "data"),
    [
        ("00", "done", "leg_completed", {"outcome": "notice_issued", "notices": [{"notice_no": "TB-1", "amount": 7}]}),
        ("01", "done", "leg_completed", {"outcome": "no_tax_due"}),
        ("02", "refused", "leg_returned", {"reason_code": "slip_returned", "note": "Vì lý do thử"}),
    ],
)
def test_each_result_ends_its_delivery_and_says_what_it_means_for_the_dossier(
    code: str, outcome: str, kind: str, data: Json
) -> None:
    heard = results.hear("TCT_GPC", callback(code), START)
    (message,), (result,) = heard.messages, heard.results
    assert (result.delivery_id, result.outcome) == (DELIVERY, outcome)
    assert result.data == {"result_code": code, "office_code": "99901", "amount": 7, "relief": 0}
    assert (message.dossier_code, message.kind, message.at, message.data) == (CODE, kind, START, data)
    assert data.get("outcome") in {*outcomes_of_the_tax_leg(), None}


@pytest.mark.parametrize(
    "wrong",
    [
        callback(""), callback("0 3"), callback(MSG_TYPE="15"), callback(SEQ_REFID="S1"), callback(SEQ_REFID=""),
        callback(BODY=None), callback(BODY={}), callback(rows=[]), callback(rows=[NOTICE | {"SO_TIEN": 0}]),
        callback(rows=["x"]), callback(rows=[NOTICE | {"SO_TIEN": "7,5"}]), callback(rows=[NOTICE | {"SO_TIEN": True}]),
        callback(rows=[NOTICE | {"SO_QUYET_DINH": ""}]), {},
    ],
)  # fmt: skip
def test_a_callback_that_is_not_understood_is_not_taken(wrong: Json) -> None:
    with pytest.raises(Unreadable):
        results.hear("TCT_GPC", wrong, START)


def test_a_result_in_no_table_ends_nothing_and_is_brought_where_it_is_seen() -> None:
    heard = results.hear("TCT_GPC", callback("99"), START)
    (message,) = heard.messages
    assert heard.results == ()
    assert (message.kind, message.data) == ("leg_completed", {"outcome": "unlisted-99"})
    assert message.data["outcome"] not in outcomes_of_the_tax_leg()


def test_another_event_is_not_taken() -> None:
    with pytest.raises(Unreadable):
        results.hear("ChuyenHoSo", callback(), START)


def test_a_repeated_callback_is_the_same_message_and_a_corrected_one_is_not() -> None:
    first, again = results.message_id(callback()), results.message_id(json.loads(json.dumps(callback())))
    assert first == again
    assert results.message_id(callback("01")) != first
    assert results.message_id(callback(rows=[{**NOTICE, "SO_TIEN": 8}])) != first


def test_a_notice_with_a_row_for_each_kind_of_tax_is_one_notice_over_their_sum() -> None:
    rows = [NOTICE, {**NOTICE, "TEN_TIEUMUC": "y", "SO_TIEN": 5}, {**NOTICE, "SO_QUYET_DINH": "TB-2"}]
    heard = results.hear("TCT_GPC", callback(rows=rows), START)
    assert heard.messages[0].data["notices"] == [
        {"notice_no": "TB-1", "amount": 12}, {"notice_no": "TB-2", "amount": 7},
    ]  # fmt: skip


def test_the_same_result_under_another_id_or_with_what_was_paid_since_is_the_same_message() -> None:
    first = callback()
    for again in (callback(SEQ_ID="TCT2"), {**first, "BODY": {**first["BODY"], "TONG_DA_NOP": 7}}):
        assert results.hear("TCT_GPC", again, START).messages == results.hear("TCT_GPC", first, START).messages
    other = callback(SEQ_REFID=ids.seq_id("0198c3f0-0000-7000-8000-000000000002"))
    assert results.message_id(other) != results.message_id(first)


def test_an_amount_as_text_is_read() -> None:
    (message,) = results.hear("TCT_GPC", callback(rows=[NOTICE | {"SO_TIEN": "25000000"}]), START).messages
    assert message.data["notices"] == [{"notice_no": "TB-1", "amount": 25_000_000}]


def test_the_reply_says_yes_or_no() -> None:
    gateway = TaxGateway(Outside("http://127.0.0.1:9"))
    assert [gateway.reply(is_taken=taken)["ERROR_CODE"] for taken in (True, False)] == ["0", "01"]


async def test_what_has_no_call_or_no_code_is_refused_and_never_dropped() -> None:
    gateway = TaxGateway(Outside("http://127.0.0.1:9"))
    tale = Tale("tax", TAX)
    without_code = tale.last(submitted(), OFFERED)
    cancelled = tale.last(accepted(), workflow.LegCancelled(leg_no=3, reason_code="withdrawn"))
    for told, reason in ((without_code, "no_code"), (cancelled, "no_call")):
        said, seen = await gateway.deliver(told), await gateway.observe(told)
        assert (said.answer, said.reason_code) == (Answer.REFUSED, reason)
        assert seen is not None
        assert seen.answer is Answer.NO_EFFECT
    await gateway.close()
