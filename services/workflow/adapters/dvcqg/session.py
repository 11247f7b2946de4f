"""The client of dialect A: a session that is renewed when it expires, one address, ``service`` in the body."""

import asyncio
import time
from dataclasses import dataclass, field

from services.workflow.adapters.dvcqg.answers import ERROR_CODES, meaning, rows
from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import Answered, Signer, not_sent, post
from shared import outgoing

LOGIN, CALL = "/mapi/login", "/mapi/g"


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """Where dialect A is and who we are there."""

    url: str
    """Up to what stands before ``/mapi``."""
    username: str
    password: str = field(repr=False)
    unit_code: str
    """``madonvi``."""
    dstcode: str
    timeout_seconds: float = 30
    session_seconds: float = 1_500
    """A session is renewed before it is this old."""
    signer: Signer | None = None


class SessionClient:
    """Makes the calls; keeps nothing but its session."""

    def __init__(self, access: SessionAccess) -> None:
        self._access = access
        self._http = outgoing.client(base_url=access.url, timeout=access.timeout_seconds)
        self._session, self._until = "", 0.0
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Give back connections."""
        await self._http.aclose()

    async def send(self, service: str, row: Json, **more: str) -> Said:
        """Send one entry of ``data`` and return what came of it."""
        answered = await self._call(service, {**more, "data": [row]})
        if isinstance(answered, Said):
            return answered
        said = meaning(answered, row)
        return Said(said.answer, said.reason_code, f"{service}: {said.message}")

    async def look_up(self, number: str) -> Json | Said | None:
        """Return the header of a dossier with its DanhSachTienDo, None if there is none, Said if it can not be told."""
        answered = await self._call("TraCuuHoSo", {"mahoso": number})
        if isinstance(answered, Said):
            return answered
        said = meaning(answered)
        if said.answer is not Answer.TAKEN:
            return said
        found = [row for row in rows(answered) if row.get("MaHoSo") == number]
        if found:
            return found[0]
        is_empty = answered.body.get("result") == []
        return None if is_empty else Said(Answer.UNKNOWN, "unreadable_answer", "TraCuuHoSo")

    async def _call(self, service: str, body: Json) -> Answered | Said:
        """Call; a no, which has no effect, is believed only under a session that was opened for it."""
        is_new = not self._is_open()
        answered = await self._call_once(service, body)
        if isinstance(answered, Said) or is_new or meaning(answered).answer is not Answer.REFUSED:
            return answered
        self._until = 0.0
        return await self._call_once(service, body)

    async def _call_once(self, service: str, body: Json) -> Answered | Said:
        session = await self._open()
        if isinstance(session, Said):
            return session
        said = {"session": session, "madonvi": self._access.unit_code, "service": service, **body}
        headers = {"dstcode": self._access.dstcode}
        return await post(self._http, CALL, said, headers, self._access.signer)

    def _is_open(self) -> bool:
        return time.monotonic() < self._until

    async def _open(self) -> str | Said:
        """Return a session; Said, always without effect, if none can be had."""
        async with self._opening:
            if self._is_open():
                return self._session
            account = {"username": self._access.username, "password": self._access.password}
            answered = await post(self._http, LOGIN, account, None, self._access.signer)
            if isinstance(answered, Said):
                return not_sent(answered)
            session = answered.body.get("session")
            if ERROR_CODES.get(str(answered.body.get("error_code"))) is not Answer.TAKEN or not session:
                return Said(Answer.NO_EFFECT, "no_session", "login")
            self._session, self._until = str(session), time.monotonic() + self._access.session_seconds
            return self._session
