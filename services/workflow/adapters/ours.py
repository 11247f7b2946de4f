"""Calls to our own services with the adapter's token; whatever is not an answer as agreed is *away*."""

from typing import Any

import httpx

from shared.tokens import TokenSource

SECONDS = 8.0
"""Less than a partner waits for the answer to its callback."""
BUSY = {408, 425, 429}


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


def client() -> httpx.AsyncClient:
    """Return the HTTP client for our own services."""
    return httpx.AsyncClient(trust_env=False, timeout=SECONDS)
