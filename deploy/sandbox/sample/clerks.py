"""What people do at the sample register: they take up, finish, or close a dossier without telling anybody."""

from typing import Any, Literal

from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.desk import Desk, Refusal
from deploy.sandbox.outside.forms import Form
from deploy.sandbox.outside.office import Action, Nothing
from deploy.sandbox.outside.storage import Dossier

CALLBACKS = ("taken_up", "finished")
OFFICER = "Cán bộ sổ mẫu"


class End(Form):
    """How it ended."""

    result: Literal["done", "refused"] = "done"


def take_up(desk: Desk, dossier: Dossier, _: Nothing) -> None:
    """Begin to work on it: taken_up."""
    _still_open(dossier)
    _write(desk, dossier, "open", "Bắt đầu xử lý")
    _tell(desk, dossier, "taken_up")


def finish(desk: Desk, dossier: Dossier, given: End) -> None:
    """End it: finished."""
    _still_open(dossier)
    _write(desk, dossier, "finished" if given.result == "done" else "refused", "Kết thúc")
    _tell(desk, dossier, "finished", result=given.result)


def close(desk: Desk, dossier: Dossier, _: Nothing) -> None:
    """Close the book for this dossier: later changes are refused, and nobody is told."""
    _write(desk, dossier, "closed", "Khóa sổ")


def _still_open(dossier: Dossier) -> None:
    if dossier.state != "open":
        msg = f"{dossier.code} is {dossier.state}"
        raise Refusal(msg)


def _write(desk: Desk, dossier: Dossier, state: str, text: str) -> None:
    dossier.state = state
    dossier.progress.append(line(desk.now, state, text, OFFICER))


def _tell(desk: Desk, dossier: Dossier, event: str, **more: Any) -> None:
    number = desk.storage.next_number("message")
    desk.call_back(event, dossier.code, {"id": f"SM-{number:06d}", "code": dossier.code, "at": iso(desk.now), **more})


ACTIONS = {
    "take-up": Action("Bắt đầu xử lý", Nothing, take_up),
    "finish": Action("Kết thúc hồ sơ", End, finish),
    "close": Action("Khóa sổ", Nothing, close),
}
