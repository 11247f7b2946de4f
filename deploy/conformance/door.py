"""The door before our API: it records what goes through, can be shut, and can hold an answer of an adapter."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response

Json = dict[str, Any]


@dataclass
class Passage:
    """One request that came to the door, and what was answered."""

    method: str
    path: str
    sent: bytes
    status: int = 0
    answer: bytes = b""

    def body(self) -> Json:
        """Return what was sent, parsed."""
        return _parsed(self.sent)

    def said(self) -> Json:
        """Return what was answered, parsed."""
        return _parsed(self.answer)


@dataclass
class Hold:
    """The first answer (ack) for one dossier, kept at the door until it is let go."""

    dossier_id: str
    came: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    ack: Passage | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    is_lost: bool = False
    """It never reaches us: its sender was killed."""


@dataclass
class Door:
    """Everything that an adapter asked of our services, in order."""

    is_shut: bool = False
    hold: Hold | None = None
    passages: list[Passage] = field(default_factory=list)
    dossier_of: dict[str, str] = field(default_factory=dict)
    """Delivery → dossier, as they were leased."""

    def acks(self, dossier_id: str) -> list[Passage]:
        """Return the answers given for deliveries of a dossier, oldest first."""
        return [one for one in self.passages if one.path.endswith("/ack") and self._dossier(one) == dossier_id]

    def to(self, ending: str) -> list[Passage]:
        """Return what went to paths that end so."""
        return [one for one in self.passages if one.path.endswith(ending)]

    def before(self, app: Any) -> FastAPI:
        """Return *app* behind this door."""
        front = FastAPI()

        @front.middleware("http")
        async def pass_through(request: Request, go_on: Callable[[Request], Any]) -> Response:
            return await self._through(request, go_on)

        front.mount("/", app)
        return front

    async def _through(self, request: Request, go_on: Callable[[Request], Any]) -> Response:
        if self.is_shut:
            return Response(status_code=503)
        passage = Passage(request.method, request.url.path, await request.body())
        self.passages.append(passage)
        held = await self._held(passage)
        if held is not None and held.is_lost:
            return Response(status_code=503)
        answer = await go_on(request)
        passage.answer = b"".join([part async for part in answer.body_iterator])
        passage.status = answer.status_code
        for item in passage.said().get("items", []) if passage.path.endswith("/lease") else []:
            self.dossier_of[item["id"]] = item["dossier_id"]
        if held is not None:
            held.done.set()
        return Response(passage.answer, passage.status, dict(answer.headers))

    async def _held(self, passage: Passage) -> Hold | None:
        hold = self.hold
        if hold is None or hold.ack is not None or not passage.path.endswith("/ack"):
            return None
        if self._dossier(passage) != hold.dossier_id:
            return None
        hold.ack = passage
        hold.came.set()
        await hold.let_go.wait()
        return hold

    def _dossier(self, passage: Passage) -> str:
        return self.dossier_of.get(passage.path.split("/")[-2], "")


def _parsed(raw: bytes) -> Json:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
