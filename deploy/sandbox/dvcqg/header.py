"""The bodies of dialect A (contracts.md §2): every value is a string, instants are ``yyyyMMddHHmmss``."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from deploy.sandbox.dvcqg.states import NOT_RECEIVED, STATES, read_stamp
from deploy.sandbox.outside.forms import Form


def _is_stamp(text: str) -> str:
    if len(text) != 14 or not text.isdecimal():
        msg = "yyyyMMddHHmmss is needed"
        raise ValueError(msg)
    read_stamp(text)
    return text


def _is_state(text: str) -> str:
    if text not in STATES:
        msg = "a state from 1 to 10 is needed"
        raise ValueError(msg)
    return text


Text = Annotated[str, Field(min_length=1)]
Stamp = Annotated[str, AfterValidator(_is_stamp)]
State = Annotated[str, AfterValidator(_is_state)]
Bit = Literal["0", "1"]
Rows = list[dict[str, str]]


class Identity(Form):
    """DinhDanhCHS."""

    LoaiDinhDanh: Literal["1", "2"]
    SoDinhDanh: Text


class Submitted(Form):
    """TaiLieuNop."""

    TepDinhKemId: str = ""
    TenTepDinhKem: str = ""
    IsDeleted: str = ""
    MaThanhPhanHoSo: str = ""
    DuongDanTaiTepTin: str = ""
    DuocSoHoa: str = ""
    DuocTaiSuDung: str = ""
    DuocLayTuKhoDMQG: str = ""
    MaKetQuaThayThe: str = ""


class Supplement(Form):
    """DanhSachHoSoBoSung: also where a moved due date is explained."""

    HoSoBoSungId: str = ""
    NguoiYeuCauBoSung: str = ""
    NoiDungBoSung: str = ""
    NgayBoSung: str = ""
    NguoiTiepNhanBoSung: str = ""
    ThongTinTiepNhan: str = ""
    NgayTiepNhanBoSung: str = ""
    TrangThaiBoSung: str = ""
    DanhSachGiayToBoSung: Rows = Field(default_factory=list)
    DanhSachLePhiBoSung: Rows = Field(default_factory=list)
    NgayHenTraTruoc: str = ""
    NgayHenTraMoi: str = ""


class Register(Form):
    """DSKetNoiCSDL."""

    MaCSDL: Text


class Fee(Form):
    """DanhSachLePhi."""

    TenPhiLePhi: str = ""
    MaPhiLePhi: str = ""
    HinhThucThu: str = ""
    Gia: str = ""
    LoaiPhiLePhi: str = ""


class OtherPaper(Form):
    """DanhSachTepDinhKemKhac."""

    TenGiayTo: str = ""
    SoLuong: str = ""
    LoaiGiayTo: str = ""


class ResultPaper(Form):
    """DanhSachGiayToKetQua."""

    TenGiayTo: str = ""
    MaThanhPhanHoSo: str = ""
    GiayToId: str = ""
    DuongDanTepTinKetQua: str = ""
    MaGiayToKetQua: str = ""


class Header(Form):
    """One entry of DongBoHoSoMC."""

    MaHoSo: Text
    MaTTHC: Text
    TenTTHC: Text
    MaLinhVuc: Text
    TenLinhVuc: Text
    KenhThucHien: Literal["1", "2", "3"]
    ChuHoSo: Text
    LoaiDoiTuong: Literal["1", "2", "3", "4"]
    MaDoiTuong: str | None = None
    SoGiayToChuHoSo: str | None = None
    DinhDanhCHS: Identity | list[Identity] | None = None
    Email: str | None = None
    Fax: str | None = None
    SoDienThoai: str | None = None
    TrichYeuHoSo: Annotated[str, Field(max_length=1_000)] | None = None
    NgayNopHoSo: Stamp | None = None
    NgayTiepNhan: Stamp | None = None
    NgayHenTra: Stamp | None = None
    TrangThaiHoSo: State
    NgayTuChoi: Stamp | None = None
    NgayKetThucXuLy: Stamp | None = None
    NgayTra: Stamp | None = None
    ThongTinTra: str | None = None
    HinhThuc: Bit | None = None
    DonViXuLy: str | None = None
    GhiChu: str | None = None
    NoiNopHoSo: str | None = None
    HoSoCoThanhPhanSoHoa: Bit | None = None
    TaiKhoanDuocXacThucVoiVNeID: Bit | None = None
    DuocThanhToanTrucTuyen: Literal["0", "1", "2"] | None = None
    DSKetNoiCSDL: list[Register] = Field(default_factory=list)
    TaiLieuNop: list[Submitted] = Field(default_factory=list)
    DanhSachLePhi: list[Fee] = Field(default_factory=list)
    DanhSachTepDinhKemKhac: list[OtherPaper] = Field(default_factory=list)
    DanhSachHoSoBoSung: list[Supplement] = Field(default_factory=list)
    DanhSachGiayToKetQua: list[ResultPaper] = Field(default_factory=list)

    @model_validator(mode="after")
    def _dates(self) -> "Header":
        if self.TrangThaiHoSo not in NOT_RECEIVED and not (self.NgayTiepNhan and self.NgayHenTra):
            msg = "NgayTiepNhan and NgayHenTra are needed once a dossier is received"
            raise ValueError(msg)
        if self.KenhThucHien == "2" and not self.MaDoiTuong:
            msg = "MaDoiTuong is needed for an online dossier"
            raise ValueError(msg)
        return self


class Step(Form):
    """One entry of CapNhatTienDoHoSoMC; a null NoiDungXuLy is refused."""

    MaHoSo: Text
    NguoiXuLy: Annotated[str, Field(min_length=1, max_length=50)]
    ChucDanh: str | None = None
    ThoiDiemXuLy: Stamp
    PhongBanXuLy: str | None = None
    NoiDungXuLy: Text
    TrangThai: State
    NgayBatDau: Stamp | None = None
    NgayKetThucTheoQuyDinh: Stamp | None = None


class Envelope(Form):
    """What every call carries."""

    session: Text
    madonvi: Text
    service: Text


class Sync(Envelope):
    """DongBoHoSoMC."""

    is_updating: Literal["True", "False"] = Field("False", alias="isUpdating")
    data: list[Header] = Field(min_length=1)


class Steps(Envelope):
    """CapNhatTienDoHoSoMC, ten at most."""

    data: list[Step] = Field(min_length=1, max_length=10)


class Question(Envelope):
    """TraCuuHoSo."""

    mahoso: Text


class Login(Form):
    """Opens a session."""

    username: Text
    password: Text
