"""What a dossier shows at the portal, in our words: what is in no table is not understood, and never in step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.workflow.adapters.dvcqg.codes import STATE, header_code
from services.workflow.adapters.dvcqg.header import MARK, mark_of
from services.workflow.adapters.dvcqg.progress import numbers
from services.workflow.adapters.port import Answer, Json, Said, Seen, Told
from services.workflow.adapters.words import code_of
from shared.worktime import LOCAL

STATUS: Mapping[str, str] = {code: status for status, code in reversed(list(STATE.items()))}
"""The first of our states that has the code."""
CODES = {"procedure_code": "MaTTHC", "receiving_unit_code": "DonViXuLy"}
DATES = {"accepted_at": "NgayTiepNhan", "appointment_at": "NgayHenTra"}


def seen(told: Told, found: Json | None) -> Seen | Said:
    """Return what the portal shows of a dossier; *told* is the last delivery that it has taken."""
    if found is None:
        return Seen(exists=False)
    mark, lines = mark_of(found), found.get("DanhSachTienDo")
    try:
        state = {**_status(told, found, mark), **_codes(found), **_dates(found)}
        log = numbers(_rows(lines))
    except ValueError as error:
        return Said(Answer.UNKNOWN, "unreadable_answer", str(error))
    return Seen(state=state, stands_at=mark[0] if mark else None, log=log)


def _status(told: Told, found: Json, mark: tuple[int, str] | None) -> Json:
    """Return the state; it is left out if it is, unchanged, the one that our header was told with."""
    code = str(found.get("TrangThaiHoSo"))
    if code == header_code(told.dossier):
        return {"status": told.dossier["status"]}
    if mark is not None and code == mark[1]:
        return {}
    if code not in STATUS:
        msg = "TrangThaiHoSo is not in the table"
        raise ValueError(msg)
    return {"status": STATUS[code]}


def _codes(found: Json) -> Json:
    ours = MARK.search(str(found.get("GhiChu") or ""))
    noted = {"code": found["GhiChu"][: ours.start()]} if ours else {}
    return {name: _code(text) for name, text in {**{n: found.get(t) for n, t in CODES.items()}, **noted}.items()}


def _code(value: Any) -> str | None:
    text = str(value or "").strip()
    if text and code_of(text) != text:
        msg = "not a code"
        raise ValueError(msg)
    return text or None


def _dates(found: Json) -> Json:
    return {name: _instant(found.get(theirs)) for name, theirs in DATES.items()}


def _instant(value: Any) -> str | None:
    if not value:
        return None
    return datetime.strptime(str(value), "%Y%m%d%H%M%S").replace(tzinfo=LOCAL).isoformat()


def _rows(lines: Any) -> list[Json]:
    if not isinstance(lines, list) or not all(isinstance(one, dict) for one in lines):
        msg = "no log"
        raise ValueError(msg)
    return lines
