"""The client of dialect B: a bearer token that is renewed, HTTP statuses, ``{code, message, data}``."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import Answered, Signer, not_sent, post, scrubbed
from shared import outgoing

STATUSES: Mapping[int, Answer] = {
    200: Answer.TAKEN,
    400: Answer.REFUSED,
    401: Answer.NO_EFFECT,
    403: Answer.REFUSED,
    404: Answer.REFUSED,
}
"""The code in the body has to say the same; 502 never gets as far as this, anything else is unknown."""
EARLY_SECONDS = 60
"""A token is renewed this long before it expires."""


@dataclass(frozen=True, slots=True)
class BearerAccess:
    """Where dialect B is and who we are there."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    series_code: str
    """Of which series GetNextValue issues our numbers."""
    timeout_seconds: float = 30
    signer: Signer | None = None


def meaning(answered: Answered, key: str, *told: object) -> Said:
    """Return what an answer says; a yes has to carry *key* in its data, or there is an error inside."""
    words, data = scrubbed(answered.body.get("message"), *told), answered.body.get("data")
    answer = STATUSES.get(answered.status, Answer.UNKNOWN)
    if answered.body.get("code") != answered.status:
        return Said(Answer.UNKNOWN, f"HTTP {answered.status}", words)
    if answer is Answer.TAKEN and not (isinstance(data, dict) and data.get(key)):
        return Said(Answer.UNKNOWN, "error_inside", words)
    return Said(answer, str(answered.status), words)


class BearerClient:
    """Makes the calls; keeps nothing but its token."""

    def __init__(self, access: BearerAccess) -> None:
        self._access = access
        self._http = outgoing.client(base_url=access.url, timeout=access.timeout_seconds)
        self._token, self._until = "", 0.0
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Give back connections."""
        await self._http.aclose()

    async def call(self, name: str, body: Json) -> Answered | Said:
        """Call; a token that is not known any more is renewed, and the call made again."""
        answered = await self._call_once(name, body)
        if isinstance(answered, Said) or answered.status != 401:
            return answered
        self._until = 0.0
        return await self._call_once(name, body)

    async def _call_once(self, name: str, body: Json) -> Answered | Said:
        token = await self._open()
        if isinstance(token, Said):
            return token
        return await post(self._http, f"/{name}", body, {"authorization": f"Bearer {token}"}, self._access.signer)

    async def _open(self) -> str | Said:
        """Return a token; Said, always without effect, if none can be had."""
        async with self._opening:
            if time.monotonic() < self._until:
                return self._token
            account = {"client_id": self._access.client_id, "client_secret": self._access.client_secret}
            answered = await post(self._http, "/GetToken", account, None, self._access.signer)
            if isinstance(answered, Said):
                return not_sent(answered)
            if meaning(answered, "access_token").answer is not Answer.TAKEN:
                return Said(Answer.NO_EFFECT, "no_token", "GetToken")
            data = answered.body["data"]
            seconds = data.get("expires_in")
            self._until = time.monotonic() + (seconds if isinstance(seconds, int) else 0) - EARLY_SECONDS
            self._token = str(data["access_token"])
            return self._token
