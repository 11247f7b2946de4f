"""The bodies of dialect B (contracts.md §2): integers for states, ISO dates. CapNhatTienTrinh's are our assumption."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from deploy.sandbox.dvcqg.states import read_stamp
from deploy.sandbox.outside.forms import Form


def _is_iso(text: str) -> str:
    if "-" not in text:
        msg = "an ISO 8601 date or instant is needed"
        raise ValueError(msg)
    read_stamp(text)
    return text


Iso = Annotated[str, AfterValidator(_is_iso)]
State = Annotated[int, Field(ge=1, le=10, strict=True)]
Text = Annotated[str, Field(min_length=1)]
WITH_LISTS = {5, 6, 9}


class Credentials(Form):
    """GetToken."""

    client_id: Text
    client_secret: Text


class Series(Form):
    """GetNextValue: the code of the series, such as that of a unit."""

    code: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.]{0,40}$")]


class Component(Form):
    """One paper; LoaiBan 0 original, 1 copy, 2 electronic."""

    model_config = ConfigDict(extra="allow")
    LoaiBan: Literal[0, 1, 2]


class Creation(Form):
    """CreateDossier; LoaiDoiTuong 0 citizen, 1 business, 2 household."""

    MaHoSo: Text
    MaTTHC: Text
    MaDichVuCong: str | None = None
    ChuHoSo: Text
    LoaiDoiTuong: Literal[0, 1, 2]
    MaDonViTiepNhan: Text
    NgayNop: Iso
    NgayTiepNhan: Iso | None = None
    ThanhPhanHoSo: list[Component] = Field(default_factory=list)
    ThongTinNguoiNop: dict[str, Any] = Field(default_factory=dict)
    EformThongTinChiTiet: dict[str, Any] | str | None = None


class Named(Form):
    """Both ids of a dossier: they have to belong together."""

    IdHoSo: Text
    MaHoSo: Text


class Progress(Named):
    """CapNhatTienTrinh."""

    NguoiXuLy: Text
    ChucDanh: str | None = None
    DonViXuLy: str | None = None
    ThoiDiemXuLy: Iso
    NoiDungXuLy: Text
    TrangThai: State


class Status(Named):
    """CapNhatTrangThai; fees and results only with 5, 6 and 9."""

    TrangThai: State
    NoiDungYKien: str = ""
    DanhSachLePhi: list[dict[str, Any]] | None = None
    DanhSachGiayToKetQua: list[dict[str, Any]] | None = None

    @model_validator(mode="after")
    def _lists(self) -> "Status":
        if (self.DanhSachLePhi or self.DanhSachGiayToKetQua) and self.TrangThai not in WITH_LISTS:
            msg = "DanhSachLePhi and DanhSachGiayToKetQua go only with 5, 6 and 9"
            raise ValueError(msg)
        return self
