"""What BHXH calls back, as messages; the words beside a date or an end are kept as a line of progress."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from services.workflow.adapters.port import Heard, Json, Unreadable
from services.workflow.adapters.words import (
    INCOMPLETE,
    LONGEST_TEXT,
    Events,
    Kinds,
    code_of,
    heard,
    instant_in,
    integer_in,
    note_in,
    progressed,
    text_in,
)

OUTCOMES = {0: "issued", 1: "not_eligible"}
"""KetQua → the outcomes of the route's leg; another value is not understood."""
TAKEN_OVER = {"checking"}
"""Buoc: the office has begun, so the leg is acknowledged. An end says that by itself."""


def hear(event: str, body: Json, now: datetime) -> Heard:
    """Return the messages of one callback; Unreadable if it is none of the four."""
    return heard(_EVENTS, event, "MaHoSoMotCua", body, now)


def shown(found: Json, now: datetime) -> Heard:
    """Return what the callback of the state in which a dossier was read has said, word for word: the same message.

    Only of states that ask something of the one-stop unit, from the line with which it came into the state: dates that
    moved since have lines of their own. What can not be rebuilt says nothing.
    """
    state, steps = str(found.get("TrangThai")), found.get("TienDo")
    since = [*takewhile(lambda line: line.get("Buoc") == state, reversed(_lines(steps)))]
    if state not in _SAID_BY or not since:
        return Heard()
    event, body = _SAID_BY[state](found, since[-1])
    whose = {name: found.get(name) for name in ("MaHoSoMotCua", "SoHoSo")}
    who = {**whose, "NguoiXuLy": since[-1].get("NguoiXuLy")}
    try:
        return hear(event, who | body, now)
    except Unreadable:
        return Heard()


def _lines(steps: Any) -> list[Json]:
    rows = steps if isinstance(steps, list) else []
    return [one if isinstance(one, dict) else {} for one in rows]


def _asked(_: Json, line: Json) -> tuple[str, Json]:
    return "YeuCauBoSung", {"NoiDung": line.get("NoiDung"), "ThoiDiem": line.get("ThoiDiem")}


def _ended(found: Json, line: Json) -> tuple[str, Json]:
    end = {"KetQua": ENDS[found["TrangThai"]], "SoQuyetDinh": found.get("SoQuyetDinh")}
    return "KetThuc", {**end, "NgayKetThuc": line.get("ThoiDiem"), "GhiChu": line.get("NoiDung")}


ENDS = {"finished": 0, "refused": 1}
"""TrangThai → KetQua."""
_SAID_BY: Mapping[str, Callable[[Json, Json], tuple[str, Json]]] = {
    "waiting_supplement": _asked,
    **dict.fromkeys(ENDS, _ended),
}


def _progress(body: Json) -> Kinds:
    step = text_in(body, "Buoc")
    line = progressed(step, "TienDo", note_in(body, "NoiDung"))
    return [line, *([("leg_acknowledged", Json())] if step in TAKEN_OVER else [])]


def _date(body: Json) -> Kinds:
    due_at = instant_in(body, "NgayHenTraMoi").isoformat()
    return [*_note("HenTra", note_in(body, "LyDo")), ("date_proposed", {"due_at": due_at, "reason_code": "bhxh_date"})]


def _supplement(body: Json) -> Kinds:
    proposed = {"ground": INCOMPLETE, "component_codes": [], "note": text_in(body, "NoiDung")[:LONGEST_TEXT]}
    return [("supplement_proposed", proposed)]


def _end(body: Json) -> Kinds:
    outcome = OUTCOMES.get(integer_in(body, "KetQua"))
    if outcome is None:
        raise Unreadable("KetQua is not in the table")
    decision = note_in(body, "SoQuyetDinh")
    number = code_of(decision)
    completed = {"outcome": outcome, **({"document_no": number} if number else {})}
    return [*_note("KetThuc", note_in(body, "GhiChu"), "" if number else decision), ("leg_completed", completed)]


def _note(event: str, *parts: str) -> Kinds:
    return [progressed(event, event, *parts)] if any(parts) else []


_EVENTS: Events = {
    "TienDo": ("ThoiDiem", _progress),
    "HenTra": (None, _date),
    "YeuCauBoSung": ("ThoiDiem", _supplement),
    "KetThuc": ("NgayKetThuc", _end),
}
