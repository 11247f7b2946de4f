"""What VBDLIS does when it is called; every answer is HTTP 200 with ``{data, status}``."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from deploy.sandbox.outside.book import line, reset_dates
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import read
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.vbdlis import forms


def receive(desk: Desk, said: dict[str, Any]) -> Answer:
    """Create a dossier; "đã tồn tại" if there is one, whatever it contains."""
    given = read(forms.Reception, said)
    known = desk.find(given.SoBienNhan)
    if known is not None:
        return _repeated(desk, known)
    dossier = Dossier(given.SoBienNhan, "received", forms.without_files(said))
    dossier.progress.append(line(desk.now, "received", "Tiếp nhận từ Một cửa", given.NguoiTiepNhan))
    desk.save(dossier)
    return done(desk.now, "Thành công")


def take_supplement(desk: Desk, said: dict[str, Any]) -> Answer:
    """Take the papers; Refusal "không chờ bổ sung" in any other state."""
    given = read(forms.Supplement, said)
    dossier = _found(desk, given.SoBienNhan)
    if dossier.state != "waiting_supplement":
        raise Refusal(f"Hồ sơ {dossier.code} không chờ bổ sung")
    dossier.state = "supplement_received"
    dossier.fields["NgayHenTra"] = said["NgayHenTraMoi"]
    dossier.fields["DanhSachGiayToBoSung"] = forms.without_files(said.get("DanhSachGiayToBoSung", []))
    dossier.progress.append(line(desk.now, dossier.state, given.GhiChu or "Nhận bổ sung từ Một cửa", "Một cửa"))
    desk.save(dossier)
    return done(desk.now, "Cập nhật thành công")


def note_return(desk: Desk, said: dict[str, Any]) -> Answer:
    """Note that the result was handed out; Refusal "đã được trả" the second time."""
    given = read(forms.Return, said)
    dossier = _found(desk, given.SoBienNhan)
    if dossier.state == "returned":
        raise Refusal(f"Hồ sơ {dossier.code} đã được trả")
    if dossier.state != "finished":
        raise Refusal(f"Hồ sơ {dossier.code} chưa kết thúc xử lý")
    dossier.state = "returned"
    dossier.fields["NgayTra"] = said["NgayTra"]
    dossier.progress.append(line(desk.now, "returned", "Một cửa đã trả kết quả", "Một cửa"))
    desk.save(dossier)
    return done(desk.now, "Cập nhật thành công")


def reopen(desk: Desk, said: dict[str, Any]) -> Answer:
    """Take a finished dossier back to appraisal because its result is wrong."""
    given = read(forms.WrongResult, said)
    dossier = _found(desk, given.SoBienNhan)
    if dossier.state not in {"finished", "returned"}:
        raise Refusal(f"Hồ sơ {dossier.code} chưa có kết quả")
    dossier.state = "appraisal"
    dossier.progress.append(line(desk.now, "appraisal", f"Một cửa báo sai kết quả: {given.NoiDung}", "Một cửa"))
    desk.save(dossier)
    return done(desk.now, "Đã ghi nhận phản hồi")


CALLS: dict[str, Callable[[Desk, dict[str, Any]], Answer]] = {
    "tiepnhan": receive,
    "capnhattrangthaibosunghoso": take_supplement,
    "capnhattrangthaitraketquahoso": note_return,
    "phanhoihososaiketqua": reopen,
}


def done(now: datetime, message: str) -> Answer:
    """Return the answer that says yes."""
    return Answer(reply(now, 1, success=True, message=message), took_effect=True)


def reply(now: datetime, data: int, *, success: bool, message: str) -> dict[str, Any]:
    """Return an answer's body."""
    code, kind = (200, "success") if success else (400, "error")
    return {
        "data": data,
        "status": {"success": success, "code": code, "type": kind, "time": iso(now), "message": message},
    }


def _repeated(desk: Desk, known: Dossier) -> Answer:
    is_reset = desk.strikes(Kind.RESET_DATES)
    if is_reset:
        reset_dates(known, "NgayTiepNhan", "NgayHenTra", desk.now)
        desk.save(known)
    return Answer(reply(desk.now, 0, success=False, message=f"Hồ sơ {known.code} đã tồn tại"), took_effect=is_reset)


def _found(desk: Desk, code: str) -> Dossier:
    dossier = desk.find(code)
    if dossier is None:
        raise Refusal(f"Không tìm thấy hồ sơ {code}")
    return dossier
