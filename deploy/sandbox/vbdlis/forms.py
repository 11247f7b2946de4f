"""The bodies of VBDLIS's calls (contracts.md §3). Which fields are required is our reading: the source marks none."""

import base64
import binascii
import hashlib
from typing import Any

from pydantic import Field

from deploy.sandbox.outside.forms import Form, Instant


class File(Form):
    """An attached file, base64."""

    name: str
    data: str


class Paper(Form):
    """An attached paper."""

    TenGiayTo: str
    SoBanChinh: int = 0
    SoBanSao: int = 0
    TapTin: File | None = None


class Submitter(Form):
    """Who handed the dossier in."""

    HoTen: str = Field(min_length=1)
    SoChungMinh: str | None = None
    DiaChiChiTiet: str | None = None
    SoDienThoai: str | None = None
    Email: str | None = None


class Procedure(Form):
    """The procedure in VBDLIS's own numbering."""

    MaQuyTrinh: str = Field(min_length=1)
    TenQuyTrinh: str | None = None


class Parcel(Form):
    """A parcel of land."""

    SoThuTuThua: str
    SoHieuBanDo: str
    DienTich: float | None = None
    DiaChiChiTiet: str | None = None


class Named(Form):
    """Every call names the receipt number."""

    SoBienNhan: str = Field(min_length=1, max_length=100)


class Reception(Named):
    """tiepnhan."""

    MaHoSoMotCua: str | None = None
    NguoiTiepNhan: str = Field(min_length=1)
    NgayTiepNhan: Instant
    NgayHenTra: Instant
    TinhId: int | str | None = None
    HuyenId: int | str | None = None
    XaId: int | str | None = None
    LaQuyTrinhCapTinh: bool = False
    DiaChiTaiSan: str | None = None
    ThongTinNguoiNopDon: Submitter
    ThongTinQuyTrinh: Procedure
    ThongTinThuaDat: list[Parcel] = Field(default_factory=list)
    DanhSachGiayToDinhKem: list[Paper] = Field(default_factory=list)


class Supplement(Named):
    """capnhattrangthaibosunghoso."""

    NgayHenTraMoi: Instant
    GhiChu: str | None = None
    DanhSachGiayToBoSung: list[Paper] = Field(default_factory=list)


class Return(Named):
    """capnhattrangthaitraketquahoso."""

    NgayTra: Instant


class WrongResult(Named):
    """phanhoihososaiketqua."""

    NoiDung: str = Field(min_length=1)
    DanhSachGiayToDinhKem: list[Paper] = Field(default_factory=list)


def without_files(said: Any) -> Any:
    """Return *said* with the bytes of every file replaced by their number and SHA-256."""
    if isinstance(said, list):
        return [without_files(one) for one in said]
    if not isinstance(said, dict):
        return said
    if set(said) == {"name", "data"}:
        content = _bytes(str(said["data"]))
        return {"name": said["name"], "n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {key: without_files(value) for key, value in said.items()}


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return data.encode()
