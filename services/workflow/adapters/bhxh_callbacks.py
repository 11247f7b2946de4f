"""What BHXH calls back, as messages. Every callback is a sign of work, so it also says that the leg was taken over."""

from collections.abc import Callable
from datetime import datetime

from services.workflow.adapters.port import Heard, Json, Message, Unreadable
from services.workflow.adapters.words import day_of, instant_in, integer_in, message_id, note_in, text_in

OUTCOMES = {0: "issued", 1: "not_eligible"}
"""KetQua → the outcomes of the route's leg; another value is not understood."""
Kinds = list[tuple[str, Json]]


def hear(event: str, body: Json, now: datetime) -> Heard:
    """Return the messages of one callback; Unreadable if it is none of the four."""
    if event not in _EVENTS:
        raise Unreadable("unknown event")
    code, (time_field, translate) = text_in(body, "MaHoSoMotCua"), _EVENTS[event]
    at = instant_in(body, time_field) if time_field else day_of(now)
    day = [] if time_field else [at.date().isoformat()]
    kinds = [("leg_acknowledged", Json()), *translate(body)]
    return Heard(tuple(Message(message_id(event, body, kind, *day), code, kind, at, data) for kind, data in kinds))


def _progress(body: Json) -> Kinds:
    return [("progressed", {"step_code": text_in(body, "Buoc"), "text": note_in(body, "NoiDung")})]


def _date(body: Json) -> Kinds:
    due_at = instant_in(body, "NgayHenTraMoi").isoformat()
    return [*_note(body, "HenTra", "LyDo"), ("date_proposed", {"due_at": due_at, "reason_code": "bhxh_appointment"})]


def _supplement(body: Json) -> Kinds:
    proposed = {"ground": "supplement", "component_codes": [], "note": text_in(body, "NoiDung")}
    return [("supplement_proposed", proposed)]


def _end(body: Json) -> Kinds:
    outcome = OUTCOMES.get(integer_in(body, "KetQua"))
    if outcome is None:
        raise Unreadable("KetQua is not in the table")
    decision = note_in(body, "SoQuyetDinh")
    completed = {"outcome": outcome, **({"document_no": decision} if decision else {})}
    return [*_note(body, "KetThuc", "GhiChu"), ("leg_completed", completed)]


def _note(body: Json, step_code: str, name: str) -> Kinds:
    """Keep the words beside a date or an end: the message for those has no place for them."""
    text = note_in(body, name)
    return [("progressed", {"step_code": step_code, "text": text})] if text else []


_EVENTS: dict[str, tuple[str | None, Callable[[Json], Kinds]]] = {
    "TienDo": ("ThoiDiem", _progress),
    "HenTra": (None, _date),
    "YeuCauBoSung": ("ThoiDiem", _supplement),
    "KetThuc": ("NgayKetThuc", _end),
}
"""Callback → the field that says when, and what it amounts to."""
