"""What is sent: the slip (phiếu chuyển, type 10), the voucher of a payment, the queries 14 and 16."""

from collections.abc import Mapping
from typing import Any

from services.workflow.adapters.instants import iso
from services.workflow.adapters.port import Json, Told
from services.workflow.adapters.tax.ids import query_id, seq_id

SLIP, RESULT, ASK_NOTICES, ASK_OBLIGATION = "10", "11", "14", "16"
"""MSG_TYPE."""
PAID = 1
"""TrangThaiThanhToan."""
PARCEL: Mapping[str, str] = {
    "parcel_no": "SO_THUA",
    "map_sheet_no": "SO_TO_BAN_DO",
    "area_m2": "DIEN_TICH",
    "parcel_address": "DIA_CHI",
}
TRANSFER: Mapping[str, str] = {"transfer_kind": "HINH_THUC", "price_vnd": "GIA_TRI"}
PERSON: Mapping[str, str] = {
    "full_name": "HO_TEN",
    "identity_number": "SO_GIAYTO",
    "phone": "DIEN_THOAI",
    "email": "EMAIL",
    "address": "DIA_CHI",
}


def slip(told: Told, people: Mapping[str, Any]) -> Json:
    """Return message 10; the same delivery always gives the same SEQ_ID."""
    dossier, attributes = told.dossier, told.dossier.get("attributes", {})
    common = {
        "MA_HS": dossier["code"],
        "SO_PHIEU": f"{dossier['code']}/{told.data['leg_no']}",
        "NGAYCHUYEN": iso(told.at),
        "LOAI_HOSO": dossier["procedure_code"],
        "CQ_CHUYEN": dossier["receiving_unit_code"],
        "CQ_NHAN": told.data.get("agency_code"),
        "HAN_XULY": iso(told.data["due_at"]) if told.data.get("due_at") else None,
    }
    body = {
        "TT_CHUNG": {name: value for name, value in common.items() if value is not None},
        "TT_NSD": _named(PERSON, people),
        "TT_THUADAT": _named(PARCEL, attributes),
        "TT_CHUYENNHUONG": _named(TRANSFER, attributes),
    }
    return {"MSG_TYPE": SLIP, "SEQ_ID": seq_id(told.id), "SEQ_REFID": "", "BODY": body}


def voucher(told: Told, tax_number: str) -> Json:
    """Return the proof of one payment; the gateway knows it again by the notice and the instant of payment."""
    paid = {
        "MaThongBaoThue": told.data["notice_no"],
        "ThoiGianThanhToan": iso(told.data["paid_at"]),
        "SoTien": told.data["amount"],
        "TrangThaiThanhToan": PAID,
    }
    return {"MaHoSo": told.dossier["code"], "MaSoThue": tax_number, "ThongTinThanhToan": paid}


def query(kind: str, told: Told) -> Json:
    """Return a query about the dossier: 14 its notices, 16 what it owes."""
    body = {"MA_HS": told.dossier["code"]}
    return {"MSG_TYPE": kind, "SEQ_ID": query_id(kind, told.id), "SEQ_REFID": "", "BODY": body}


def _named(names: Mapping[str, str], values: Mapping[str, Any]) -> Json:
    return {theirs: values[ours] for ours, theirs in names.items() if values.get(ours) is not None}
