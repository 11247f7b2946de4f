"""What people do inside VBDLIS; each deed calls the one-stop back."""

from typing import Any

from pydantic import Field

from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Desk, Refusal
from deploy.sandbox.outside.forms import Form, Instant
from deploy.sandbox.outside.office import Action
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.vbdlis.states import BACK, NEXT, OFFICERS, STATES, STEP_CODES

CLOSED = {"finished", "returned"}
CALLBACKS = (
    "ChuyenHoSo",
    "YeuCauBoSungHoSo",
    "NhanBoSungHoSo",
    "GuiKetQuaThue",
    "KetThucHoSo",
    "YeuCauCapNhatHoSo",
    "TiepNhanHoSoChoMotCua",
    "ThongBaoNhapSaiThuTuc",
    "ThueChuyenTraHoSoDoSai",
)


class NextStep(Form):
    """Pass it on, or *back* to the officer before."""

    back: bool = False
    note: str = "Chuyển bước tiếp theo"


class SupplementRequest(Form):
    """Ask for papers; *pause* is the bare LaTamDung."""

    note: str = "Thiếu bản chính giấy chứng nhận"
    pause: bool = True


class NewDate(Form):
    """A date the clerk proposes; none: only "got it"."""

    new_due_at: Instant | None = None
    note: str = "Đã nhận bổ sung"


class TaxNotice(Form):
    """One notice, in the words of the callback."""

    HoTenChu: str
    LoaiThue: str
    SoThongBaoThue: str
    DuongDanThongBaoThue: str | None = None


class TaxNotices(Form):
    """The notices that came from the tax office."""

    notices: list[TaxNotice] = Field(min_length=1)


class Finish(Form):
    """0: with a result; anything else: returned or withdrawn."""

    outcome: int = 0
    note: str = "Đã có kết quả"
    papers: list[str] = Field(default_factory=lambda: ["Giấy chứng nhận (bản giả lập)"])


class Note(Form):
    """A remark."""

    note: str = ""


def next_step(desk: Desk, dossier: Dossier, given: NextStep) -> None:
    """Move one step on or back: ChuyenHoSo."""
    step = (BACK if given.back else NEXT).get(dossier.state)
    if step is None:
        msg = f"no step {'before' if given.back else 'after'} {dossier.state}"
        raise Refusal(msg)
    giver, taker = OFFICERS[dossier.state], OFFICERS[step]
    _write(desk, dossier, step, given.note, giver)
    body: dict[str, Any] = {"MaCanBoChuyen": giver, "MaCanBoNhan": taker, "MaTrangThai": STEP_CODES[step]}
    body |= {"LaTrangThaiChuyenLai": given.back, "NoiDungXuLy": given.note, "NgayChuyen": iso(desk.now)}
    _tell(desk, dossier, "ChuyenHoSo", **body, HanXuLy=dossier.fields.get("NgayHenTra"), DanhSachTapTin=[])


def request_supplement(desk: Desk, dossier: Dossier, given: SupplementRequest) -> None:
    """Wait for papers: YeuCauBoSungHoSo."""
    _still_open(dossier)
    officer = OFFICERS.get(dossier.state, "CB-THAMDINH-02")
    _write(desk, dossier, "waiting_supplement", given.note, officer)
    body = {"NgayChoBoSung": iso(desk.now), "MaCanBoXuLy": officer, "LaTamDung": given.pause}
    _tell(desk, dossier, "YeuCauBoSungHoSo", **body, GhiChu=given.note, TapTin=None)


def propose_date(desk: Desk, dossier: Dossier, given: NewDate) -> None:
    """Say that the papers are here and, if a date is given, move our own date to it: NhanBoSungHoSo."""
    _still_open(dossier)
    new = dossier.fields.get("NgayHenTra") if given.new_due_at is None else iso(given.new_due_at)
    dossier.fields["NgayHenTra"] = new
    if dossier.state == "supplement_received":
        dossier.state = "appraisal"
    _write(desk, dossier, dossier.state, given.note, OFFICERS["received"])
    _tell(desk, dossier, "NhanBoSungHoSo", NgayNhanBoSung=iso(desk.now), NgayHenTraMoi=new, GhiChu=given.note)


def tax_notices(desk: Desk, dossier: Dossier, given: TaxNotices) -> None:
    """Pass on what the tax office sent: GuiKetQuaThue."""
    _still_open(dossier)
    _write(desk, dossier, dossier.state, f"{len(given.notices)} thông báo thuế", OFFICERS["tax_slip"])
    notices = [one.model_dump() for one in given.notices]
    body = {"NguoiXuLy": OFFICERS["tax_slip"], "NgayCoKetQuaThue": iso(desk.now), "DanhSachThongBaoThue": notices}
    _tell(desk, dossier, "GuiKetQuaThue", **body)


def finish(desk: Desk, dossier: Dossier, given: Finish) -> None:
    """Close it: KetThucHoSo."""
    _still_open(dossier)
    officer = OFFICERS["signing"]
    dossier.fields["TrangThaiKetThuc"] = given.outcome
    _write(desk, dossier, "finished", given.note, officer)
    papers = [{"TenGiayTo": name} for name in given.papers] if given.outcome == 0 else []
    body = {"NgayKetThuc": iso(desk.now), "MaCanBoXuLy": officer, "TrangThaiKetThuc": given.outcome}
    _tell(desk, dossier, "KetThucHoSo", **body, GhiChu=given.note, DanhSachGiayToKetQua=papers)


def usual(desk: Desk, dossier: Dossier) -> None:
    """Do what a clerk would do next in the normal case."""
    if dossier.state == "signing":
        finish(desk, dossier, Finish())
    elif dossier.state == "supplement_received":
        propose_date(desk, dossier, NewDate())
    else:
        next_step(desk, dossier, NextStep())


def _remark(event: str, text: str) -> Action:
    def act(desk: Desk, dossier: Dossier, given: Note) -> None:
        officer = OFFICERS.get(dossier.state, "CB-TIEPNHAN-01")
        _write(desk, dossier, dossier.state, given.note or text, officer)
        _tell(desk, dossier, event, MaCanBoXuLy=officer, GhiChu=given.note or text)

    return Action(text, Note, act)


def _still_open(dossier: Dossier) -> None:
    if dossier.state in CLOSED:
        msg = f"{dossier.code} is {dossier.state} ({STATES[dossier.state]})"
        raise Refusal(msg)


def _write(desk: Desk, dossier: Dossier, step: str, text: str, by: str) -> None:
    dossier.state = step
    dossier.progress.append(line(desk.now, step, text, by))


def _tell(desk: Desk, dossier: Dossier, event: str, **body: Any) -> None:
    desk.call_back(event, dossier.code, {"SoBienNhan": dossier.code, **body})


ACTIONS = {
    "next-step": Action("Chuyển bước", NextStep, next_step),
    "request-supplement": Action("Yêu cầu bổ sung", SupplementRequest, request_supplement),
    "propose-date": Action("Nhận bổ sung, đề nghị ngày hẹn trả mới", NewDate, propose_date),
    "tax-notices": Action("Gửi kết quả thuế", TaxNotices, tax_notices),
    "finish": Action("Kết thúc hồ sơ", Finish, finish),
    "ask-update": _remark("YeuCauCapNhatHoSo", "Yêu cầu cập nhật hồ sơ"),
    "received-for-one-stop": _remark("TiepNhanHoSoChoMotCua", "Tiếp nhận hồ sơ cho Một cửa"),
    "wrong-procedure": _remark("ThongBaoNhapSaiThuTuc", "Nhập sai thủ tục"),
    "tax-returned": _remark("ThueChuyenTraHoSoDoSai", "Thuế chuyển trả hồ sơ do sai"),
}
