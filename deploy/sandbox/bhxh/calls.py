"""What the social insurance office does when it is called; every answer is HTTP 200 with ``{MaLoi, MoTa, …}``."""

from collections.abc import Callable
from typing import Any

from pydantic import Field, model_validator

from deploy.sandbox.bhxh.states import OFFICE, OK, REPEATED
from deploy.sandbox.outside.book import line, reset_dates
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import Form, Instant, read
from deploy.sandbox.outside.storage import Dossier


class Applicant(Form):
    """Who asks."""

    HoTen: str = Field(min_length=1)
    SoDinhDanh: str | None = None
    MaSoBHXH: str | None = None
    SoDienThoai: str | None = None


class Paper(Form):
    """One paper handed in."""

    TenGiayTo: str = Field(min_length=1)
    SoLuong: int = Field(1, ge=1)


class Creation(Form):
    """TiepNhanHoSo."""

    MaHoSoMotCua: str = Field(min_length=1, max_length=100)
    MaThuTuc: str = Field(min_length=1)
    NguoiNop: Applicant
    NgayTiepNhan: Instant
    NgayHenTra: Instant
    ThanhPhanHoSo: list[Paper] = Field(default_factory=list)


class Supplement(Form):
    """BoSungHoSo."""

    MaHoSoMotCua: str = Field(min_length=1)
    NgayBoSung: Instant
    GhiChu: str = ""
    ThanhPhanHoSo: list[Paper] = Field(default_factory=list)


class Question(Form):
    """TraCuuHoSo: one of the two."""

    MaHoSoMotCua: str | None = None
    SoHoSo: str | None = Field(None, pattern=r"^\d{5}/\d{4}/\d{5}$")

    @model_validator(mode="after")
    def _one(self) -> "Question":
        if (self.MaHoSoMotCua is None) == (self.SoHoSo is None):
            msg = "MaHoSoMotCua or SoHoSo, one of them"
            raise ValueError(msg)
        return self


def create(desk: Desk, said: dict[str, Any]) -> Answer:
    """Create a dossier and give it a number; a repeat gets the number of the first."""
    given = read(Creation, said)
    known = desk.find(given.MaHoSoMotCua)
    if known is not None:
        return _repeated(desk, known)
    year, sequence = desk.now.year, desk.storage.next_number(f"dossier-{desk.now.year}")
    number = f"{OFFICE}/{year}/{sequence:05d}"
    dossier = Dossier(given.MaHoSoMotCua, "received", said | {"SoHoSo": number})
    dossier.progress.append(line(desk.now, "received", f"Tiếp nhận, số hồ sơ {number}"))
    desk.save(dossier)
    return Answer(reply(OK, "Thành công", SoHoSo=number), took_effect=True)


def take_supplement(desk: Desk, said: dict[str, Any]) -> Answer:
    """Take the papers; refused in any other state."""
    given = read(Supplement, said)
    dossier = _found(desk, given.MaHoSoMotCua)
    if dossier.state != "waiting_supplement":
        raise Refusal(f"Hồ sơ {dossier.code} không chờ bổ sung")
    dossier.state = "checking"
    dossier.progress.append(line(desk.now, "checking", given.GhiChu or "Đã nhận bổ sung", "Một cửa"))
    desk.save(dossier)
    return Answer(reply(OK, "Thành công", SoHoSo=dossier.fields["SoHoSo"]), took_effect=True)


def read_back(desk: Desk, said: dict[str, Any]) -> Answer:
    """Return a dossier with its progress; an unknown one is an error."""
    given = read(Question, said)
    dossier = _found(desk, given.MaHoSoMotCua) if given.MaHoSoMotCua else _by_number(desk, given.SoHoSo or "")
    steps = [
        {"Buoc": one["step"], "NoiDung": one["text"], "ThoiDiem": one["at"], "NguoiXuLy": one["by"]}
        for one in dossier.progress
    ]
    return Answer(reply(OK, "Thành công", HoSo=dossier.fields | {"TrangThai": dossier.state, "TienDo": steps}))


CALLS: dict[str, Callable[[Desk, dict[str, Any]], Answer]] = {
    "TiepNhanHoSo": create,
    "BoSungHoSo": take_supplement,
    "TraCuuHoSo": read_back,
}


def reply(code: int, text: str, **more: Any) -> dict[str, Any]:
    """Return an answer's body."""
    return {"MaLoi": code, "MoTa": text, **more}


def _repeated(desk: Desk, known: Dossier) -> Answer:
    is_reset = desk.strikes(Kind.RESET_DATES)
    if is_reset:
        reset_dates(known, "NgayTiepNhan", "NgayHenTra", desk.now)
        desk.save(known)
    return Answer(reply(REPEATED, "Hồ sơ đã được tiếp nhận", SoHoSo=known.fields["SoHoSo"]), took_effect=is_reset)


def _found(desk: Desk, code: str) -> Dossier:
    dossier = desk.find(code)
    if dossier is None:
        raise Refusal(f"Không tìm thấy hồ sơ {code}")
    return dossier


def _by_number(desk: Desk, number: str) -> Dossier:
    row = desk.storage.run(
        "SELECT code FROM dossier WHERE json_extract(document, '$.fields.SoHoSo') = ?", [number]
    ).fetchone()
    return _found(desk, row["code"] if row else number)
