"""The national portal (Cổng DVCQG): it records what provinces tell it, in two dialects that live side by side."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from deploy.sandbox.dvcqg.bearer import BearerDialect
from deploy.sandbox.dvcqg.session import SessionDialect
from deploy.sandbox.dvcqg.states import STATES, read_stamp, stamp
from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.gate import Gate
from deploy.sandbox.outside.office import Action, Nothing, Office
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.system import Place

A_CALLS = ("login", "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo")
B_CALLS = ("GetToken", "GetNextValue", "CreateDossier", "CapNhatTienTrinh", "CapNhatTrangThai")


class Dvcqg(Office):
    """The portal; it calls nobody back, and its autopilot has nothing to do."""

    name = "dvcqg"
    title = "Cổng Dịch vụ công quốc gia"
    calls = A_CALLS + B_CALLS
    states = STATES
    received_field = "NgayTiepNhan"
    due_field = "NgayHenTra"

    def __init__(self, place: Place) -> None:
        self.session, self.bearer = SessionDialect(), BearerDialect()
        super().__init__(place)

    def add_calls(self, router: APIRouter) -> None:
        """Add both dialects."""
        bearer_gate = Gate(self.storage, self.faults, self.callbacks, self.bearer)

        @router.post("/a/mapi/login")
        async def login(request: Request) -> Response:
            """Dialect A: open a session."""
            return await self.gate.take("login", request, self.session.login)

        @router.post("/a/mapi/g")
        async def call(request: Request) -> Response:
            """Dialect A: DongBoHoSoMC, CapNhatTienDoHoSoMC, TraCuuHoSo, named by ``service``."""
            service = _service(await request.body())
            return await self.gate.take(
                service, request, lambda desk, said: self.session.call(desk, said, request.headers)
            )

        @router.post("/b/{name}")
        async def dossier(name: str, request: Request) -> Response:
            """Dialect B: GetToken, GetNextValue, CreateDossier, CapNhatTienTrinh, CapNhatTrangThai."""
            if name not in B_CALLS:
                return Response(status_code=404)
            if name == "GetToken":
                return await bearer_gate.take(name, request, self.bearer.issue_token)
            return await bearer_gate.take(
                name, request, lambda desk, said: self.bearer.call(name, desk, said, request.headers)
            )

    def own_actions(self) -> dict[str, Action]:
        """Return what happens at the portal itself."""
        return {"withdraw": Action("Công dân rút hồ sơ", Nothing, _withdraw)}

    def code_in(self, said: dict[str, Any]) -> str:
        """Speak dialect A at the common gate."""
        return self.session.code_in(said)

    def refusal(self, refusal: Refusal) -> Answer:
        """Speak dialect A at the common gate."""
        return self.session.refusal(refusal)

    def error_inside(self) -> Answer:
        """Speak dialect A at the common gate."""
        return self.session.error_inside()

    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Do nothing: the portal only records."""

    def read_time(self, text: str) -> datetime:
        """Read ``yyyyMMddHHmmss`` or ISO 8601."""
        return read_stamp(text)

    def view(self, dossier: Dossier) -> dict[str, Any]:
        """Show beside the header's state the one of the progress, which the national index reads."""
        last = dossier.progress[-1]["step"] if dossier.progress else None
        return super().view(dossier) | {"log_state": last, "log_state_name": STATES.get(last or "")}


def _withdraw(desk: Desk, dossier: Dossier, _given: BaseModel) -> None:
    if dossier.state in {"7", "10"}:
        raise Refusal(f"{dossier.code} is {STATES[dossier.state]}")
    dossier.state = "7"
    text = "Công dân rút hồ sơ trên Cổng"
    raw = {"MaHoSo": dossier.code, "NguoiXuLy": "Công dân", "ThoiDiemXuLy": stamp(desk.now)}
    shown = line(desk.now, "7", text, "Công dân")
    dossier.progress.append(shown | {"raw": raw | {"NoiDungXuLy": text, "TrangThai": "7"}})


def _service(raw: bytes) -> str:
    """Return the call a body of dialect A names; what names none can not be struck by a switch."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return "unknown"
    named = str(said.get("service", "")) if isinstance(said, dict) else ""
    return named if named in A_CALLS else "unknown"
