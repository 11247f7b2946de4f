"""The outermost ring of a request: correlation id, size and media type, metrics, and the last safety net."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import problems, telemetry
from shared.errors import BodyTooLarge, DomainError, Malformed, Text, WrongMediaType

LARGEST_BODY = 1024 * 1024
CORRELATION = "x-correlation-id"
_PLAIN = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


class _TooLarge(Exception):
    """More bytes arrived than are taken."""


class Edge:
    """ASGI middleware around every service."""

    def __init__(self, app: ASGIApp, service: str, largest_body: int = LARGEST_BODY) -> None:
        self.app = app
        self.service = service
        self.largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whatever happens inside, the caller gets an answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = Headers(scope=scope)
        correlation_id = _correlation_id(headers)
        status = 500

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(
            correlation_id=correlation_id, traceparent=_traceparent(headers), service=self.service
        ):
            await self._serve(scope, headers, receive, tell)
        self._count(scope, status, time.perf_counter() - began)

    async def _serve(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        answered = False

        async def tell(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            _check(headers, self.largest_body)
            _check_address(scope)
            await self.app(scope, self._bounded(receive), tell)
        except _TooLarge:
            await problems.render(BodyTooLarge(), headers)(scope, receive, send)
        except DomainError as error:
            await problems.render(error, headers)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last safety net: the caller gets a problem document
            if not answered:
                await problems.failure(error, headers)(scope, receive, send)

    def _bounded(self, receive: Receive) -> Receive:
        n_bytes = 0

        async def bounded() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self.largest_body:
                raise _TooLarge
            return message

        return bounded

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "other")
        telemetry.REQUESTS.labels(self.service, scope["method"], path, str(status)).observe(seconds)


def _check(headers: Headers, largest: int) -> None:
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > largest:
        raise BodyTooLarge
    has_body = length not in {"", "0"} or "transfer-encoding" in headers
    if has_body and headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise WrongMediaType


def _check_address(scope: Scope) -> None:
    if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
        raise Malformed(Text("Ký tự NUL không được phép", "The character NUL is not allowed"))


def _correlation_id(headers: Headers) -> str:
    given = headers.get(CORRELATION, "")
    return given if _PLAIN.match(given) else uuid4().hex


def _traceparent(headers: Headers) -> str:
    given = headers.get("traceparent", "")
    return given if _TRACEPARENT.match(given) else ""
