"""BHXH, social insurance. ASSUMPTION: no public one-stop contract exists; this one is ours, to be confirmed.

Known from practice is only the form of its dossier number, ``NNNNN/YYYY/NNNNN`` (office, year, sequence), and that a
dossier has progress steps, an appointment and an end. Key of a call is MaHoSoMotCua, our dossier code.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from deploy.sandbox.bhxh.calls import CALLS, reply
from deploy.sandbox.bhxh.clerks import ACTIONS, CALLBACKS, usual
from deploy.sandbox.bhxh.states import ERROR, MOVING, OK, STATES
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.office import Action, Office
from deploy.sandbox.outside.storage import Dossier


class Bhxh(Office):
    """The social insurance office."""

    name = "bhxh"
    title = "Bảo hiểm xã hội"
    calls = tuple(CALLS)
    callback_names = CALLBACKS
    states = STATES
    moving = MOVING
    received_field = "NgayTiepNhan"
    due_field = "NgayHenTra"

    def add_calls(self, router: APIRouter) -> None:
        """Add the calls."""

        @router.post("/TiepNhanHoSo")
        async def create(request: Request) -> Response:
            """Create a dossier."""
            return await self.gate.take("TiepNhanHoSo", request, CALLS["TiepNhanHoSo"])

        @router.post("/BoSungHoSo")
        async def supplement(request: Request) -> Response:
            """Hand in what was asked for."""
            return await self.gate.take("BoSungHoSo", request, CALLS["BoSungHoSo"])

        @router.get("/TraCuuHoSo")
        async def read_back(request: Request) -> Response:
            """Read a dossier back by ``MaHoSoMotCua`` or ``SoHoSo``."""
            return await self.gate.take("TraCuuHoSo", request, CALLS["TraCuuHoSo"])

    def own_actions(self) -> dict[str, Action]:
        """Return what its clerks do."""
        return ACTIONS

    def code_in(self, said: dict[str, Any]) -> str:
        """Return the one-stop's code."""
        return str(said.get("MaHoSoMotCua") or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no."""
        return Answer(reply(ERROR, str(refusal)))

    def error_inside(self) -> Answer:
        """Say success in the code and failure beside it."""
        return Answer(reply(OK, "Thành công", Loi="Lỗi: không kết nối được cơ sở dữ liệu"))

    def accepted(self, answer: Any) -> bool:
        """Take only MaLoi 0 for a yes."""
        return isinstance(answer, dict) and answer.get("MaLoi") in {0, "0"}

    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Move on; finish with a result."""
        usual(desk, dossier)
