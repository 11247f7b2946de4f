"""The messages of the tax gateway (contracts.md §4); inside the sections of a slip any field is taken."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from deploy.sandbox.outside.forms import Form, Instant


class Message(Form):
    """What every message carries: its type, its own id, and the id of the one it answers."""

    MSG_TYPE: str
    SEQ_ID: str = Field(min_length=1, max_length=64)
    SEQ_REFID: str = ""


class Common(Form):
    """TT_CHUNG: whose slip this is."""

    model_config = ConfigDict(extra="allow")
    MA_HS: str = Field(min_length=1)
    SO_PHIEU: str = Field(min_length=1)
    NGAYCHUYEN: Instant


class Slip(Form):
    """The body of type 10, the phiếu chuyển."""

    TT_CHUNG: Common
    TT_NSD: dict[str, Any]
    TT_THUADAT: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)
    TT_NHA: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)
    TT_CHUYENNHUONG: dict[str, Any] = Field(default_factory=dict)
    TT_MIENGIAM: dict[str, Any] = Field(default_factory=dict)
    NVTC: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)


class SlipMessage(Message):
    """Type 10."""

    MSG_TYPE: Literal["10"]
    BODY: Slip


class Asked(Form):
    """Whose notices are asked for."""

    MA_HS: str = Field(min_length=1)


class Query(Message):
    """Types 14, 16 and 17."""

    MSG_TYPE: Literal["14", "16", "17"]
    BODY: Asked


class Payment(Form):
    """TrangThaiThanhToan 1 is paid; anything else changes nothing."""

    MaThongBaoThue: str = Field(min_length=1)
    ThoiGianThanhToan: Instant
    SoTien: int = Field(gt=0)
    TrangThaiThanhToan: int


class Voucher(Form):
    """The proof of one payment; the source names not all of its fields, so others are taken."""

    model_config = ConfigDict(extra="allow")
    MaHoSo: str = Field(min_length=1)
    MaSoThue: str = Field(min_length=1)
    ThongTinThanhToan: Payment
