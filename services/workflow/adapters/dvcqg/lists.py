"""The lists of a header: as it replaces the one before, what was told earlier is carried on from what is read back."""

from collections.abc import Callable, Mapping
from typing import Any

from services.workflow.adapters.dvcqg.sentences import cited
from services.workflow.adapters.instants import stamp
from services.workflow.adapters.port import Json, Told

Rows = list[dict[str, Any]]


def lists(told: Told, found: Json) -> Json:
    """Return DanhSachHoSoBoSung and DanhSachLePhi after the fact; the same fact again changes nothing."""
    kept = {"DanhSachHoSoBoSung": _rows(found, "DanhSachHoSoBoSung"), "DanhSachLePhi": _rows(found, "DanhSachLePhi")}
    change = CHANGES.get(told.fact)
    return kept if change is None else kept | change(told, kept)


def _rows(found: Json, name: str) -> Rows:
    rows = found.get(name)
    return [dict(row) for row in rows] if isinstance(rows, list) else []


def _put(rows: Rows, key: str, row: dict[str, str]) -> Rows:
    """Return *rows* with *row* in the place of the one with the same key, or at the end."""
    if any(one.get(key) == row[key] for one in rows):
        return [one | row if one.get(key) == row[key] else one for one in rows]
    return [*rows, row]


def _asked(told: Told, kept: Json) -> Json:
    row = {
        "HoSoBoSungId": f"BS-{told.data['request_no']}",
        "NguoiYeuCauBoSung": told.dossier["receiving_unit_code"],
        "NoiDungBoSung": "Bổ sung: " + ", ".join(told.data["component_codes"]),
        "NgayBoSung": stamp(told.at),
    }
    return {"DanhSachHoSoBoSung": _put(kept["DanhSachHoSoBoSung"], "HoSoBoSungId", row)}


def _brought(told: Told, kept: Json) -> Json:
    row = {
        "HoSoBoSungId": f"BS-{told.data['request_no']}",
        "NguoiTiepNhanBoSung": told.dossier["receiving_unit_code"],
        "NgayTiepNhanBoSung": stamp(told.at),
    }
    return {"DanhSachHoSoBoSung": _put(kept["DanhSachHoSoBoSung"], "HoSoBoSungId", row)}


def _moved(told: Told, kept: Json) -> Json:
    row = {
        "HoSoBoSungId": f"HT-{told.no}",
        "NoiDungBoSung": cited("Hẹn lại ngày trả kết quả", told.data["citation"]),
        "NgayHenTraTruoc": stamp(told.data["from_at"]),
        "NgayHenTraMoi": stamp(told.data["to_at"]),
    }
    return {"DanhSachHoSoBoSung": _put(kept["DanhSachHoSoBoSung"], "HoSoBoSungId", row)}


def _to_pay(told: Told, kept: Json) -> Json:
    void = set(told.data.get("replaces", []))
    name = {"tax": "Thuế", "fee": "Phí, lệ phí"}[told.data["kind"]]
    row = {"MaPhiLePhi": told.data["notice_no"], "TenPhiLePhi": name, "Gia": str(told.data["amount"])}
    still = [one for one in kept["DanhSachLePhi"] if one.get("MaPhiLePhi") not in void]
    return {"DanhSachLePhi": _put(still, "MaPhiLePhi", row)}


CHANGES: Mapping[str, Callable[[Told, Json], Json]] = {
    "SupplementRequested": _asked,
    "SupplementReceived": _brought,
    "DeadlineMoved": _moved,
    "PaymentRequested": _to_pay,
}
