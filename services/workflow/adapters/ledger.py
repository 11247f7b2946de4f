"""The adapter API of workflow as its client: lease, answer, bring results and messages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.workflow.adapters.ours import Away, Ours
from services.workflow.adapters.port import Json, Message, Result, Said

LONGEST_CODE, LONGEST_MESSAGE = 64, 500


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery in our hands until its lease runs out."""

    id: str
    dossier_id: str
    no: int
    fact: str
    payload: Json
    state: str
    fence: int
    n_tries: int

    @property
    def is_unknown(self) -> bool:
        """Say whether an earlier try may have taken effect."""
        return self.state == "unknown"


class Ledger:
    """What one system's adapter asks of workflow."""

    def __init__(self, base: str, system: str, ours: Ours) -> None:
        self._base = f"{base.rstrip('/')}/v1/systems/{quote(system, safe='')}"
        self._ours = ours

    async def lease(self, limit: int, seconds: float) -> list[Leased]:
        """Take up to *limit* deliveries for *seconds*; Away if the API does not hand any out."""
        status, body = await self._post("/deliveries/lease", {"limit": limit, "seconds": seconds})
        if status != 200:
            raise Away(f"{status} {body.get('code', '')}")
        try:
            return [Leased(**{name: item[name] for name in Leased.__slots__}) for item in body["items"]]
        except (KeyError, TypeError) as error:
            raise Away(type(error).__name__) from error

    async def answer(self, leased: Leased, said: Said) -> str:
        """Say what came of a try; return what the API made of it: the new state, or the code of its refusal."""
        given = {
            "fence": leased.fence,
            "answer": said.answer,
            "reason_code": as_code(said.reason_code),
            "message": as_text(said.message),
        }
        status, body = await self._post(f"/deliveries/{quote(leased.id, safe='')}/ack", given)
        return str(body.get("state" if status == 200 else "code", status))

    async def say(self, message: Message) -> str:
        """Bring what the system says; return its status, or the code of the refusal."""
        given = {
            "message_id": message.message_id,
            "dossier_code": message.dossier_code,
            "kind": message.kind,
            "at": message.at.isoformat(),
            "data": message.data,
        }
        status, body = await self._post("/messages", given)
        return str(body.get("status" if status == 200 else "code", status))

    async def bring(self, result: Result) -> str:
        """Bring the business result of a delivery; return "applied", or the code of the refusal."""
        given = {"outcome": result.outcome, "data": result.data}
        status, body = await self._post(f"/deliveries/{quote(result.delivery_id, safe='')}/result", given)
        return "applied" if status == 200 else str(body.get("code", status))

    async def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return await self._ours.call("POST", self._base + path, json=body)


def as_code(text: str) -> str:
    """Return *text* as the API takes a reason code: printable ASCII without blanks, 64 at most."""
    return "".join(char if "!" <= char <= "~" else "_" for char in text)[:LONGEST_CODE]


def as_text(text: str) -> str:
    """Return *text* as the API takes a message: printable, 500 characters at most."""
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST_MESSAGE]
