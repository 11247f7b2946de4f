"""The books of one dossier at the tax office: its slips, their notices, what was paid."""

from typing import Any

from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.tax.states import OFFICE_CODE


def slip_of(dossier: Dossier, seq_id: str | None) -> dict[str, Any] | None:
    """Return a slip by its SEQ_ID, or the last one."""
    slips: list[dict[str, Any]] = dossier.fields["slips"]
    return next((one for one in reversed(slips) if seq_id in {None, one["SEQ_ID"]}), None)


def notices_of(dossier: Dossier) -> list[dict[str, Any]]:
    """Return the notices of all slips; two slips sent for one dossier mean that it owes twice."""
    return [notice for slip in dossier.fields["slips"] for notice in slip["LIST"]]


def totals(dossier: Dossier, slip: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what is owed and paid, in all or on one slip."""
    slips = [slip] if slip else dossier.fields["slips"]
    notices = [notice for one in slips for notice in one["LIST"]]
    owed = sum(notice["SO_TIEN"] for notice in notices)
    relief = sum(one["TONG_MIEN_GIAM"] for one in slips)
    numbers = {notice["SO_QUYET_DINH"] for notice in notices}
    paid = sum(one["SoTien"] for one in dossier.fields["payments"] if one["MaThongBaoThue"] in numbers)
    return {
        "MA_CQT": OFFICE_CODE,
        "TONG_PHAI_NOP": owed,
        "TONG_MIEN_GIAM": relief,
        "TONG_DA_NOP": paid,
        "TONG_CON_PNOP": max(0, owed - relief - paid),
    }
