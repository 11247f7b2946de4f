"""Dialect A of the national portal: a session in every body, strings, ``{error_code, message, result[]}``."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from deploy.sandbox.dvcqg import header as forms
from deploy.sandbox.dvcqg.states import read_stamp, stamp
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import read
from deploy.sandbox.outside.storage import Dossier

ACCOUNT = {"username": "lienthong", "password": "chi-de-thu"}
SESSION_SECONDS = 1_800
OK, ERROR = "0", "-1"


class SessionDialect:
    """The calls of dialect A; sessions are forgotten at a restart, as real ones are."""

    def __init__(self) -> None:
        self._sessions: dict[str, float] = {}
        self.calls: dict[str, Callable[[Desk, dict[str, Any]], Answer]] = {
            "DongBoHoSoMC": sync_headers,
            "CapNhatTienDoHoSoMC": append_steps,
            "TraCuuHoSo": read_back,
        }

    def login(self, _desk: Desk, said: dict[str, Any]) -> Answer:
        """Open a session."""
        given = read(forms.Login, said)
        if given.model_dump() != ACCOUNT:
            raise Refusal("Sai tên đăng nhập hoặc mật khẩu")
        session = secrets.token_hex(16)
        self._sessions[session] = time.monotonic() + SESSION_SECONDS
        return Answer({"session": session, "error_code": OK})

    def call(self, desk: Desk, said: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        """Do what ``service`` names, in a session and with the header ``dstcode``."""
        if not headers.get("dstcode"):
            raise Refusal("Thiếu dstcode")
        if self._sessions.get(str(said.get("session")), 0) < time.monotonic():
            raise Refusal("Phiên làm việc không hợp lệ hoặc đã hết hạn")
        act = self.calls.get(str(said.get("service")))
        if act is None:
            raise Refusal(f"Không có dịch vụ {said.get('service')}")
        return act(desk, said)

    def code_in(self, said: dict[str, Any]) -> str:
        """Return mahoso, or the first MaHoSo of the data."""
        data = said.get("data")
        first = data[0] if isinstance(data, list) and data else {}
        found = said.get("mahoso") or (first.get("MaHoSo") if isinstance(first, dict) else "")
        return str(found or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no; there is one code for everything."""
        return Answer({"error_code": ERROR, "message": str(refusal), "result": []})

    def error_inside(self) -> Answer:
        """Say 0, and the error in the result."""
        inside = {"error_code": ERROR, "message": "Lỗi hệ thống, chưa ghi nhận"}
        return Answer({"error_code": OK, "message": "Thành công", "result": [inside]})


def sync_headers(desk: Desk, said: dict[str, Any]) -> Answer:
    """Replace headers. Sent again without isUpdating, the portal counts the time limit anew: the real quirk."""
    given = read(forms.Sync, said)
    for form, raw in zip(given.data, said["data"], strict=True):
        _sync(desk, form, raw, is_updating=given.is_updating == "True")
    return _done([{"MaHoSo": form.MaHoSo} for form in given.data])


def append_steps(desk: Desk, said: dict[str, Any]) -> Answer:
    """Append progress; the same line twice is there twice, and the header's state does not follow."""
    given = read(forms.Steps, said)
    for form, raw in zip(given.data, said["data"], strict=True):
        dossier = _found(desk, form.MaHoSo)
        at = iso(read_stamp(form.ThoiDiemXuLy))
        seen = {"at": at, "step": form.TrangThai, "text": form.NoiDungXuLy, "by": form.NguoiXuLy}
        dossier.progress.append(seen | {"raw": raw})
        desk.save(dossier)
    return _done([{"MaHoSo": form.MaHoSo} for form in given.data])


def read_back(desk: Desk, said: dict[str, Any]) -> Answer:
    """Return the header and its progress; an unknown dossier is an empty result, not an error."""
    given = read(forms.Question, said)
    dossier = desk.find(given.mahoso)
    if dossier is None:
        return Answer({"error_code": OK, "message": "Không có dữ liệu", "result": []})
    steps = [one["raw"] for one in dossier.progress]
    found = dossier.fields | {"TrangThaiHoSo": dossier.state, "DanhSachTienDo": steps}
    return Answer({"error_code": OK, "message": "Thành công", "result": [found]})


def _sync(desk: Desk, form: forms.Header, raw: dict[str, Any], *, is_updating: bool) -> None:
    known = desk.find(form.MaHoSo)
    if known is None and is_updating:
        raise Refusal(f"Không tìm thấy hồ sơ {form.MaHoSo}")
    dossier = known or Dossier(form.MaHoSo, "", {})
    dossier.fields, dossier.state = dict(raw), form.TrangThaiHoSo
    if known is not None and (not is_updating or desk.strikes(Kind.RESET_DATES)):
        _reset_dates(desk, dossier, form)
    desk.save(dossier)


def _reset_dates(desk: Desk, dossier: Dossier, form: forms.Header) -> None:
    if form.NgayTiepNhan and form.NgayHenTra:
        length = read_stamp(form.NgayHenTra) - read_stamp(form.NgayTiepNhan)
        dossier.fields |= {"NgayTiepNhan": stamp(desk.now), "NgayHenTra": stamp(desk.now + length)}


def _found(desk: Desk, code: str) -> Dossier:
    dossier = desk.find(code)
    if dossier is None:
        raise Refusal(f"Không tìm thấy hồ sơ {code}")
    return dossier


def _done(result: list[dict[str, str]]) -> Answer:
    return Answer({"error_code": OK, "message": "Thành công", "result": result}, took_effect=True)
