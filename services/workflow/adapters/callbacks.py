"""The callback server of an adapter: what a system says becomes messages; it hears *yes* only if all were taken."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.workflow.adapters.breaker import Breaker
from services.workflow.adapters.ledger import TAKEN, Ledger
from services.workflow.adapters.meters import BREAKER, CALLBACKS
from services.workflow.adapters.ours import Away
from services.workflow.adapters.port import Heard, Json, Translator, Unreadable
from services.workflow.adapters.signing import is_signed
from shared import telemetry

log = structlog.get_logger(__name__)

LARGEST_BODY = 1024 * 1024


class Verdict(StrEnum):
    """What became of a callback."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    """Our API parked it, or refused it."""
    UNREADABLE = "unreadable"
    AWAY = "away"
    """Our API did not answer."""
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"


STATUS = {Verdict.TOO_LARGE: 413, Verdict.UNSIGNED: 401}
"""All others are HTTP 200: systems of this kind read the body."""


@dataclass(frozen=True)
class Ear:
    """Hears the callbacks of one system."""

    translator: Translator
    ledger: Ledger
    secret: str

    async def take(self, event: str, request: Request) -> Response:
        """Answer one callback in the system's own words."""
        verdict = await self._verdict(event, request)
        CALLBACKS.labels(self.translator.system, verdict).inc()
        body = self.translator.reply(is_taken=verdict is Verdict.TAKEN)
        return JSONResponse(body, STATUS.get(verdict, 200))

    async def _verdict(self, event: str, request: Request) -> Verdict:
        raw = await limited(request)
        if raw is None:
            return Verdict.TOO_LARGE
        if not is_signed(self.secret, request.headers, raw):
            return Verdict.UNSIGNED
        heard = self._heard(event, raw)
        if heard is None or not (heard.messages or heard.results):
            return Verdict.UNREADABLE
        return await self._passed_on(event, heard)

    def _heard(self, event: str, raw: bytes) -> Heard | None:
        try:
            return self.translator.hear(event, parsed(raw))
        except Unreadable as error:
            log.warning("callback_unreadable", system=self.translator.system, callback=event[:64], why=str(error)[:200])
        except Exception as error:  # noqa: BLE001 - a callback that breaks the translator was not understood either
            telemetry.report(log, "callback_failed", error, system=self.translator.system, callback=event[:64])
        return None

    async def _passed_on(self, event: str, heard: Heard) -> Verdict:
        """Bring everything; if something is not taken, the callback comes again."""
        try:
            status = await self.ledger.hear(heard)
        except Away as error:
            log.warning("api_away", system=self.translator.system, callback=event, why=error.why)
            return Verdict.AWAY
        if status in TAKEN:
            return Verdict.TAKEN
        log.warning("callback_not_taken", system=self.translator.system, callback=event, status=status)
        return Verdict.NOT_TAKEN


async def limited(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is larger than is taken."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def parsed(raw: bytes) -> Json:
    """Return the JSON object in *raw*; Unreadable if it is none, or not what UTF-8 can carry on."""
    try:
        said = json.loads(raw, parse_constant=_no_number)
        json.dumps(said, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error
    if not isinstance(said, dict):
        raise Unreadable("not an object")
    return said


def _no_number(text: str) -> Any:
    raise ValueError(text)


def routes(ear: Ear, breaker: Breaker) -> APIRouter:
    """Return what the adapter serves."""
    router = APIRouter()
    system = ear.translator.system

    @router.post("/callbacks/{event}")
    async def hear(event: str, request: Request) -> Response:
        """Hear one callback."""
        return await ear.take(event, request)

    @router.get("/healthz")
    @router.get("/readyz")
    async def health() -> dict[str, Any]:
        """Alive; the breaker says whether the system is."""
        return {"ready": True, "system": system, "breaker": breaker.state.name.lower()}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus."""
        BREAKER.labels(system).set(breaker.state)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
