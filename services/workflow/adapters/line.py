"""The line to an outside system: one signed call at a time; tells what certainly had no effect from what may have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import TURNED_AWAY, Answered, ask, post
from services.workflow.adapters.signing import sign
from shared import outgoing

NOT_LET_IN = TURNED_AWAY | {401, 403, 404, 429}
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
        self._client = outgoing.client(timeout=outside.seconds, limits=limits)

    async def post(self, path: str, body: Json) -> Json | Said:
        """Send *body* to a call."""
        sign_with, url = self._outside.sign, self._url(path)
        return read(await post(self._client, url, body, signer=sign_with, turned_away=NOT_LET_IN))

    async def get(self, path: str, **query: str) -> Json | Said:
        """Ask something that changes nothing."""
        signed = self._outside.sign(b"")
        return read(await ask(self._client, "GET", self._url(path), NOT_LET_IN, params=query, headers=signed))

    async def close(self) -> None:
        """Give back connections."""
        await self._client.aclose()

    def _url(self, path: str) -> str:
        return f"{self._outside.url}/{path}"


def read(answer: Answered | Said) -> Json | Said:
    """Return the body of an HTTP 200; everything else has said nothing that is sure."""
    if isinstance(answer, Said):
        return answer
    return answer.body if answer.status == 200 else Said(Answer.UNKNOWN, str(answer.status))
