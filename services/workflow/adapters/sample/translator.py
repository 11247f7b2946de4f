"""Sổ mẫu: one call that writes a change down, one that reads the dossier back; the contract is the sandbox's.

| fact | call | taken | refused |
|---|---|---|---|
| DossierAccepted, LegOffered, DossierWithdrawn | changes | ``ok`` and the line's number, no ``error`` | ``closed`` |
| any other | none exists | – | ``no_call``, nothing is sent |

It does not know a repeat, so whatever else comes is unknown, and is looked for by our id before it is sent again.
"""

from services.workflow.adapters.line import Line, Outside
from services.workflow.adapters.offered import ACCEPTED_AT, APPOINTMENT_AT, CODE, lacking, no_call
from services.workflow.adapters.port import Answer, Heard, Json, Message, Said, Seen, Told, Unreadable
from services.workflow.adapters.words import instant_in, text_in

FACTS = {"DossierAccepted", "LegOffered", "DossierWithdrawn"}
"""Every fact that has a call."""
REFUSALS = {"closed"}
"""The table of refusals."""
UNKNOWN_THERE = "unknown_dossier"
OUTCOMES = {"done": "registered", "refused": "not_eligible"}
"""``result`` → the outcomes of the route's leg; another value is not understood."""


class Sample:
    """The sample register."""

    system = "sample"
    reads_back = True

    def __init__(self, outside: Outside) -> None:
        self._line = Line(outside)

    async def deliver(self, told: Told) -> Said:
        """Write the change down."""
        if told.fact not in FACTS:
            return no_call(told, "Sổ mẫu")
        incomplete = lacking(told, CODE, ACCEPTED_AT, APPOINTMENT_AT)
        if incomplete is not None:
            return incomplete
        people = await told.people()
        answer = await self._line.post("changes", change(told, people["applicant"]["full_name"]))
        return answer if isinstance(answer, Said) else judged(answer)

    async def observe(self, told: Told) -> Said | None:
        """Say whether the change is in the dossier that is read back."""
        return observed(told, await self._read(told))

    async def look(self, told: Told) -> Seen | Said:
        """Read the dossier: both dates are ours, and the last change has to be there."""
        return seen(told, await self._read(told))

    async def _read(self, told: Told) -> Json | Said:
        answer = await self._line.get("dossier", code=str(told.dossier.get(CODE)))
        return Said(Answer.UNKNOWN, answer.reason_code) if isinstance(answer, Said) else dossier_in(answer)

    def hear(self, event: str, body: Json) -> Heard:
        """Translate taken_up and finished."""
        kind, data = _said(event, body)
        at, message_id = instant_in(body, "at"), text_in(body, "id")
        return Heard((Message(message_id, text_in(body, "code"), kind, at, data),))

    def reply(self, *, is_taken: bool) -> Json:
        """Return its word for yes, or for no."""
        return {"ok": is_taken}

    async def close(self) -> None:
        """Give back connections."""
        await self._line.close()


def change(told: Told, applicant_name: str) -> Json:
    """Return the body of ``changes``; the id is the delivery's, by which it is found again."""
    return {
        "id": told.id,
        "code": told.dossier[CODE],
        "kind": told.fact,
        "at": told.at.isoformat(),
        "status": told.dossier["status"],
        "accepted_at": told.dossier[ACCEPTED_AT],
        "due_at": told.dossier[APPOINTMENT_AT],
        "applicant_name": applicant_name,
    }


def judged(answer: Json) -> Said:
    """Return what an answer means, by the table above."""
    error, number = answer.get("error"), answer.get("number")
    if answer.get("ok") is True and error is None and type(number) is int and number > 0:
        return Said(Answer.TAKEN)
    is_refusal = answer.get("ok") is False and error in REFUSALS
    words = str(answer.get("message") or "")
    return Said(Answer.REFUSED if is_refusal else Answer.UNKNOWN, str(error or "unreadable"), words)


def dossier_in(answer: Json) -> Json | Said:
    """Return the dossier that was read; NO_EFFECT if there is certainly none, UNKNOWN if the answer says neither."""
    found, error = answer.get("dossier"), answer.get("error")
    if answer.get("ok") is True and error is None and isinstance(found, dict):
        return found if isinstance(found.get("changes"), list) else Said(Answer.UNKNOWN, "no_changes")
    is_none = answer.get("ok") is False and error == UNKNOWN_THERE
    return Said(Answer.NO_EFFECT if is_none else Answer.UNKNOWN, str(error or "unreadable"))


def observed(told: Told, found: Json | Said) -> Said:
    """Say whether a try is to be seen in what was read."""
    if isinstance(found, Said):
        return found
    return Said(Answer.TAKEN if _is_in(found, told) else Answer.NO_EFFECT, "observed")


def seen(told: Told, found: Json | Said) -> Seen | Said:
    """Return what was read in our words."""
    if isinstance(found, Said):
        return Seen(exists=False) if found.answer is Answer.NO_EFFECT else found
    dates = {ACCEPTED_AT: found.get("accepted_at"), APPOINTMENT_AT: found.get("due_at")}
    return Seen(state=dates, has_last=_is_in(found, told))


def _is_in(found: Json, told: Told) -> bool:
    return any(isinstance(one, dict) and one.get("id") == told.id for one in found["changes"])


def _said(event: str, body: Json) -> tuple[str, Json]:
    if event == "taken_up":
        return "leg_acknowledged", {}
    outcome = OUTCOMES.get(text_in(body, "result")) if event == "finished" else None
    if outcome is None:
        raise Unreadable("neither taken_up nor finished with a result of the table")
    return "leg_completed", {"outcome": outcome}
