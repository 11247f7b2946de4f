"""The gate every outside call comes through: faults, one transaction, the log, and only then the answer."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from deploy.sandbox.outside.callbacks import Callbacks
from deploy.sandbox.outside.desk import Answer, Desk, Occasion, Refusal, at_desk
from deploy.sandbox.outside.faults import Faults, Kind
from deploy.sandbox.outside.signing import is_signed
from deploy.sandbox.outside.storage import Storage

Act = Callable[[Desk, dict[str, Any]], Answer]
GONE = 503
"""The status of a Response that nobody receives, because the line was cut."""
TURNED_AWAY = {Kind.BAD_GATEWAY: "502", Kind.HTML_ANSWER: "200", Kind.EMPTY_ANSWER: "200"}
"""What a gateway before the system may answer in its place; nothing takes effect."""
PAGES = {Kind.HTML_ANSWER: "<!doctype html><title>Bảo trì</title><p>Thành công", Kind.EMPTY_ANSWER: ""}


class Voice(Protocol):
    """How one system words what the gate has to say."""

    def code_in(self, said: dict[str, Any]) -> str:
        """Return the dossier code a call names, for the log."""

    def refusal(self, refusal: Refusal) -> Answer:
        """Return the answer that says no."""

    def error_inside(self) -> Answer:
        """Return an answer with the word for success and an error inside."""


@dataclass
class Gate:
    """Takes the calls of one system."""

    storage: Storage
    faults: Faults
    callbacks: Callbacks
    voice: Voice

    async def take(self, call: str, request: Request, act: Act) -> Response:
        """Answer one call with what *act* says, unless a switch wants otherwise."""
        raw = await request.body()
        said = _parsed(raw) if request.method == "POST" else dict(request.query_params)
        occasion = Occasion("call", call, self.voice.code_in(said or {}), raw)
        down = self.faults.strikes(Kind.DOWN, call)
        if down:
            return await self._turn_away(request, occasion, Kind.DOWN, down.answer or "503")
        late = self.faults.strikes(Kind.DELAY, call)
        await asyncio.sleep(late.seconds or 0 if late else 0)
        for kind, how in TURNED_AWAY.items():
            if self.faults.strikes(kind, call):
                return await self._turn_away(request, occasion, kind, how)
        struck = [str(Kind.DELAY)] if late else []
        answer, hold = self._effect(occasion, struck, self._checked(request, raw, said, act))
        if hold is not None:
            return await cut(request, after=hold)
        return JSONResponse(answer.body, answer.status)

    def _checked(self, request: Request, raw: bytes, said: dict[str, Any] | None, act: Act) -> Callable[[Desk], Answer]:
        settings = self.callbacks.settings
        is_trusted = not settings.check_calls or is_signed(settings.secret or "", request.headers, raw)

        def checked(desk: Desk) -> Answer:
            if not is_trusted:
                return replace(self.voice.refusal(Refusal("Chữ ký không đúng", 401)), status=401)
            if said is None:
                raise Refusal("Nội dung không phải là một đối tượng JSON")
            return act(desk, said)

        return checked

    def _effect(
        self, occasion: Occasion, struck: list[str], act: Callable[[Desk], Answer]
    ) -> tuple[Answer, float | None]:
        """Do it, or pretend to; return the answer and, if it shall never arrive, how long to hold the line."""
        with at_desk(self.storage, self.faults, occasion) as desk:
            desk.struck += struck
            answer, is_kept = self._said_and_kept(desk, act)
            slow = self.faults.strikes(Kind.TIMEOUT, occasion.call)
            if slow:
                desk.struck.append(Kind.TIMEOUT)
            desk.note(None if slow else answer, took_effect=is_kept)
        return answer, slow.seconds if slow else None

    def _said_and_kept(self, desk: Desk, act: Callable[[Desk], Answer]) -> tuple[Answer, bool]:
        if desk.strikes(Kind.ERROR_INSIDE):
            return self.voice.error_inside(), False
        is_lost = desk.strikes(Kind.SILENT_LOSS)
        try:
            answer = desk.attempt(act, keep=not is_lost)
        except Refusal as refusal:
            answer = self.voice.refusal(refusal)
        return answer, answer.took_effect and not is_lost

    async def _turn_away(self, request: Request, occasion: Occasion, kind: Kind, how: str) -> Response:
        page = PAGES.get(kind, f"{kind} (sandbox)")
        answer = None if how == "close" else Answer(page, status=int(how))
        with at_desk(self.storage, self.faults, occasion) as desk:
            desk.struck.append(kind)
            desk.note(answer, took_effect=False)
        return await cut(request) if answer is None else Response(page, answer.status, media_type="text/html")


async def cut(request: Request, *, after: float = 0) -> Response:
    """Close the caller's connection without a word, *after* seconds or when it hangs up itself."""
    if after:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_hung_up(request), after)
    cycle: Any = request.receive
    cycle.__self__.transport.abort()
    await asyncio.sleep(0)
    return Response(status_code=GONE)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _no_number(text: str) -> None:
    raise ValueError(text)
