"""What the tax gateway does when it is called: a technical answer now, the business result by callback later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from deploy.sandbox.outside.book import line, reset_dates
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import read
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.tax import forms
from deploy.sandbox.tax.book import notices_of, totals
from deploy.sandbox.tax.states import (
    ASK_NOTICES,
    ASK_OBLIGATION,
    NOTICES,
    OK,
    PROMISED_DAYS,
    REPEATED,
    UNKNOWN,
)


class TaxRefusal(Refusal):
    """A refusal with its ERROR_CODE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def take_slip(desk: Desk, said: dict[str, Any]) -> Answer:
    """Take a slip. Only a repeated SEQ_ID is recognised: the same dossier under a new one is a second slip."""
    given = read(forms.SlipMessage, said)
    code = given.BODY.TT_CHUNG.MA_HS
    dossier = desk.find(code) or Dossier(code, "slip_received", {"slips": [], "payments": []})
    if any(slip["SEQ_ID"] == given.SEQ_ID for slip in dossier.fields["slips"]):
        return _repeated_slip(desk, dossier, given.SEQ_ID)
    slip = {"SEQ_ID": given.SEQ_ID, "BODY": said["BODY"], "MA_KETQUA": None, "TONG_MIEN_GIAM": 0, "LIST": []}
    dossier.fields["slips"].append(slip)
    dossier.fields["NGAY_TIEPNHAN"] = iso(desk.now)
    dossier.fields["HAN_XULY"] = iso(desk.now + timedelta(days=PROMISED_DAYS))
    dossier.state = "slip_received"
    text = f"Nhận phiếu chuyển {given.BODY.TT_CHUNG.SO_PHIEU} (SEQ_ID {given.SEQ_ID})"
    dossier.progress.append(line(desk.now, dossier.state, text))
    desk.save(dossier)
    return Answer(ack(given.SEQ_ID), took_effect=True)


def answer_query(desk: Desk, said: dict[str, Any]) -> Answer:
    """Answer at once: notices (14 → 15), the obligation (16), names of scans (17)."""
    given = read(forms.Query, said)
    dossier = desk.find(given.BODY.MA_HS)
    if dossier is None:
        raise TaxRefusal(UNKNOWN, f"Không có phiếu chuyển của hồ sơ {given.BODY.MA_HS}")
    kind = NOTICES if given.MSG_TYPE == ASK_NOTICES else given.MSG_TYPE
    return Answer(ack(given.SEQ_ID) | {"MSG_TYPE": kind, "BODY": _found(given.MSG_TYPE, dossier)})


def take_voucher(desk: Desk, said: dict[str, Any]) -> Answer:
    """Book a payment; the same notice and time again is refused, an unpaid one is only noted."""
    given = read(forms.Voucher, said)
    dossier, payment = desk.find(given.MaHoSo), said["ThongTinThanhToan"]
    number = given.ThongTinThanhToan.MaThongBaoThue
    if dossier is None or all(one["SO_QUYET_DINH"] != number for one in notices_of(dossier)):
        raise TaxRefusal(UNKNOWN, f"Không có thông báo thuế {number} của hồ sơ {given.MaHoSo}")
    if any(_identity(one) == _identity(payment) for one in dossier.fields["payments"]):
        raise TaxRefusal(REPEATED, f"Chứng từ của thông báo {number} đã tồn tại")
    is_paid = given.ThongTinThanhToan.TrangThaiThanhToan == 1
    if is_paid:
        dossier.fields["payments"].append(payment)
        dossier.state = "determined" if totals(dossier)["TONG_CON_PNOP"] else "paid"
    text = f"Chứng từ nộp {payment['SoTien']:,} đồng, thông báo {number}" + ("" if is_paid else " (chưa thanh toán)")
    dossier.progress.append(line(desk.now, dossier.state, text))
    desk.save(dossier)
    return Answer(ack(""), took_effect=True)


CALLS: dict[str, Callable[[Desk, dict[str, Any]], Answer]] = {
    "TCT_GPC": take_slip,
    "TCT_TVTBT": answer_query,
    "ChungTuThanhToan": take_voucher,
}


def ack(seq_refid: str, code: str = OK, description: str = "Thành công") -> dict[str, Any]:
    """Return a technical answer to the message *seq_refid*."""
    return {"SEQ_REFID": seq_refid, "ERROR_CODE": code, "ERROR_DESC": description}


def _repeated_slip(desk: Desk, dossier: Dossier, seq_id: str) -> Answer:
    is_reset = desk.strikes(Kind.RESET_DATES)
    if is_reset:
        reset_dates(dossier, "NGAY_TIEPNHAN", "HAN_XULY", desk.now)
        desk.save(dossier)
    return Answer(ack(seq_id, REPEATED, f"Thông điệp {seq_id} đã tồn tại"), took_effect=is_reset)


def _identity(payment: dict[str, Any]) -> tuple[str, str]:
    return payment["MaThongBaoThue"], payment["ThoiGianThanhToan"]


def _found(kind: str, dossier: Dossier) -> dict[str, Any]:
    if kind == ASK_NOTICES:
        return {"MA_HSO": dossier.code, "LIST": notices_of(dossier)}
    if kind == ASK_OBLIGATION:
        return {"MA_HSO": dossier.code, **totals(dossier)}
    names = [f"{notice['SO_QUYET_DINH']}.pdf" for notice in notices_of(dossier)]
    return {"MA_HSO": dossier.code, "LIST": [{"TEN_FILE": name} for name in names]}
