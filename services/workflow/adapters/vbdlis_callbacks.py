"""The nine callbacks of VBDLIS as messages. What its words can not carry over is kept as a line of progress.

A bare LaTamDung is no lawful ground: it becomes part of the note of a proposed supplement, never a suspension; a new
date is a proposal. Names of people in tax notices, and the addresses of their scans, are left out.
"""

from collections.abc import Callable
from datetime import datetime

from services.workflow.adapters.port import Heard, Json, Message, Unreadable
from services.workflow.adapters.words import (
    LONGEST_TEXT,
    day_of,
    instant_in,
    integer_in,
    message_id,
    note_in,
    text_in,
)

Kinds = list[tuple[str, Json]]
TO_TAX = "CHUYENTHUE"
SLIP_SENT, SIGNED = "slip_sent", "signed"
"""Outcomes of our route: of the appraisal when the slip leaves for the tax office, of the registration at its end."""
TAKEN_OVER: tuple[str, Json] = ("leg_acknowledged", {})
"""Sign of work on the dossier: the leg was taken over, if nobody said so before."""


def hear(event: str, body: Json, now: datetime) -> Heard:
    """Return the messages of one callback; Unreadable if it is none of the nine."""
    if event not in _EVENTS:
        raise Unreadable("unknown event")
    code, (time_field, translate) = text_in(body, "SoBienNhan"), _EVENTS[event]
    at = instant_in(body, time_field) if time_field else day_of(now)
    day = [] if time_field else [at.date().isoformat()]
    kinds = translate(body)
    return Heard(tuple(Message(message_id(event, body, kind, *day), code, kind, at, data) for kind, data in kinds))


def _progressed(step_code: str, *parts: str) -> tuple[str, Json]:
    text = "; ".join(part for part in parts if part)
    return "progressed", {"step_code": step_code, "text": text[:LONGEST_TEXT]}


def _moved(body: Json) -> Kinds:
    """ChuyenHoSo; HanXuLy is the officer's own limit, not a date for anybody outside."""
    step, is_back = text_in(body, "MaTrangThai"), body.get("LaTrangThaiChuyenLai") is True
    hands = f"{note_in(body, 'MaCanBoChuyen')} → {note_in(body, 'MaCanBoNhan')}"
    line = _progressed(step, note_in(body, "NoiDungXuLy"), hands, "chuyển lại" if is_back else "")
    is_slip = step == TO_TAX and not is_back
    return [TAKEN_OVER, line, *([("leg_completed", {"outcome": SLIP_SENT})] if is_slip else [])]


def _supplement_asked(body: Json) -> Kinds:
    pause = "VBDLIS đề nghị tạm dừng" if body.get("LaTamDung") is True else ""
    return [TAKEN_OVER, _proposal(note_in(body, "GhiChu"), pause)]


def _update_asked(body: Json) -> Kinds:
    return [TAKEN_OVER, _proposal("Yêu cầu cập nhật hồ sơ", note_in(body, "GhiChu"))]


def _proposal(*notes: str) -> tuple[str, Json]:
    note = "; ".join(one for one in notes if one)[:LONGEST_TEXT]
    return "supplement_proposed", {"ground": "supplement", "component_codes": [], "note": note}


def _supplement_got(body: Json) -> Kinds:
    kinds = [TAKEN_OVER, _progressed("NhanBoSungHoSo", note_in(body, "GhiChu") or "Đã nhận bổ sung")]
    if body.get("NgayHenTraMoi") is None:
        return kinds
    proposed = {"due_at": instant_in(body, "NgayHenTraMoi").isoformat(), "reason_code": "vbdlis_appointment"}
    return [*kinds, ("date_proposed", proposed)]


def _tax_result(body: Json) -> Kinds:
    """GuiKetQuaThue is a report: notices without amounts; the leg of the tax office is not VBDLIS's to complete."""
    notices = body.get("DanhSachThongBaoThue")
    if not isinstance(notices, list) or not all(isinstance(one, dict) for one in notices):
        raise Unreadable("DanhSachThongBaoThue is missing")
    named = [f"{text_in(one, 'SoThongBaoThue')} ({note_in(one, 'LoaiThue')})" for one in notices]
    return [_progressed("GuiKetQuaThue", f"{len(named)} thông báo thuế", *named)]


def _finished(body: Json) -> Kinds:
    papers = body.get("DanhSachGiayToKetQua")
    named = [note_in(one, "TenGiayTo") for one in papers if isinstance(one, dict)] if isinstance(papers, list) else []
    line = _progressed("KetThucHoSo", note_in(body, "GhiChu") or "Kết thúc hồ sơ", *named)
    how = integer_in(body, "TrangThaiKetThuc")
    end: tuple[str, Json] = ("leg_completed", {"outcome": SIGNED})
    return [TAKEN_OVER, line, end if how == 0 else ("leg_returned", {"reason_code": f"vbdlis_ended_{how}"})]


def _received(body: Json) -> Kinds:
    return [TAKEN_OVER, _progressed("TiepNhanHoSoChoMotCua", note_in(body, "GhiChu") or "Đã tiếp nhận")]


def _wrong_procedure(body: Json) -> Kinds:
    line = _progressed("ThongBaoNhapSaiThuTuc", note_in(body, "GhiChu") or "Nhập sai thủ tục")
    return [TAKEN_OVER, line, ("leg_returned", {"reason_code": "wrong_procedure"})]


def _tax_returned(body: Json) -> Kinds:
    """Report what happened at the tax office, whose own system moves the leg there."""
    return [_progressed("ThueChuyenTraHoSoDoSai", note_in(body, "GhiChu") or "Thuế chuyển trả hồ sơ do sai")]


_EVENTS: dict[str, tuple[str | None, Callable[[Json], Kinds]]] = {
    "ChuyenHoSo": ("NgayChuyen", _moved),
    "YeuCauBoSungHoSo": ("NgayChoBoSung", _supplement_asked),
    "NhanBoSungHoSo": ("NgayNhanBoSung", _supplement_got),
    "GuiKetQuaThue": ("NgayCoKetQuaThue", _tax_result),
    "KetThucHoSo": ("NgayKetThuc", _finished),
    "YeuCauCapNhatHoSo": (None, _update_asked),
    "TiepNhanHoSoChoMotCua": (None, _received),
    "ThongBaoNhapSaiThuTuc": (None, _wrong_procedure),
    "ThueChuyenTraHoSoDoSai": (None, _tax_returned),
}
"""Callback → the field that says when, and what it amounts to."""
