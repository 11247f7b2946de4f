"""VBDLIS, the land registry: four calls in, nine callbacks out, and no call to read a dossier back."""

from typing import Any

from fastapi import APIRouter

from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.office import Action, Office
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.vbdlis.calls import CALLS, reply
from deploy.sandbox.vbdlis.clerks import ACTIONS, CALLBACKS, usual
from deploy.sandbox.vbdlis.states import MOVING, STATES


class Vbdlis(Office):
    """The land registry; key of everything is SoBienNhan, all times are UTC."""

    name = "vbdlis"
    title = "VBDLIS – hệ thống thông tin đất đai"
    calls = tuple(CALLS)
    callback_names = CALLBACKS
    states = STATES
    moving = MOVING
    received_field = "NgayTiepNhan"
    due_field = "NgayHenTra"

    def add_calls(self, router: APIRouter) -> None:
        """Add the four calls."""
        self.add_posts(
            router, CALLS, "tiepnhan, capnhattrangthaibosunghoso, capnhattrangthaitraketquahoso, phanhoihososaiketqua."
        )

    def own_actions(self) -> dict[str, Action]:
        """Return what its clerks do."""
        return ACTIONS

    def code_in(self, said: dict[str, Any]) -> str:
        """Return the receipt number."""
        return str(said.get("SoBienNhan") or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no: data 0 and a message, in HTTP 200 as always."""
        return Answer(reply(self.clock.now(), 0, success=False, message=str(refusal)))

    def error_inside(self) -> Answer:
        """Say success, and below it that nothing was stored."""
        message = "Thành công. Lỗi: Object reference not set to an instance of an object"
        return Answer(reply(self.clock.now(), 0, success=True, message=message))

    def accepted(self, answer: Any) -> bool:
        """Take only ``{Result: 1}`` for a yes."""
        return isinstance(answer, dict) and answer.get("Result") in {1, "1"}

    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Move on, confirm a supplement, finish with a result."""
        usual(desk, dossier)
