"""The header of a dossier as DongBoHoSoMC wants it, and whether the portal still has to get it."""

import re
from collections.abc import Mapping
from typing import Any

from services.workflow.adapters.dvcqg.catalogue import Names
from services.workflow.adapters.dvcqg.codes import CHANNEL, DELIVERY, KIND, header_code, is_over_there
from services.workflow.adapters.dvcqg.lists import lists
from services.workflow.adapters.instants import stamp
from services.workflow.adapters.port import Json, Told

MARK = re.compile(r"LT:(\d+):(\d+)$")
"""Ends GhiChu: the number of the delivery that the header stands for, and the code it was given with it."""
ALWAYS = frozenset(
    {
        "DossierSubmitted", "DossierAccepted", "DossierRefused", "SupplementRequested", "SupplementReceived",
        "PaymentRequested", "ApplicantChanged", "DossierWithdrawn", "DossierStopped", "ResultPosted",
        "ResultReturned", "DossierReopened", "RouteCompleted", "DeadlineMoved",
    }
)  # fmt: skip
"""Facts that change the header."""
IF_MOVED = frozenset({"LegAcknowledged", "PaymentRecorded"})
"""Facts that change it only if they change the state: the first leg taken over, the last notice paid."""


def header(told: Told, number: str, names: Names, people: Mapping[str, Any], found: Json) -> Json:
    """Return the whole header, which replaces *found*; without *people*, all that is not personal."""
    dossier = told.dossier
    code = header_code(dossier)
    fields = {
        "MaHoSo": number,
        "MaTTHC": dossier["procedure_code"],
        "TenTTHC": names.procedure,
        "MaLinhVuc": dossier["field_code"],
        "TenLinhVuc": names.field,
        "KenhThucHien": CHANNEL[dossier["channel"]],
        "LoaiDoiTuong": KIND[dossier["applicant_kind"]],
        "TrangThaiHoSo": code,
        "HinhThuc": DELIVERY.get(dossier["result_delivery"]),
        "NoiNopHoSo": dossier["receiving_unit_code"],
        "DonViXuLy": dossier["receiving_unit_code"],
        "GhiChu": " ".join(part for part in (dossier.get("code"), f"LT:{told.no}:{code}") if part),
        **_dates(dossier),
        **(_who(people, is_online=dossier["channel"] == "online") if people else {}),
        **lists(told, found),
    }
    return {name: value for name, value in fields.items() if value}


def is_missing(told: Told, number: str, names: Names, found: Json | None) -> bool:
    """Say whether the portal still has to get the header of this delivery; a later one stands for it."""
    mark = mark_of(found)
    if found is None or mark is None:
        return True
    if is_over_there(told.dossier, found.get("TrangThaiHoSo")):
        return False
    no, code = mark
    if no != told.no:
        is_moved = told.fact in IF_MOVED and header_code(told.dossier) != code
        return no < told.no and (told.fact in ALWAYS or is_moved)
    expected = header(told, number, names, {}, found)
    return any(found.get(name) != value for name, value in expected.items())


def is_foreign(told: Told, found: Json | None) -> bool:
    """Say whether somebody else changed the state since we told it, and not to what is told now.

    Such a change, the withdrawal of a citizen at the portal, is never written over.
    """
    mark = mark_of(found)
    if found is None or mark is None:
        return False
    shown = found.get("TrangThaiHoSo")
    return shown not in {mark[1], header_code(told.dossier)} and not is_over_there(told.dossier, shown)


def mark_of(found: Json | None) -> tuple[int, str] | None:
    """Return the number and the code that we told last; None if there is no header, or none of ours."""
    mark = MARK.search(str((found or {}).get("GhiChu") or ""))
    return (int(mark[1]), mark[2]) if mark else None


def _dates(dossier: Json) -> Json:
    """Return the dates as we hold them: they never count anew."""
    ended, status = dossier.get("ended_at"), dossier["status"]
    dates = {
        "NgayNopHoSo": dossier["submitted_at"],
        "NgayTiepNhan": dossier.get("accepted_at"),
        "NgayHenTra": dossier.get("appointment_at"),
        "NgayTuChoi": ended if status == "refused" else None,
        "NgayKetThucXuLy": dossier.get("resolved_at") or (ended if status in {"withdrawn", "stopped"} else None),
        "NgayTra": ended if status == "returned" else None,
    }
    return {name: stamp(at) for name, at in dates.items() if at}


def _who(people: Mapping[str, Any], *, is_online: bool) -> Json:
    """Return the applicant's fields; MaDoiTuong of an online dossier is taken to be the identity number."""
    identity = people.get("identity_number")
    kind = {12: "1", 9: "2"}.get(len(identity)) if identity and identity.isdecimal() else None
    return {
        "ChuHoSo": people.get("full_name"),
        "MaDoiTuong": identity if is_online else None,
        "SoGiayToChuHoSo": identity,
        "DinhDanhCHS": [{"LoaiDinhDanh": kind, "SoDinhDanh": identity}] if kind else None,
        "SoDienThoai": people.get("phone"),
        "Email": people.get("email"),
    }
