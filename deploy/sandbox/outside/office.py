"""An outside system: calls it takes, callbacks it sends, what its clerks do, and an autopilot that does the usual."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.outside.callbacks import Callbacks
from deploy.sandbox.outside.clock import Clock, iso
from deploy.sandbox.outside.desk import Answer, Desk, Occasion, Refusal, at_desk
from deploy.sandbox.outside.faults import Faults, Kind
from deploy.sandbox.outside.gate import Act, Gate
from deploy.sandbox.outside.storage import Dossier, Storage
from deploy.sandbox.outside.words import FAULTS
from deploy.sandbox.system import Place

AUTOPILOT = "autopilot"
AUTOPILOT_POLL_SECONDS = 0.1
UNUSUAL = (Refusal, ValueError, LookupError, TypeError)
"""A dossier that a clerk made unreadable stays where it is: the autopilot does only the usual."""


class Nothing(BaseModel):
    """An action that needs no words."""

    model_config = ConfigDict(extra="forbid")


class FieldChange(BaseModel):
    """Fields a clerk overwrites by hand, in the system's own words; *state* likewise. Nobody is told."""

    model_config = ConfigDict(extra="forbid")
    fields: dict[str, Any] = Field(default_factory=dict)
    state: str | None = None


class Autopilot(BaseModel):
    """Whether the system does the usual by itself, *delay_seconds* (real) after the last change of a dossier."""

    model_config = ConfigDict(extra="forbid")
    on: bool = False
    delay_seconds: float = Field(2, ge=0, le=86_400)
    hold_at: list[str] = Field(default_factory=list)
    """States in which it leaves a dossier to the clerks."""


@dataclass(frozen=True)
class Action:
    """What a clerk can do to a dossier; the function raises Refusal when that is not possible now."""

    title: str
    body: type[BaseModel]
    act: Callable[[Desk, Dossier, Any], None]


class Office(ABC):
    """One outside system; subclasses say how it speaks and what it does."""

    name: str
    title: str
    calls: tuple[str, ...]
    callback_names: tuple[str, ...] = ()
    states: dict[str, str]
    """The names of its states, in Vietnamese."""
    moving: frozenset[str] = frozenset()
    """The states in which the autopilot has something to do."""
    received_field: str
    due_field: str
    due_is_own: bool = False
    """It reckons its own limit, so that nothing differs where the one-stop promises another date."""

    def __init__(self, place: Place) -> None:
        self.clock = Clock.read(place.clock)
        self.storage = Storage(place.folder / f"{self.name}.sqlite3" if place.folder is not None else None)
        self.faults = Faults(self.clock, self.calls, self.callback_names)
        self.callbacks = Callbacks(self.storage, self.faults, self.accepted)
        self.gate = Gate(self.storage, self.faults, self.callbacks, self)
        change = Action("Sửa trực tiếp trường dữ liệu", FieldChange, self._change)
        self.actions = {"change": change} | self.own_actions()
        self.router = APIRouter()
        calls = APIRouter(prefix=f"/{self.name}", tags=[self.name])
        self.add_calls(calls)
        self.router.include_router(calls)
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def add_calls(self, router: APIRouter) -> None:
        """Add the calls of the outside contract to *router*."""

    def add_posts(self, router: APIRouter, acts: Mapping[str, Act], about: str) -> None:
        """Add *acts* as ``POST /{call}``; *about* is for the docs page."""

        @router.post("/{call}", description=about)
        async def take(call: str, request: Request) -> Response:
            return await self.gate.take(call, request, acts[call]) if call in acts else Response(status_code=404)

    @abstractmethod
    def own_actions(self) -> dict[str, Action]:
        """Return what clerks can do here, by name."""

    @abstractmethod
    def code_in(self, said: dict[str, Any]) -> str:
        """Return the dossier code that a call names, for the log."""

    @abstractmethod
    def refusal(self, refusal: Refusal) -> Answer:
        """Return the answer that says no."""

    @abstractmethod
    def error_inside(self) -> Answer:
        """Return an answer with the word for success and an error inside."""

    def accepted(self, answer: Any) -> bool:
        """Say whether the receiver's answer means that it took a callback."""
        return answer is not None

    @abstractmethod
    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Do the usual next thing to a dossier in one of the *moving* states."""

    def read_time(self, text: str) -> datetime:
        """Read an instant as this system writes it; ValueError if it is none."""
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            msg = f"no offset: {text}"
            raise ValueError(msg)
        return found

    def view(self, dossier: Dossier) -> dict[str, Any]:
        """Return a dossier for people, tests and the checker."""
        return {
            "code": dossier.code,
            "state": dossier.state,
            "state_name": self.states.get(dossier.state, dossier.state),
            "received_at": self._shown_time(dossier, self.received_field),
            "due_at": self._shown_time(dossier, self.due_field),
            "due_is_own": self.due_is_own,
            "fields": dossier.fields,
            "progress": dossier.progress,
        }

    def clerk(self, code: str, action: str, body: bytes, given: BaseModel) -> dict[str, Any] | None:
        """Do *action* to a dossier; None if there is no such dossier, Refusal if it is not possible now."""
        with at_desk(self.storage, self.faults, Occasion("clerk", action, code, body)) as desk:
            dossier = desk.find(code)
            if dossier is None:
                return None
            self.actions[action].act(desk, dossier, given)
            desk.save(dossier)
            shown = self.view(dossier)
            desk.note(Answer({"state": dossier.state}), took_effect=True)
        return shown

    def erase(self, code: str) -> bool:
        """Delete a dossier as a clerk does; nobody is told. False if there is none."""
        with at_desk(self.storage, self.faults, Occasion("clerk", "delete", code)) as desk:
            is_there = desk.find(code) is not None
            self.storage.erase(code)
            desk.note(Answer({"deleted": is_there}), took_effect=is_there)
        return is_there

    @property
    def autopilot(self) -> Autopilot:
        """Return the autopilot's setting."""
        return Autopilot.model_validate(self.storage.setting(AUTOPILOT) or {})

    def cards(self) -> list[dict[str, Any]]:
        """Return the latest calls for the common page."""
        rows = self.storage.run("SELECT * FROM call WHERE direction != 'autopilot' ORDER BY no DESC LIMIT 20")
        return [_card(row, self.actions) for row in rows]

    async def start(self) -> None:
        """Open the storage, begin to call back and to fly."""
        self.storage.open()
        self.callbacks.start()
        self._task = asyncio.create_task(self._fly())

    async def stop(self) -> None:
        """Stop both, close the storage."""
        await self.callbacks.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.storage.close()

    async def _fly(self) -> None:
        while True:
            setting = self.autopilot
            if setting.on and not self.faults.is_down():
                self._move(self.moving - set(setting.hold_at), time.time() - setting.delay_seconds)
            await asyncio.sleep(AUTOPILOT_POLL_SECONDS)

    def _move(self, states: frozenset[str], before: float) -> None:
        for dossier in self.storage.resting(states, before):
            occasion = Occasion("autopilot", dossier.state, dossier.code)
            with contextlib.suppress(*UNUSUAL), at_desk(self.storage, self.faults, occasion) as desk:
                self.advance(desk, dossier)
                desk.save(dossier)
                desk.note(Answer({"state": dossier.state}), took_effect=True)

    def _change(self, _desk: Desk, dossier: Dossier, given: FieldChange) -> None:
        if given.state is not None and given.state not in self.states:
            msg = f"no such state: {given.state}; known: {', '.join(self.states)}"
            raise Refusal(msg)
        dossier.fields |= given.fields
        dossier.state = given.state or dossier.state

    def _shown_time(self, dossier: Dossier, name: str) -> str | None:
        text = dossier.fields.get(name)
        try:
            return iso(self.read_time(text)) if text else None
        except (ValueError, TypeError):
            return str(text)


def _card(row: Any, actions: Mapping[str, Action]) -> dict[str, Any]:
    deed = actions.get(row["call"]) if row["direction"] == "clerk" else None
    answered = "không trả lời" if row["status"] is None else f"trả lời {row['status']}"
    wrote = "đã ghi" if row["took_effect"] else "không ghi"
    struck = ", ".join(FAULTS[Kind(one)] for one in row["faults"].split(",") if one)
    return {
        "at": row["at"],
        "title": f"{deed.title if deed else row['call']} · {row['dossier']}",
        "subtitle": f"{DIRECTIONS[row['direction']]} · {answered} · {wrote}",
        "text": row["answer"] or "",
        "state": f"lỗi cố ý: {struck}" if struck else "",
    }


DIRECTIONS = {"call": "gọi đến", "clerk": "cán bộ", "autopilot": "tự động", "callback": "gọi đi"}
