"""Client credentials: how one of our processes calls another."""

import time

import httpx

RENEW_AT = 0.8
"""The part of its life after which a token is renewed."""


class TokenSource:
    """A token with which its owner calls our services, renewed before it expires."""

    def __init__(self, client: httpx.AsyncClient, url: str, client_id: str, client_secret: str) -> None:
        self._client = client
        self._url = url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._token = ""
        self._renew_at = 0.0

    def forget(self) -> None:
        """Ask for a new token before the next call: this one was refused."""
        self._renew_at = 0.0

    async def headers(self) -> dict[str, str]:
        """Return the Authorization header; httpx.HTTPError or ValueError if the issuer does not give a token."""
        if time.monotonic() >= self._renew_at:
            answer = await self._client.post(self._url, data=self._form)
            answer.raise_for_status()
            body = answer.json()
            if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
                msg = "the issuer gave no token"
                raise ValueError(msg)
            self._token = body["access_token"]
            self._renew_at = time.monotonic() + float(body.get("expires_in", 300)) * RENEW_AT
        return {"Authorization": f"Bearer {self._token}"}
