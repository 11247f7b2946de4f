"""Calls to our own services with the adapter's token; whatever is not an answer as agreed is *away*."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import structlog

from shared import outgoing
from shared.tokens import TokenSource

log = structlog.get_logger(__name__)
R = TypeVar("R")

SECONDS = 8.0
"""Less than a partner waits for the answer to its callback."""
BUSY = {408, 425, 429}
PATIENCE = (0.2, 30.0)
"""First and longest pause, in seconds, while our own API is away."""


class Away(ConnectionError):
    """One of our services did not answer, or not as agreed; nothing is lost, it is asked again."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Ours:
    """Our services, as one client sees them."""

    def __init__(self, tokens: TokenSource, client: httpx.AsyncClient) -> None:
        self._tokens = tokens
        self._client = client

    async def call(self, method: str, url: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
        """Return the status, 200 or one that refuses, and the parsed body; Away for all the rest."""
        try:
            answer = await self._send(method, url, **arguments)
            if answer.status_code == httpx.codes.UNAUTHORIZED:  # keys may have changed under a token that was good
                self._tokens.forget()
                answer = await self._send(method, url, **arguments)
            body = answer.json()
        except httpx.HTTPStatusError as error:
            raise Away(f"issuer {error.response.status_code}") from error
        except (httpx.HTTPError, ValueError) as error:
            raise Away(type(error).__name__) from error
        is_answer = answer.status_code == 200 or 400 <= answer.status_code < 500
        if not is_answer or answer.status_code in BUSY | {401} or not isinstance(body, dict):
            raise Away(str(answer.status_code))
        return answer.status_code, body

    async def _send(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        headers = await self._tokens.headers()
        return await self._client.request(method, url, headers=headers, **arguments)


async def patiently(ask: Callable[[], Awaitable[R]]) -> R:
    """Ask our own API until it answers; the lease that runs out meanwhile loses nothing."""
    pause, longest = PATIENCE
    while True:
        try:
            return await ask()
        except Away as error:
            log.warning("api_away", why=error.why, pause=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, longest)


def client() -> httpx.AsyncClient:
    """Return the HTTP client for our own services."""
    return outgoing.client(timeout=SECONDS)
