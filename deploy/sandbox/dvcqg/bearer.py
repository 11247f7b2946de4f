"""Dialect B of the national portal: a bearer token, HTTP statuses, ``{code, message, data}``; no call reads back."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from deploy.sandbox.dvcqg import bodies
from deploy.sandbox.dvcqg.states import read_stamp
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import read
from deploy.sandbox.outside.storage import Dossier

CLIENTS = {"lienthong": "chi-de-thu", "tinh-khac": "chi-de-thu-khac"}
TOKEN_SECONDS = 3_600


class BearerDialect:
    """The calls of dialect B; tokens are forgotten at a restart."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}
        self.calls: dict[str, Callable[[Desk, dict[str, Any], str], Answer]] = {
            "GetNextValue": next_value,
            "CreateDossier": create,
            "CapNhatTienTrinh": append_step,
            "CapNhatTrangThai": set_status,
        }

    def issue_token(self, _desk: Desk, said: dict[str, Any]) -> Answer:
        """GetToken."""
        given = read(bodies.Credentials, said)
        if CLIENTS.get(given.client_id) != given.client_secret:
            raise Refusal("Sai client_id hoặc client_secret", 401)
        access = secrets.token_urlsafe(24)
        self._tokens[access] = (given.client_id, time.monotonic() + TOKEN_SECONDS)
        return Answer(reply({"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}))

    def call(self, name: str, desk: Desk, said: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        """Do what *name* says for the holder of the token."""
        kind, _, access = headers.get("authorization", "").partition(" ")
        client, until = self._tokens.get(access, ("", 0.0))
        if kind.lower() != "bearer" or until < time.monotonic():
            raise Refusal("Token không hợp lệ hoặc đã hết hạn", 401)
        return self.calls[name](desk, said, client)

    def code_in(self, said: dict[str, Any]) -> str:
        """Return MaHoSo."""
        return str(said.get("MaHoSo") or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no in the HTTP status and in the body."""
        return Answer({"code": refusal.status, "message": str(refusal), "data": None}, status=refusal.status)

    def error_inside(self) -> Answer:
        """Say 200 and, in the words, that it failed."""
        return Answer({"code": 200, "message": "Thành công: lỗi ghi dữ liệu", "data": None})


def next_value(desk: Desk, said: dict[str, Any], client: str) -> Answer:
    """Issue the next dossier number of a series to *client*."""
    given = read(bodies.Series, said)
    day = desk.now.strftime("%y%m%d")
    number = f"{given.code}-{day}-{desk.storage.next_number(f'series {given.code} {day}'):04d}"
    desk.storage.set(f"issued {number}", client)
    return Answer(reply({"MaHoSo": number}), took_effect=True)


def create(desk: Desk, said: dict[str, Any], client: str) -> Answer:
    """Create a dossier under a number that was issued to *client*."""
    given = read(bodies.Creation, said)
    if desk.storage.setting(f"issued {given.MaHoSo}") != client:
        raise Refusal(f"Mã hồ sơ {given.MaHoSo} không do GetNextValue cấp cho đơn vị này")
    known = desk.find(given.MaHoSo)
    if known is not None:
        return _repeated(desk, known)
    fields = said | {"IdHoSo": f"QG{desk.storage.next_number('dossier'):09d}", "client_id": client}
    dossier = Dossier(given.MaHoSo, "2" if given.NgayTiepNhan else "1", fields)
    desk.save(dossier)
    return Answer(reply(_ids(dossier)), took_effect=True)


def append_step(desk: Desk, said: dict[str, Any], client: str) -> Answer:
    """Append progress; the same line twice is there twice."""
    given = read(bodies.Progress, said)
    dossier = _found(desk, given, client)
    at = iso(read_stamp(given.ThoiDiemXuLy))
    seen = {"at": at, "step": str(given.TrangThai), "text": given.NoiDungXuLy, "by": given.NguoiXuLy}
    dossier.progress.append(seen | {"raw": said})
    desk.save(dossier)
    return Answer(reply(_ids(dossier)), took_effect=True)


def set_status(desk: Desk, said: dict[str, Any], client: str) -> Answer:
    """Set the header's state; the progress does not follow."""
    given = read(bodies.Status, said)
    dossier = _found(desk, given, client)
    dossier.state = str(given.TrangThai)
    dossier.fields |= {key: said[key] for key in said if key not in {"IdHoSo", "MaHoSo"}}
    desk.save(dossier)
    return Answer(reply(_ids(dossier)), took_effect=True)


def reply(data: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a yes."""
    return {"code": 200, "message": "Thành công", "data": data}


def _repeated(desk: Desk, known: Dossier) -> Answer:
    if not desk.strikes(Kind.RESET_DATES):
        message = f"Hồ sơ {known.code} đã tồn tại"
        return Answer({"code": 400, "message": message, "data": _ids(known)}, status=400)
    known.fields |= {"NgayNop": iso(desk.now), "NgayTiepNhan": iso(desk.now)}
    desk.save(known)
    return Answer(reply(_ids(known)), took_effect=True)


def _ids(dossier: Dossier) -> dict[str, str]:
    return {"idHoSo": dossier.fields.get("IdHoSo", ""), "maHoSo": dossier.code}


def _found(desk: Desk, given: bodies.Named, client: str) -> Dossier:
    dossier = desk.find(given.MaHoSo)
    if dossier is None or dossier.fields.get("IdHoSo") != given.IdHoSo:
        raise Refusal(f"Không tìm thấy hồ sơ {given.MaHoSo}", 404)
    if dossier.fields.get("client_id") != client:
        raise Refusal("Hồ sơ thuộc đơn vị khác", 403)
    return dossier
