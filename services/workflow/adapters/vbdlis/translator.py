"""VBDLIS, the land registry (contracts.md §3). Its key is SoBienNhan, our dossier code; it has no read-back.

| fact | call | yes | no | proves an unknown try |
|---|---|---|---|---|
| LegOffered (first) | tiepnhan | Thành công | đã tồn tại | đã tồn tại |
| SupplementReceived | capnhattrangthaibosunghoso | Cập nhật thành công | không chờ bổ sung | không chờ bổ sung |
| ResultReturned | capnhattrangthaitraketquahoso | Cập nhật thành công | đã được trả; chưa kết thúc… | đã được trả |
| DossierReopened | phanhoihososaiketqua | Đã ghi nhận phản hồi | chưa có kết quả | – |

A later LegOffered needs no call: it holds the dossier since the first, by a yes in this lane, so it is taken,
``already_held``; ``tiepnhan`` once more could only reset its dates. For DossierWithdrawn, DossierStopped,
DeadlineMoved, LegCancelled and whatever else there is no call: refused, ``no_call``, so that a person tells the office.

Words are judged only in whole, with nothing around them but the dossier's code. Those that prove an earlier try do so
only after an unknown one; on a first try they are a refusal, because somebody else did it. All else is unknown, and the
identical call is repeated: its body is made of the immutable payload and a version of the people, never of the present.
"""

from collections.abc import Callable, Mapping
from typing import Any

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
from services.workflow.adapters.port import NO_READ, Answer, Heard, Json, Said, Seen, Told
from services.workflow.adapters.vbdlis import answers, callbacks
from services.workflow.adapters.words import utc

NO_CALL = frozenset({"DossierWithdrawn", "DossierStopped", "DeadlineMoved", "LegCancelled"})
"""Facts it may be told for which it has no call; listed so that the next reader knows they were thought of."""
ALREADY_HELD = Said(Answer.TAKEN, "already_held", "VBDLIS giữ hồ sơ từ lần chuyển đầu; không có lệnh nào cho chặng sau")


class Vbdlis:
    """The land registry."""

    system = "vbdlis"
    reads_back = False

    def __init__(self, outside: Outside) -> None:
        self._line = Line(outside)
        self._now = outside.now

    async def deliver(self, told: Told) -> Said:
        """Make the call of this fact; whether its words prove an earlier try depends on ``told.is_repeat``."""
        if told.fact == "LegOffered" and not told.is_first:
            return ALREADY_HELD
        if told.fact not in CALLS:
            return no_call(told, "VBDLIS")
        call, needed, body = CALLS[told.fact]
        incomplete = lacking(told, *needed)
        if incomplete is not None:
            return incomplete
        people = await told.people() if told.fact == "LegOffered" else {}
        answer = await self._line.post(call, body(told, people))
        if isinstance(answer, Said):
            return answer
        return answers.judged(call, answer, str(told.dossier["code"]), is_repeat=told.is_repeat)

    async def observe(self, told: Told) -> Said | None:  # noqa: ARG002 - the port's name
        """Return None: nothing can be read back."""
        return None

    async def look(self, told: Told) -> Seen | Said:  # noqa: ARG002 - there is no read
        """Say that nothing can be read."""
        return NO_READ

    def hear(self, event: str, body: Json) -> Heard:
        """Translate one of the nine callbacks."""
        return callbacks.hear(event, body, self._now())

    def reply(self, *, is_taken: bool) -> Json:
        """Return Result 1, or 0."""
        return {"Result": 1, "Message": "Đã nhận"} if is_taken else {"Result": 0, "Message": "Chưa nhận được"}

    async def close(self) -> None:
        """Give back connections."""
        await self._line.close()


def reception(told: Told, people: Mapping[str, Any]) -> Json:
    """Return the body of tiepnhan; the files of the papers stay with the one-stop."""
    dossier, who, private = told.dossier, people["applicant"], people.get("private_attributes") or {}
    return {
        "SoBienNhan": dossier["code"],
        "MaHoSoMotCua": dossier["code"],
        "NguoiTiepNhan": dossier["receiving_unit_code"],
        "NgayTiepNhan": utc(dossier["accepted_at"]),
        "NgayHenTra": utc(dossier["appointment_at"]),
        "ThongTinNguoiNopDon": filled(
            HoTen=who.get("full_name"),
            SoChungMinh=who.get("identity_number"),
            DiaChiChiTiet=who.get("address"),
            SoDienThoai=who.get("phone"),
            Email=who.get("email"),
        ),
        "ThongTinQuyTrinh": {"MaQuyTrinh": dossier["procedure_code"]},
        **filled(DiaChiTaiSan=private.get("parcel_address")),
        "ThongTinThuaDat": parcels({**dossier.get("attributes", {}), **private}),
    }


def parcels(attributes: Mapping[str, Any]) -> list[Json]:
    """Return the parcel of a dossier, if its attributes name one."""
    if not attributes.get("parcel_no") or not attributes.get("map_sheet_no"):
        return []
    named = filled(DienTich=attributes.get("area_m2"), DiaChiChiTiet=attributes.get("parcel_address"))
    return [{"SoThuTuThua": str(attributes["parcel_no"]), "SoHieuBanDo": str(attributes["map_sheet_no"]), **named}]


def supplement(told: Told, _: Mapping[str, Any]) -> Json:
    """Return the body of capnhattrangthaibosunghoso: the appointment as it stood when the supplement came."""
    return {
        "SoBienNhan": told.dossier["code"],
        "NgayHenTraMoi": utc(told.dossier["appointment_at"]),
        "GhiChu": supplement_note(told),
    }


def result_returned(told: Told, _: Mapping[str, Any]) -> Json:
    """Return the body of capnhattrangthaitraketquahoso."""
    return {"SoBienNhan": told.dossier["code"], "NgayTra": utc(told.at.isoformat())}


def wrong_result(told: Told, _: Mapping[str, Any]) -> Json:
    """Return the body of phanhoihososaiketqua."""
    return {"SoBienNhan": told.dossier["code"], "NoiDung": f"Kết quả sai, lý do: {told.data['reason_code']}"}


Body = Callable[[Told, Mapping[str, Any]], Json]
CALLS: dict[str, tuple[str, tuple[str, ...], Body]] = {
    "LegOffered": ("tiepnhan", (CODE, ACCEPTED_AT, APPOINTMENT_AT), reception),
    "SupplementReceived": ("capnhattrangthaibosunghoso", (CODE, APPOINTMENT_AT), supplement),
    "ResultReturned": ("capnhattrangthaitraketquahoso", (CODE,), result_returned),
    "DossierReopened": ("phanhoihososaiketqua", (CODE,), wrong_result),
}
"""Fact → the call, what the picture must have for it, its body."""
