"""Sổ mẫu, the sample register: a small invented system against which partners try their first adapter.

Its contract is plain JSON, and its quirk is that of many registers: it does not know a repeat when it sees one.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.office import Action, Office
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.sample.calls import CODES, STATES, read_back, write
from deploy.sandbox.sample.clerks import ACTIONS, CALLBACKS, End, finish


class Sample(Office):
    """The sample register."""

    name = "sample"
    title = "Sổ mẫu"
    calls = ("changes", "dossier")
    callback_names = CALLBACKS
    states = STATES
    moving = frozenset({"open"})
    received_field = "accepted_at"
    due_field = "due_at"

    def add_calls(self, router: APIRouter) -> None:
        """Add the two calls."""

        @router.post("/changes")
        async def take(request: Request) -> Response:
            """Write a change down; the same one again is written again."""
            return await self.gate.take("changes", request, write)

        @router.get("/dossier")
        async def look(request: Request) -> Response:
            """Read a dossier back by ``code``, with the changes in the order in which they were written."""
            return await self.gate.take("dossier", request, read_back)

    def own_actions(self) -> dict[str, Action]:
        """Return what its clerks do."""
        return ACTIONS

    def code_in(self, said: dict[str, Any]) -> str:
        """Return the one-stop's code."""
        return str(said.get("code") or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no: the status of a refusal is its place among the codes."""
        return Answer({"ok": False, "error": CODES.get(refusal.status, "malformed"), "message": str(refusal)})

    def error_inside(self) -> Answer:
        """Say yes with an error inside."""
        return Answer({"ok": True, "error": "storage", "message": "Không ghi được vào sổ"})

    def accepted(self, answer: Any) -> bool:
        """Take only ``{"ok": true}`` for a yes."""
        return isinstance(answer, dict) and answer.get("ok") is True

    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Finish with a result."""
        finish(desk, dossier, End())
