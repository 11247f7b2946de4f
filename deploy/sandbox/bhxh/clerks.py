"""What people do at the social insurance office; each deed calls the one-stop back."""

from typing import Any

from pydantic import Field

from deploy.sandbox.bhxh.states import NEXT, OPEN, STATES
from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Desk, Refusal
from deploy.sandbox.outside.forms import Form, Instant
from deploy.sandbox.outside.office import Action
from deploy.sandbox.outside.storage import Dossier

CALLBACKS = ("TienDo", "HenTra", "YeuCauBoSung", "KetThuc")
OFFICER = "Cán bộ BHXH 01"


class Note(Form):
    """A remark."""

    note: str = ""


class Appointment(Form):
    """A new date."""

    new_due_at: Instant
    note: str = "Cần xác minh quá trình đóng"


class End(Form):
    """0: decided, with a decision's number; 1: refused."""

    outcome: int = Field(0, ge=0, le=1)
    note: str = ""


def next_step(desk: Desk, dossier: Dossier, given: Note) -> None:
    """Move on: TienDo."""
    step = NEXT.get(dossier.state)
    if step is None:
        msg = f"no step after {dossier.state}"
        raise Refusal(msg)
    _write(desk, dossier, step, given.note or STATES[step])
    _tell(desk, dossier, "TienDo", Buoc=step, NoiDung=given.note or STATES[step], ThoiDiem=iso(desk.now))


def propose_date(desk: Desk, dossier: Dossier, given: Appointment) -> None:
    """Move our date: HenTra."""
    _still_open(dossier)
    dossier.fields["NgayHenTra"] = iso(given.new_due_at)
    _write(desk, dossier, dossier.state, f"Hẹn lại: {given.note}")
    _tell(desk, dossier, "HenTra", NgayHenTraMoi=iso(given.new_due_at), LyDo=given.note)


def request_supplement(desk: Desk, dossier: Dossier, given: Note) -> None:
    """Wait for papers: YeuCauBoSung."""
    _still_open(dossier)
    text = given.note or "Thiếu tờ khai"
    _write(desk, dossier, "waiting_supplement", text)
    _tell(desk, dossier, "YeuCauBoSung", NoiDung=text, ThoiDiem=iso(desk.now))


def finish(desk: Desk, dossier: Dossier, given: End) -> None:
    """Close it: KetThuc."""
    _still_open(dossier)
    state = "refused" if given.outcome else "finished"
    decision = None if given.outcome else f"QD-{desk.storage.next_number('decision'):06d}"
    dossier.fields["SoQuyetDinh"] = decision
    text = given.note or (STATES[state] if given.outcome else f"{STATES[state]}, quyết định {decision}")
    _write(desk, dossier, state, text)
    _tell(desk, dossier, "KetThuc", KetQua=given.outcome, SoQuyetDinh=decision, NgayKetThuc=iso(desk.now), GhiChu=text)


def usual(desk: Desk, dossier: Dossier) -> None:
    """Do what a clerk would do next in the normal case."""
    if dossier.state in NEXT:
        next_step(desk, dossier, Note())
    else:
        finish(desk, dossier, End())


def _still_open(dossier: Dossier) -> None:
    if dossier.state not in OPEN:
        msg = f"{dossier.code} is {dossier.state} ({STATES[dossier.state]})"
        raise Refusal(msg)


def _write(desk: Desk, dossier: Dossier, step: str, text: str) -> None:
    dossier.state = step
    dossier.progress.append(line(desk.now, step, text, OFFICER))


def _tell(desk: Desk, dossier: Dossier, event: str, **body: Any) -> None:
    named = {"MaHoSoMotCua": dossier.code, "SoHoSo": dossier.fields["SoHoSo"], "NguoiXuLy": OFFICER}
    desk.call_back(event, dossier.code, named | body)


ACTIONS = {
    "next-step": Action("Chuyển bước", Note, next_step),
    "propose-date": Action("Hẹn lại ngày trả", Appointment, propose_date),
    "request-supplement": Action("Yêu cầu bổ sung", Note, request_supplement),
    "finish": Action("Kết thúc hồ sơ", End, finish),
}
