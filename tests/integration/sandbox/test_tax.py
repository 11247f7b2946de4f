"""The tax gateway in the sandbox: two phases, queries, vouchers, and a slip that counts twice under a second id."""

from typing import Any

import pytest

from tests.integration.sandbox.partners import CODE, Partner, PostOffice, Receiver, slip

YES = {"ERROR_CODE": "0", "ERROR_DESC": ""}


@pytest.fixture
async def receiver(tax: Partner, post: PostOffice) -> Receiver:
    opened = post.open(YES)
    await tax.listen(opened)
    return opened


async def query(tax: Partner, kind: str, code: str = CODE) -> Any:
    message = {"MSG_TYPE": kind, "SEQ_ID": f"Q{kind}", "SEQ_REFID": "", "BODY": {"MA_HS": code}}
    return await tax.call("TCT_TVTBT", message)


def voucher(number: str, amount: int, *, status: int = 1, at: str = "2026-11-25T02:00:00Z") -> dict[str, Any]:
    paid = {"MaThongBaoThue": number, "ThoiGianThanhToan": at, "SoTien": amount, "TrangThaiThanhToan": status}
    return {"MaHoSo": CODE, "MaSoThue": "0000000000", "HoTenNguoiNop": "Người thử", "ThongTinThanhToan": paid}


async def notices(tax: Partner) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await query(tax, "14"))["BODY"]["LIST"]
    return found


async def test_a_slip_gets_a_technical_answer_at_once_and_no_result(tax: Partner, receiver: Receiver) -> None:
    answer = await tax.call("TCT_GPC", slip("S1"))
    assert answer == {"SEQ_REFID": "S1", "ERROR_CODE": "0", "ERROR_DESC": "Thành công"}
    found = await tax.dossier()
    assert found["state"] == "slip_received"
    assert found["received_at"] < found["due_at"]
    assert found["due_is_own"]  # five days of its own: the page must not call them another date than ours
    assert (await notices(tax), receiver.got) == ([], [])


async def test_the_business_result_comes_later_and_names_the_slip_it_answers(tax: Partner, receiver: Receiver) -> None:
    await tax.call("TCT_GPC", slip("S1"))
    amounts = [{"TEN_TIEUMUC": "Thuế TNCN", "SO_TIEN": 20_000_000}, {"TEN_TIEUMUC": "LPTB", "SO_TIEN": 5_000_000}]
    assert (await tax.act("determine", notices=amounts, relief=1_000_000)).status_code == 200
    await receiver.reached(1)
    message = receiver.bodies()[0]
    assert receiver.events() == ["TCT_GPC"]
    assert (message["MSG_TYPE"], message["SEQ_REFID"], message["MA_KETQUA"]) == ("11", "S1", "00")
    assert message["SEQ_ID"]
    body = message["BODY"]
    totals = [body[f"TONG_{name}"] for name in ("PHAI_NOP", "MIEN_GIAM", "DA_NOP", "CON_PNOP")]
    assert (body["MA_HS"], body["MA_CQT"], totals) == (CODE, "99901", [25_000_000, 1_000_000, 0, 24_000_000])
    assert [one["SO_TIEN"] for one in body["LIST"]] == [20_000_000, 5_000_000]
    assert set(body["LIST"][0]) == {"MA_SO_THUE", "SO_QUYET_DINH", "NGAY_QUYET_DINH", "TEN_TIEUMUC", "SO_TIEN"}
    day, month, year = body["LIST"][0]["NGAY_QUYET_DINH"].split("-")
    assert (len(day), len(month), len(year)) == (2, 2, 4)


@pytest.mark.parametrize(
    ("action", "code", "state"), [("nothing-due", "01", "nothing_due"), ("return-slip", "02", "slip_returned")]
)
async def test_the_other_results_carry_no_amount(
    tax: Partner, receiver: Receiver, action: str, code: str, state: str
) -> None:
    await tax.call("TCT_GPC", slip())
    await tax.act("determine")
    assert (await tax.act(action, note="Vì lý do thử")).json()["state"] == state
    await receiver.reached(2)
    message = receiver.bodies()[-1]
    assert (message["MA_KETQUA"], message["DIEN_GIAI"]) == (code, "Vì lý do thử")
    assert (message["BODY"]["LIST"], message["BODY"]["TONG_PHAI_NOP"]) == ([], 0)
    assert await notices(tax) == []


async def test_a_repeated_message_id_is_recognised(tax: Partner) -> None:
    await tax.call("TCT_GPC", slip("S1"))
    answer = await tax.call("TCT_GPC", slip("S1"))
    assert (answer["ERROR_CODE"], answer["SEQ_REFID"]) == ("02", "S1")
    assert "đã tồn tại" in answer["ERROR_DESC"]
    assert len((await tax.dossier())["fields"]["slips"]) == 1


async def test_the_same_slip_under_a_new_id_makes_the_citizen_owe_twice(tax: Partner) -> None:
    for seq_id in ("S1", "S2"):
        await tax.call("TCT_GPC", slip(seq_id))
        await tax.act("determine", notices=[{"TEN_TIEUMUC": "Thuế TNCN", "SO_TIEN": 7_000_000}])
    assert (await query(tax, "16"))["BODY"]["TONG_PHAI_NOP"] == 14_000_000


async def test_a_second_determination_replaces_the_notices_of_that_slip(tax: Partner, receiver: Receiver) -> None:
    for seq_id in ("S1", "S2"):
        await tax.call("TCT_GPC", slip(seq_id))
    for amount in (7_000_000, 8_000_000):
        await tax.act("determine", seq_id="S1", notices=[{"TEN_TIEUMUC": "Thuế TNCN", "SO_TIEN": amount}])
    await receiver.reached(2)
    assert {message["SEQ_REFID"] for message in receiver.bodies()} == {"S1"}
    assert [one["SO_TIEN"] for one in await notices(tax)] == [8_000_000]
    assert (await tax.act("determine", seq_id="S3")).status_code == 409


async def test_notices_obligation_and_scans_can_be_asked_for(tax: Partner) -> None:
    await tax.call("TCT_GPC", slip())
    await tax.act("determine")
    fourteen, sixteen, seventeen = [await query(tax, kind) for kind in ("14", "16", "17")]
    assert (fourteen["MSG_TYPE"], fourteen["SEQ_REFID"], fourteen["ERROR_CODE"]) == ("15", "Q14", "0")
    assert (fourteen["BODY"]["MA_HSO"], len(fourteen["BODY"]["LIST"])) == (CODE, 2)
    assert (sixteen["MSG_TYPE"], sixteen["BODY"]["TONG_CON_PNOP"]) == ("16", 30_000_000)
    assert (seventeen["MSG_TYPE"], len(seventeen["BODY"]["LIST"])) == ("17", 2)
    assert (await query(tax, "16", "H99.01-261119-9999"))["ERROR_CODE"] == "03"


async def test_a_dossier_is_paid_when_every_notice_is(tax: Partner) -> None:
    await tax.call("TCT_GPC", slip())
    await tax.act("determine")
    first, second = await notices(tax)
    assert (await tax.call("ChungTuThanhToan", voucher(first["SO_QUYET_DINH"], first["SO_TIEN"])))["ERROR_CODE"] == "0"
    assert (await tax.dossier())["state"] == "determined"
    await tax.call("ChungTuThanhToan", voucher(second["SO_QUYET_DINH"], second["SO_TIEN"]))
    assert (await tax.dossier())["state"] == "paid"
    body = (await query(tax, "16"))["BODY"]
    assert (body["TONG_DA_NOP"], body["TONG_CON_PNOP"]) == (30_000_000, 0)
    assert (await tax.act("return-slip")).status_code == 409


async def test_a_voucher_counts_once_and_only_if_it_says_paid(tax: Partner) -> None:
    await tax.call("TCT_GPC", slip())
    await tax.act("determine")
    number = (await notices(tax))[0]["SO_QUYET_DINH"]
    assert (await tax.call("ChungTuThanhToan", voucher(number, 10_000_000, status=0)))["ERROR_CODE"] == "0"
    assert (await query(tax, "16"))["BODY"]["TONG_DA_NOP"] == 0
    assert (await tax.call("ChungTuThanhToan", voucher(number, 10_000_000)))["ERROR_CODE"] == "0"
    again = await tax.call("ChungTuThanhToan", voucher(number, 10_000_000))
    assert (again["ERROR_CODE"], "đã tồn tại" in again["ERROR_DESC"]) == ("02", True)
    later = voucher(number, 15_000_000, at="2026-11-26T02:00:00Z")
    assert (await tax.call("ChungTuThanhToan", later))["ERROR_CODE"] == "0"
    assert (await query(tax, "16"))["BODY"]["TONG_DA_NOP"] == 25_000_000
    assert (await tax.call("ChungTuThanhToan", voucher("TB-0", 1)))["ERROR_CODE"] == "03"


@pytest.mark.parametrize("missing", ["SEQ_ID", "BODY", "MSG_TYPE"])
async def test_a_message_that_lacks_something_is_refused_and_named(tax: Partner, missing: str) -> None:
    message = slip()
    del message[missing]
    answer = await tax.call("TCT_GPC", message)
    assert answer["ERROR_CODE"] == "01"
    assert missing in answer["ERROR_DESC"]
    assert await tax.codes() == []


async def test_a_type_sent_to_the_wrong_service_is_refused(tax: Partner) -> None:
    assert (await tax.call("TCT_TVTBT", slip()))["ERROR_CODE"] == "01"
    assert (await tax.call("TCT_GPC", slip() | {"MSG_TYPE": "11"}))["ERROR_CODE"] == "01"
    assert (await tax.post("TCT_X", slip())).status_code == 404


async def test_the_autopilot_issues_notices(tax: Partner, receiver: Receiver) -> None:
    await tax.put("autopilot", {"on": True, "delay_seconds": 0})
    await tax.call("TCT_GPC", slip())
    await tax.reaches("determined")
    await receiver.reached(1)
    assert receiver.bodies()[0]["BODY"]["TONG_PHAI_NOP"] == 30_000_000
