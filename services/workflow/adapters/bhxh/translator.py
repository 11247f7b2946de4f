"""BHXH, social insurance. ASSUMPTION: no public contract exists; this one is our sandbox's (contracts.md §5).

| fact | call | taken | refused |
|---|---|---|---|
| LegOffered, the first | TiepNhanHoSo | 0 or 1 "already here", with SoHoSo | -1 |
| LegOffered, later | none: TraCuuHoSo | it is there and open | closed there; not there ("Không tìm thấy"): gone |
| SupplementReceived | BoSungHoSo | 0 with SoHoSo | -1; of a dossier it has not ("Không tìm thấy"): gone |
| LegCancelled, any other | none exists | – | ``no_call``, nothing is sent: a person tells the office |

Its key is our dossier code, so "already here" proves the effect whoever asks. Anything else is unknown, also a 0 with
an error beside it, and is observed by TraCuuHoSo before the next try. TraCuuHoSo also says what YeuCauBoSung or KetThuc
has said, if it waits or is closed: SoQuyetDinh, and the line of TienDo with which it came into that state.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.workflow.adapters.bhxh import callbacks
from services.workflow.adapters.line import Line, Outside
from services.workflow.adapters.offered import (
    ACCEPTED_AT,
    APPOINTMENT_AT,
    CODE,
    filled,
    lacking,
    no_call,
    supplement_note,
)
from services.workflow.adapters.port import Answer, Heard, Json, Said, Seen, Told
from services.workflow.adapters.words import code_of, utc

OK, REPEATED, ERROR = 0, 1, -1
"""MaLoi."""
OPEN = {"received", "checking", "deciding", "waiting_supplement"}
CLOSED = set(callbacks.ENDS)
"""TrangThai."""
NUMBER = re.compile(r"\d{5}/\d{4}/\d{5}")
UNKNOWN_THERE = "Không tìm thấy"
CALLS = {"LegOffered": "TiepNhanHoSo", "SupplementReceived": "BoSungHoSo"}
"""Every fact that has a call."""
NEEDS = {"LegOffered": (CODE, ACCEPTED_AT, APPOINTMENT_AT), "SupplementReceived": (CODE,)}


class Bhxh:
    """The social insurance office."""

    system = "bhxh"
    reads_back = True

    def __init__(self, outside: Outside) -> None:
        self._line = Line(outside)
        self._now = outside.now

    async def deliver(self, told: Told) -> Said:
        """Make the call of this fact."""
        if told.fact not in CALLS:
            return no_call(told, "BHXH")
        incomplete = lacking(told, *NEEDS[told.fact])
        if incomplete is not None:
            return incomplete
        if told.fact == "LegOffered" and not told.is_first:
            return await self._still_held(told)
        return await self._send(told)

    async def _send(self, told: Told) -> Said:
        body = creation(told, await told.people()) if told.fact == "LegOffered" else supplement(told)
        answer = await self._line.post(CALLS[told.fact], body)
        return answer if isinstance(answer, Said) else judged(told.fact, answer)

    async def _still_held(self, told: Told) -> Said:
        """Say whether a dossier that is offered once more is still worked on there; sent again it could begin anew."""
        found = await self._read(told)
        if isinstance(found, Said):
            is_gone = found.answer is Answer.NO_EFFECT
            return Said(Answer.GONE if is_gone else Answer.NO_EFFECT, found.reason_code, found.message)
        state = found.get("TrangThai")
        if state in CLOSED:
            return Said(Answer.REFUSED, f"closed_there:{state}", "Hồ sơ đã kết thúc tại BHXH; không có lệnh mở lại")
        return Said(Answer.TAKEN, "already_held") if state in OPEN else Said(Answer.NO_EFFECT, "state_unknown")

    async def observe(self, told: Told) -> Said | None:
        """Read the dossier and say whether the try is to be seen in it."""
        if told.fact not in CALLS:
            return Said(Answer.NO_EFFECT)
        found = await self._read(told)
        return found if isinstance(found, Said) else observed(told, found)

    async def look(self, told: Told) -> Seen | Said:
        """Read the dossier; its date and its steps are the office's own, which says so when they change."""
        if not told.dossier.get(CODE):
            return Said(Answer.UNKNOWN, "no_code")
        found = await self._read(told)
        if isinstance(found, Said):
            return Seen(exists=False) if found.answer is Answer.NO_EFFECT else found
        shown = seen(told, found)
        if isinstance(shown, Said) or told.fact not in CALLS:
            return shown
        heard = callbacks.shown(found, self._now())
        if told.fact != "LegOffered":
            return replace(shown, heard=heard)
        answering = tuple(replace(one, delivery_id=told.id) for one in heard.messages) if told.is_first else ()
        return replace(shown, heard=Heard(answering))

    async def _read(self, told: Told) -> Json | Said:
        answer = await self._line.get("TraCuuHoSo", MaHoSoMotCua=str(told.dossier.get("code")))
        return (
            Said(Answer.UNKNOWN, answer.reason_code, answer.message) if isinstance(answer, Said) else dossier_in(answer)
        )

    def hear(self, event: str, body: Json) -> Heard:
        """Translate TienDo, HenTra, YeuCauBoSung and KetThuc."""
        return callbacks.hear(event, body, self._now())

    def reply(self, *, is_taken: bool) -> Json:
        """Return MaLoi 0, or -1."""
        return {"MaLoi": OK, "MoTa": "Đã nhận"} if is_taken else {"MaLoi": ERROR, "MoTa": "Chưa nhận được"}

    async def close(self) -> None:
        """Give back connections."""
        await self._line.close()


def creation(told: Told, people: Mapping[str, Any]) -> Json:
    """Return the body of TiepNhanHoSo; the papers stay with the one-stop, which does not hold them as data here."""
    who = people["applicant"]
    return {
        "MaHoSoMotCua": told.dossier["code"],
        "MaThuTuc": told.dossier["procedure_code"],
        "NguoiNop": filled(
            HoTen=who.get("full_name"), SoDinhDanh=who.get("identity_number"), SoDienThoai=who.get("phone")
        ),
        "NgayTiepNhan": utc(told.dossier["accepted_at"]),
        "NgayHenTra": utc(told.dossier["appointment_at"]),
    }


def supplement(told: Told) -> Json:
    """Return the body of BoSungHoSo; its note is what ``observed`` looks for."""
    return {
        "MaHoSoMotCua": told.dossier["code"],
        "NgayBoSung": utc(told.at.isoformat()),
        "GhiChu": supplement_note(told),
    }


def judged(fact: str, answer: Json) -> Said:
    """Return what an answer means, by the table above."""
    code, words = answer.get("MaLoi"), str(answer.get("MoTa", ""))
    if isinstance(code, bool) or not isinstance(code, int):
        return Said(Answer.UNKNOWN, "no_code")
    is_proven = NUMBER.fullmatch(str(answer.get("SoHoSo", ""))) is not None and "Loi" not in answer
    if is_proven and (code == OK or (code == REPEATED and fact == "LegOffered")):
        return Said(Answer.TAKEN, str(code), words)
    if fact != "LegOffered" and _is_unknown(code, words):
        return Said(Answer.GONE, str(code), words)
    return Said(Answer.REFUSED if code == ERROR else Answer.UNKNOWN, str(code), words)


def dossier_in(answer: Json) -> Json | Said:
    """Return the dossier that was read; NO_EFFECT if there is certainly none, UNKNOWN if the answer says neither."""
    code, words, found = answer.get("MaLoi"), str(answer.get("MoTa", "")), answer.get("HoSo")
    if code == OK and isinstance(found, dict) and "Loi" not in answer:
        return found
    return Said(Answer.NO_EFFECT if _is_unknown(code, words) else Answer.UNKNOWN, str(code), words)


def _is_unknown(code: Any, words: str) -> bool:
    return bool(code == ERROR and words.startswith(UNKNOWN_THERE))


def observed(told: Told, found: Json) -> Said:
    """Say whether a try is to be seen in the dossier that was read."""
    if told.fact == "LegOffered":
        # offered again after it was there: that it is there proves nothing, and ``deliver`` asks what it is
        is_seen = told.is_first and NUMBER.fullmatch(str(found.get("SoHoSo", ""))) is not None
    else:
        steps = found.get("TienDo")
        if not isinstance(steps, list):
            return Said(Answer.UNKNOWN, "no_progress")
        is_seen = any(isinstance(one, dict) and one.get("NoiDung") == supplement_note(told) for one in steps)
    return Said(Answer.TAKEN if is_seen else Answer.NO_EFFECT, "observed")


def seen(told: Told, found: Json) -> Seen | Said:
    """Return what the dossier shows; a state or a procedure that can not be one is not understood."""
    procedure = code_of(str(found.get("MaThuTuc") or ""))
    if found.get("TrangThai") not in OPEN | CLOSED or not procedure:
        return Said(Answer.UNKNOWN, "state_unknown")
    is_offered_again = told.fact == "LegOffered" and not told.is_first
    if told.fact not in CALLS or is_offered_again:
        return Seen(state={"procedure_code": procedure})
    last = observed(told, found)
    if last.answer is Answer.UNKNOWN:
        return last
    return Seen(state={"procedure_code": procedure}, has_last=last.answer is Answer.TAKEN)
