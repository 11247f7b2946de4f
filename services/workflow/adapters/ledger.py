"""The adapter API of workflow as its client: lease, answer, bring results, messages and observations."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from services.workflow.adapters.ours import Away, Ours
from services.workflow.adapters.port import Heard, Json, Message, People, Result, Said, Seen, Told

T = TypeVar("T", "Leased", "Look")
LONGEST_CODE, LONGEST_MESSAGE = 64, 500
TAKEN = {"applied", "moot", "conflict"}
"""A conflict is an incident with both sides: a no would only stop what the system has to say after it."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery in our hands until its lease runs out."""

    id: str
    dossier_id: str
    no: int
    fact: str
    payload: Json
    state: str
    is_first: bool
    fence: int
    n_tries: int

    @property
    def is_unknown(self) -> bool:
        """Say whether an earlier try may have taken effect."""
        return self.state == "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """A dossier to look at, with the last delivery that the system has taken."""

    id: str
    dossier_id: str
    no: int
    fact: str
    payload: Json
    is_first: bool
    fence: int


def told_of(handed: Leased | Look, people: People) -> Told:
    """Return what was handed out as translators see it."""
    payload = handed.payload
    return Told(
        id=handed.id,
        dossier_id=handed.dossier_id,
        no=handed.no,
        fact=handed.fact,
        at=datetime.fromisoformat(payload["at"]),
        data=payload["data"],
        dossier=payload["dossier"],
        people=people,
        is_first=handed.is_first,
    )


class Ledger:
    """What one system's adapter asks of workflow."""

    def __init__(self, base: str, system: str, ours: Ours) -> None:
        self._base = f"{base.rstrip('/')}/v1/systems/{quote(system, safe='')}"
        self._ours = ours

    async def lease(self, limit: int, seconds: float) -> list[Leased]:
        """Take up to *limit* deliveries for *seconds*; Away if the API does not hand any out."""
        return await self._handed("/deliveries/lease", Leased, limit, seconds)

    async def looks(self, limit: int, seconds: float) -> list[Look]:
        """Take up to *limit* dossiers to look at; what is not answered in *seconds* comes again."""
        return await self._handed("/looks/lease", Look, limit, seconds)

    async def _handed(self, path: str, kind: type[T], limit: int, seconds: float) -> list[T]:
        status, body = await self._post(path, {"limit": limit, "seconds": seconds})
        if status != 200:
            raise Away(f"{status} {body.get('code', '')}")
        try:
            names = [one.name for one in fields(kind)]
            return [kind(**{name: item[name] for name in names}) for item in body["items"]]
        except (KeyError, TypeError) as error:
            raise Away(type(error).__name__) from error

    async def observe(self, look: Look, seen: Seen, at: datetime) -> str:
        """Bring what was seen; return the verdict, or the code of the refusal."""
        shown = {name: value for name, value in asdict(seen).items() if value is not None and name != "heard"}
        known = {"dossier_id": look.dossier_id, "fence": look.fence, "observed_at": at.isoformat(), "how": "read"}
        status, body = await self._post("/observations", {**known, **shown})
        return str(body.get("verdict" if status == 200 else "code", status))

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

    async def hear(self, heard: Heard, how: Literal["callback", "read"] = "callback") -> str:
        """Bring what a system said, in order; return the status of the first that is not TAKEN, or of the last."""
        status, all_of_it = "", list[Message | Result]((*heard.messages, *heard.results))
        for one in all_of_it:
            status = await (self.say(one, how) if isinstance(one, Message) else self.bring(one))
            if status not in TAKEN:
                break
        return status

    async def say(self, message: Message, how: Literal["callback", "read"] = "callback") -> str:
        """Bring what the system says, or shows; return its status, or the code of the refusal."""
        given = {**asdict(message), "at": message.at.isoformat(), "how": how}
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
