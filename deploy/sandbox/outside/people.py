"""What people, tests and the checker may ask of an outside system: ``/sandbox/<name>/…``, no part of its contract."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.sandbox.outside import words
from deploy.sandbox.outside.callbacks import SETTING, CallbackSettings
from deploy.sandbox.outside.desk import Answer, Occasion, Refusal, at_desk
from deploy.sandbox.outside.faults import FaultPlan
from deploy.sandbox.outside.office import AUTOPILOT, Autopilot, Office
from deploy.sandbox.outside.ours import NotRead, Ours

PAGE = Path(__file__).with_name("page.html")
WORDS = json.dumps(
    {"FAULTS": words.FAULTS, "STATUS": words.STATUS, "DELIVERY": words.DELIVERY, "FACTS": words.FACTS},
    ensure_ascii=False,
)
CALLS = {
    "no": "SELECT * FROM call WHERE no > ? AND ? IN ('', dossier) AND ? IN ('', call) ORDER BY no LIMIT ?",
    "newest": "SELECT * FROM call WHERE no > ? AND ? IN ('', dossier) AND ? IN ('', call) ORDER BY no DESC LIMIT ?",
}
Limit = Annotated[int, Query(ge=1, le=10_000)]


class RawCallback(BaseModel):
    """Any callback at all: an unknown dossier, a status nobody knows, a future time, ten megabytes."""

    model_config = ConfigDict(extra="forbid")
    event: str = Field(min_length=1, pattern="^[A-Za-z_]+$")
    dossier: str = ""
    body: dict[str, Any]


def people_routes(office: Office) -> APIRouter:
    """Return the routes beside the contract of one system."""
    router = APIRouter(prefix=f"/sandbox/{office.name}", tags=[f"{office.name} – sandbox"])
    _add_page(router, office)
    _add_looks(router, office)
    _add_hands(router, office)
    _add_switches(router, office)
    _add_callbacks(router, office)
    return router


def _add_page(router: APIRouter, office: Office) -> None:
    ours = Ours(office.name)

    @router.get("", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        where = f"{office.name}/ours" if ours.is_known else ""
        given = {"$title": office.title, "$name": office.name, "$ours": where, "$words": WORDS}
        text = PAGE.read_text(encoding="utf-8")
        for name, value in given.items():
            text = text.replace(name, value)
        return text

    @router.get("/ours/{code}")
    async def our_side(code: str) -> dict[str, Any]:
        """What the one-stop's exchange ledger says of a dossier; 404 if it knows none, or nobody said where it is."""
        if not ours.is_known:
            raise HTTPException(404, "no address or credentials of the one-stop were given")
        try:
            return await ours.read(code)
        except NotRead as error:
            raise HTTPException(error.status, f"the one-stop does not show {code}") from error


def _add_looks(router: APIRouter, office: Office) -> None:
    @router.get("/dossiers")
    async def dossiers(
        after: str = "", limit: Limit = 1_000, order: Literal["code", "newest"] = "code"
    ) -> dict[str, Any]:
        """List dossiers by code behind *after*, or those changed last."""
        storage = office.storage
        found = storage.newest(limit) if order == "newest" else storage.by_code(after, limit)
        return {"n": storage.count(), "items": [office.view(one) for one in found]}

    @router.get("/dossiers/{code}")
    async def dossier(code: str) -> dict[str, Any]:
        """One dossier as this system knows it."""
        found = office.storage.find(code)
        if found is None:
            raise HTTPException(404, f"{office.name} has no dossier {code}")
        return office.view(found)

    @router.get("/calls")
    async def calls(
        after: int = 0, limit: Limit = 1_000, dossier: str = "", call: str = "", order: Literal["no", "newest"] = "no"
    ) -> dict[str, Any]:
        """The log of calls, clerks, autopilot and callbacks behind number *after*."""
        rows = office.storage.run(CALLS[order], [after, dossier, call, limit])
        return {"items": [_call(dict(row)) for row in rows]}


def _add_hands(router: APIRouter, office: Office) -> None:
    @router.get("/actions")
    async def actions() -> dict[str, Any]:
        """What clerks can do here, with the form of each."""
        return {
            name: {"title": one.title, "body": one.body.model_json_schema()} for name, one in office.actions.items()
        }

    @router.post("/dossiers/{code}/{action}")
    async def act(code: str, action: str, request: Request) -> dict[str, Any]:
        """Do what a clerk does; GET …/actions lists it. 409: not possible now."""
        if action not in office.actions:
            raise HTTPException(404, f"no such action; known: {', '.join(office.actions)}")
        return _deed(office, code, action, await request.body() or b"{}")

    @router.delete("/dossiers/{code}", status_code=204)
    async def erase(code: str) -> None:
        """Delete a dossier by hand; nobody is told."""
        if not office.erase(code):
            raise HTTPException(404, f"{office.name} has no dossier {code}")

    @router.delete("/dossiers", status_code=204)
    async def wipe() -> None:
        """Forget all dossiers, calls and callbacks; settings stay."""
        with office.storage.transaction():
            office.storage.wipe()


def _deed(office: Office, code: str, action: str, raw: bytes) -> dict[str, Any]:
    try:
        shown = office.clerk(code, action, raw, office.actions[action].body.model_validate_json(raw))
    except ValidationError as error:
        raise HTTPException(422, json.loads(error.json(include_url=False))) from error
    except Refusal as error:
        raise HTTPException(409, str(error)) from error
    if shown is None:
        raise HTTPException(404, f"{office.name} has no dossier {code}")
    return shown


def _add_switches(router: APIRouter, office: Office) -> None:
    @router.get("/faults")
    async def faults() -> dict[str, Any]:
        """The fault switches that are on."""
        return office.faults.status()

    @router.put("/faults")
    async def set_faults(plan: FaultPlan) -> dict[str, Any]:
        """Replace all fault switches."""
        try:
            office.faults.arm(plan)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return office.faults.status()

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        """Turn all fault switches off."""
        office.faults.arm(FaultPlan(seed=office.faults.seed, switches=[]))

    @router.get("/autopilot")
    async def autopilot() -> Autopilot:
        """Whether the system does the usual by itself."""
        return office.autopilot

    @router.put("/autopilot")
    async def set_autopilot(setting: Autopilot) -> Autopilot:
        """Turn the autopilot on or off; kept over a restart."""
        unknown = set(setting.hold_at) - set(office.states)
        if unknown:
            raise HTTPException(422, f"no such state: {', '.join(sorted(unknown))}; known: {', '.join(office.states)}")
        with office.storage.transaction():
            office.storage.set(AUTOPILOT, setting.model_dump())
        return setting


def _add_callbacks(router: APIRouter, office: Office) -> None:
    @router.get("/callback")
    async def callback() -> CallbackSettings:
        """Where callbacks go."""
        return office.callbacks.settings

    @router.put("/callback")
    async def set_callback(settings: CallbackSettings) -> CallbackSettings:
        """Say where callbacks go and with which secret calls and callbacks are signed; kept over a restart."""
        if settings.check_calls and not settings.secret:
            raise HTTPException(422, "check_calls needs a secret")
        with office.storage.transaction():
            office.storage.set(SETTING, settings.model_dump())
        return settings

    @router.get("/callbacks")
    async def callbacks(after: int = 0, limit: Limit = 1_000) -> dict[str, Any]:
        """The queue of callbacks: waiting, done, or lost on purpose."""
        rows = office.storage.run("SELECT * FROM callback WHERE no > ? ORDER BY no LIMIT ?", [after, limit])
        return {"items": [dict(row) | {"body": json.loads(row["body"])} for row in rows]}

    @router.post("/callbacks", status_code=202)
    async def send(given: RawCallback) -> dict[str, Any]:
        """Queue any callback, true or not, as a broken or hostile partner would."""
        occasion = Occasion("clerk", f"send {given.event}", given.dossier, json.dumps(given.body).encode())
        with at_desk(office.storage, office.faults, occasion) as desk:
            desk.call_back(given.event, given.dossier, given.body)
            desk.note(Answer({"queued": given.event}), took_effect=True)
        return {"queued": given.event}


def _call(row: dict[str, Any]) -> dict[str, Any]:
    answer = row["answer"]
    return row | {
        "answer": json.loads(answer) if answer is not None else None,
        "took_effect": bool(row["took_effect"]),
        "faults": row["faults"].split(",") if row["faults"] else [],
    }
