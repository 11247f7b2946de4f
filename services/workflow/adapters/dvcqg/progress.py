"""One line of progress per fact, and how ours are found among those that the portal reads back.

A line of ours begins with the number of its delivery in the lane ("Bước 7: …"): a citizen reads it as the step it is,
and with its instant it finds the line again, whatever words a later release chooses.
"""

import re
from collections.abc import Sequence

from services.workflow.adapters.dvcqg.codes import log_code
from services.workflow.adapters.dvcqg.sentences import sentence
from services.workflow.adapters.instants import stamp
from services.workflow.adapters.port import Json, Told

MARK = re.compile(r"Bước ([1-9]\d{0,6}): ")
LONGEST_NAME = 50
"""What NguoiXuLy holds."""


def line(told: Told, number: str) -> Json | None:
    """Return the line of CapNhatTienDoHoSoMC that tells the fact; None if it has no words."""
    text = sentence(told.fact, told.data)
    if text is None:
        return None
    who = who_did(told)[:LONGEST_NAME]
    found = {
        "MaHoSo": number,
        "NguoiXuLy": who,
        "PhongBanXuLy": who,
        "ThoiDiemXuLy": stamp(told.at),
        "NoiDungXuLy": f"{_mark(told.no)}{text}",
        "TrangThai": log_code(told.dossier),
    }
    if told.data.get("due_at"):
        found["NgayKetThucTheoQuyDinh"] = stamp(told.data["due_at"])
    return found


def is_there(told: Told, lines: Sequence[Json]) -> bool:
    """Say whether the line of this delivery is among *lines*.

    Of one that may have been told before, the same words of the same instant are it under any number: workflow,
    restored from a backup, may number facts that cross in another order than before.
    """
    at, mark, words = stamp(told.at), _mark(told.no), sentence(told.fact, told.data)
    texts = [str(one.get("NoiDungXuLy") or "") for one in lines if one.get("ThoiDiemXuLy") == at]
    return any(text.startswith(mark) or (told.is_repeat and MARK.sub("", text, count=1) == words) for text in texts)


def numbers(lines: Sequence[Json]) -> tuple[int, ...]:
    """Return the numbers of the deliveries whose lines these are, as they stand; lines of others are passed over."""
    found = (MARK.match(str(one.get("NoiDungXuLy") or "")) for one in lines)
    return tuple(int(mark[1]) for mark in found if mark)


def who_did(told: Told) -> str:
    """Return the agency that the fact names; the receiving unit speaks for whoever it does not name."""
    stretch = told.data.get("automatic") or {}
    named = told.data.get("agency_code") or stretch.get("agency_code") or told.dossier["receiving_unit_code"]
    return str(named)


def _mark(no: int) -> str:
    return f"Bước {no}: "
