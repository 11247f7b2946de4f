"""What the people of the demo do, as HTTP calls: each has a token of its own and retries what is safe to retry."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.stack import Stack
from shared.clock import Clock

TRIES = 60
PAUSE_SECONDS = 0.1
Json = dict[str, Any]


class Refused(Exception):
    """A service said no, and saying it again would not help."""


class Client:
    """Calls the services of one stack, on its clock."""

    def __init__(self, stack: Stack, clock: Clock, http: httpx.AsyncClient) -> None:
        self.stack = stack
        self.clock = clock
        self.http = http
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, role: str, agency: str = "") -> str:
        """Return a token of *role*, kept."""
        key = (role, agency)
        if key not in self._tokens:
            self._tokens[key] = self.stack.token(role, agency=agency or None)
        return self._tokens[key]

    async def get(self, service: str, path: str, role: str, agency: str = "") -> Json:
        """Read; a service that is away is asked again."""
        answer = await self._send(service, "GET", path, role, agency)
        found: Json = answer.json()
        return found

    async def post(self, service: str, path: str, role: str, agency: str = "", **given: Any) -> httpx.Response:
        """Command, with one Idempotency-Key for all tries: whatever dies in between, it happens once."""
        headers = {"Idempotency-Key": str(uuid4()), **given.pop("headers", {})}
        return await self._send(service, "POST", path, role, agency, headers=headers, **given)

    async def _send(self, service: str, method: str, path: str, role: str, agency: str, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(role, agency)}", **given.pop("headers", {})}
        for _ in range(TRIES):
            try:
                url = self.stack.url(service) + path
                answer = await self.http.request(method, url, headers=headers, **given)
            except httpx.TransportError:
                await asyncio.sleep(PAUSE_SECONDS * 5)
                continue
            if answer.status_code in {429, 500, 502, 503} or _still_running(answer):
                await asyncio.sleep(PAUSE_SECONDS * 5)
                continue
            if answer.status_code >= 400:
                raise Refused(f"{method} {service}{path}: {answer.status_code} {answer.text}")
            return answer
        raise Refused(f"{method} {service}{path}: no answer after {TRIES} tries")

    async def seen(self, system: str, code: str) -> Json:
        """Return how a dossier stands in an outside system."""
        answer = await self.http.get(f"{self.stack.url('sandbox')}/sandbox/{system}/dossiers/{code}")
        if answer.status_code != 200:
            raise Refused(f"{system} {code}: {answer.status_code}")
        found: Json = answer.json()
        return found

    async def has(self, path: str) -> bool:
        """Say whether there is something in the sandbox."""
        try:
            return (await self.http.get(self.stack.url("sandbox") + path)).status_code == 200
        except httpx.TransportError:
            return False

    async def deed(self, path: str, body: Json) -> None:
        """Do what a clerk does inside an outside system; a sandbox that is away is asked again."""
        for _ in range(TRIES):
            try:
                answer = await self.http.post(self.stack.url("sandbox") + path, json=body)
            except httpx.ConnectError:
                await asyncio.sleep(PAUSE_SECONDS * 5)
                continue
            if answer.status_code != 200:
                raise Refused(f"{path}: {answer.status_code} {answer.text}")
            return
        raise Refused(f"{path}: the sandbox is away")

    async def until(self, instant: datetime) -> None:
        """Sleep until *instant* of the demo's clock."""
        await asyncio.sleep(max(0.0, self.clock.real_seconds(instant - self.clock.now())))

    async def begin(self) -> None:
        """Wait until the demo's clock runs."""
        real_start = self.clock.real_start or datetime.now(UTC)
        await asyncio.sleep(max(0.0, (real_start - datetime.now(UTC)).total_seconds()))

    async def after(self, **length: float) -> None:
        """Sleep for a length of the demo's time, given as for ``timedelta``."""
        await asyncio.sleep(self.clock.real_seconds(timedelta(**length)))


def _still_running(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and "retry-after" in answer.headers


def fast_clock(start: datetime, speed: float, in_seconds: float = 0) -> str:
    """Return the text of a clock that shows *start*, runs *speed* times as fast, and begins *in_seconds* from now."""
    begins = datetime.now(UTC) + timedelta(seconds=in_seconds)
    return f"{start.isoformat()}@{begins.isoformat()}x{speed}"
