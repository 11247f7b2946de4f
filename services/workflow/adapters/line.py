"""The line to an outside system: one signed call at a time; tells what certainly had no effect from what may have."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.signing import sign

TURNED_AWAY = {401, 403, 404, 429, 502, 503}
"""The call did not get as far as the system, or not past its door."""


def real_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Outside:
    """Where a system is, the secret we share with it, how long a call may take, and the business clock."""

    url: str
    secret: str = field(default="", repr=False)
    seconds: float = 10.0
    now: Callable[[], datetime] = real_now

    def sign(self, body: bytes) -> dict[str, str]:
        """Return the headers that sign *body*; none without a secret."""
        return sign(self.secret, body)


class Line:
    """Makes calls; the answer is the JSON object that HTTP 200 brought, or what to make of there being none."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        # A connection that is kept may be closed under a call: unknown, and for nothing.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(trust_env=False, timeout=outside.seconds, limits=limits)

    async def post(self, path: str, body: Json) -> Json | Said:
        """Send *body* to a call."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return await self._call("POST", path, content, headers={"content-type": "application/json"})

    async def get(self, path: str, **query: str) -> Json | Said:
        """Ask something that changes nothing."""
        return await self._call("GET", path, b"", params=query)

    async def close(self) -> None:
        """Give back connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, content: bytes, **more: Any) -> Json | Said:
        headers = {**more.pop("headers", {}), **self._outside.sign(content)}
        url = f"{self._outside.url}/{path}"
        try:
            answer = await self._client.request(method, url, content=content, headers=headers, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Said(Answer.NO_EFFECT, "no_connection", type(error).__name__)
        except httpx.HTTPError as error:
            return Said(Answer.UNKNOWN, "cut_off", type(error).__name__)
        return _read(answer)


def _read(answer: httpx.Response) -> Json | Said:
    if answer.status_code in TURNED_AWAY:
        return Said(Answer.NO_EFFECT, str(answer.status_code))
    if answer.status_code != 200:
        return Said(Answer.UNKNOWN, str(answer.status_code))
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return Said(Answer.UNKNOWN, "not_json")
    return body if isinstance(body, dict) else Said(Answer.UNKNOWN, "not_an_object")
