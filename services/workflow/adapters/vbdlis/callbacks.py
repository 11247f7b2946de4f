"""The nine callbacks of VBDLIS as messages. What its words can not carry over is kept as a line of progress.

A bare LaTamDung is no lawful ground: it becomes part of the note of a proposed supplement, never a suspension; a new
date is a proposal. Names of people in tax notices, and the addresses of their scans, are left out.
"""

from datetime import datetime

from services.workflow.adapters.port import Heard, Json, Unreadable
from services.workflow.adapters.words import (
    INCOMPLETE,
    LONGEST_TEXT,
    Events,
    Kinds,
    heard,
    instant_in,
    integer_in,
    note_in,
    progressed,
    text_in,
)

TAKEN_OVER: tuple[str, Json] = ("leg_acknowledged", {})
STEPS: dict[str, tuple[str, Json]] = {
    "THAMDINH": TAKEN_OVER,
    "CHUYENTHUE": ("leg_completed", {"outcome": "slip_sent"}),
    "SOANTHAO": TAKEN_OVER,
}
"""MaTrangThai → what its beginning says of our leg: the appraisal was taken over, then done; the registration likewise.

All other steps, and every step back, are progress alone. An end and a supplement take a leg over by themselves; only
what was taken over can be returned.
"""
SIGNED = "signed"
"""The outcome of our registration when VBDLIS ends with a result."""


def hear(event: str, body: Json, now: datetime) -> Heard:
    """Return the messages of one callback; Unreadable if it is none of the nine."""
    return heard(_EVENTS, event, "SoBienNhan", body, now)


def _moved(body: Json) -> Kinds:
    """ChuyenHoSo; HanXuLy is the officer's own limit, not a date for anybody outside."""
    step, is_back = text_in(body, "MaTrangThai"), body.get("LaTrangThaiChuyenLai") is True
    hands = f"{note_in(body, 'MaCanBoChuyen')} → {note_in(body, 'MaCanBoNhan')}"
    line = progressed(step, "ChuyenHoSo", note_in(body, "NoiDungXuLy"), hands, "chuyển lại" if is_back else "")
    return [line, *([STEPS[step]] if step in STEPS and not is_back else [])]


def _supplement_asked(body: Json) -> Kinds:
    pause = "VBDLIS đề nghị tạm dừng" if body.get("LaTamDung") is True else ""
    return [_proposal(note_in(body, "GhiChu"), pause)]


def _update_asked(body: Json) -> Kinds:
    return [_proposal("Yêu cầu cập nhật hồ sơ", note_in(body, "GhiChu"))]


def _proposal(*notes: str) -> tuple[str, Json]:
    note = "; ".join(one for one in notes if one)[:LONGEST_TEXT]
    return "supplement_proposed", {"ground": INCOMPLETE, "component_codes": [], "note": note}


def _supplement_got(body: Json) -> Kinds:
    kinds = [_said(body, "NhanBoSungHoSo", "Đã nhận bổ sung")]
    if body.get("NgayHenTraMoi") is None:
        return kinds
    proposed = {"due_at": instant_in(body, "NgayHenTraMoi").isoformat(), "reason_code": "vbdlis_date"}
    return [*kinds, ("date_proposed", proposed)]


def _tax_result(body: Json) -> Kinds:
    """GuiKetQuaThue is a report: notices without amounts; the leg of the tax office is not VBDLIS's to complete."""
    notices = body.get("DanhSachThongBaoThue")
    if not isinstance(notices, list) or not all(isinstance(one, dict) for one in notices):
        raise Unreadable("DanhSachThongBaoThue is missing")
    named = [f"{text_in(one, 'SoThongBaoThue')} ({note_in(one, 'LoaiThue')})" for one in notices]
    return [progressed("GuiKetQuaThue", "GuiKetQuaThue", f"{len(named)} thông báo thuế", *named)]


def _finished(body: Json) -> Kinds:
    papers = body.get("DanhSachGiayToKetQua")
    named = [note_in(one, "TenGiayTo") for one in papers if isinstance(one, dict)] if isinstance(papers, list) else []
    line, how = _said(body, "KetThucHoSo", "Kết thúc hồ sơ", *named), integer_in(body, "TrangThaiKetThuc")
    if how == 0:
        return [line, ("leg_completed", {"outcome": SIGNED})]
    return [line, TAKEN_OVER, ("leg_returned", {"reason_code": f"vbdlis_ended_{how}"})]


def _received(body: Json) -> Kinds:
    return [_said(body, "TiepNhanHoSoChoMotCua", "Đã tiếp nhận"), TAKEN_OVER]


def _wrong_procedure(body: Json) -> Kinds:
    line = _said(body, "ThongBaoNhapSaiThuTuc", "Nhập sai thủ tục")
    return [line, TAKEN_OVER, ("leg_returned", {"reason_code": "wrong_procedure"})]


def _tax_returned(body: Json) -> Kinds:
    """Report what happened at the tax office, whose own system moves the leg there."""
    return [_said(body, "ThueChuyenTraHoSoDoSai", "Thuế chuyển trả hồ sơ do sai")]


def _said(body: Json, event: str, otherwise: str, *more: str) -> tuple[str, Json]:
    return progressed(event, event, note_in(body, "GhiChu") or otherwise, *more)


_EVENTS: Events = {
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
