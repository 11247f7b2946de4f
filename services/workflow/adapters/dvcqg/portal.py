"""The translator of dialect A: look what the portal has, send only what is missing, look again.

Header and progress are two calls, each with an outcome of its own; a delivery is taken when both are seen to be there.
As every try begins by reading, a repeat sends nothing twice, whatever became of the tries before it.
"""

from dataclasses import dataclass
from typing import Literal

from services.workflow.adapters.dvcqg import progress
from services.workflow.adapters.dvcqg.answers import total
from services.workflow.adapters.dvcqg.catalogue import Catalogue, Names
from services.workflow.adapters.dvcqg.header import header, is_foreign, is_missing
from services.workflow.adapters.dvcqg.seen import seen
from services.workflow.adapters.dvcqg.session import SessionAccess, SessionClient
from services.workflow.adapters.port import Answer, Heard, Json, Said, Seen, Told, Unreadable
from services.workflow.adapters.posting import contradicted, not_sent

Numbering = Literal["submission", "code"]
"""What MaHoSo is. The portal can not rename a dossier, and ours gets its official code only when it is accepted.

``submission``: the id of the submission, from the first fact to the last; the code stands in GhiChu and in the line of
acceptance. ``code``: the official code; what happens before there is one is refused, for a person to see.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What the portal has to have after a delivery."""

    told: Told
    number: str
    names: Names
    line: Json

    def lacks_header(self, found: Json | None) -> bool:
        """Say whether the header still has to be told."""
        return is_missing(self.told, self.number, self.names, found)

    def lacks_line(self, found: Json | None) -> bool:
        """Say whether the line of progress still has to be told."""
        lines = (found or {}).get("DanhSachTienDo")
        return not progress.is_there(self.told, lines if isinstance(lines, list) else [])


class SessionPortal:
    """The national portal in dialect A."""

    system = "dvcqg"
    reads_back = True

    def __init__(self, access: SessionAccess, catalogue: Catalogue, numbering: Numbering = "submission") -> None:
        self._client, self._catalogue, self._numbering = SessionClient(access), catalogue, numbering

    async def deliver(self, told: Told) -> Said:
        """Make the portal have the header and the line of this fact."""
        change = self._change(told)
        if isinstance(change, Said):
            return change
        found = await self._client.look_up(change.number)
        if isinstance(found, Said):
            return not_sent(found)
        if found is None and not told.is_first:
            return _gone(change)
        return await self._weighed(change, await self._sent(change, found))

    async def observe(self, told: Told) -> Said | None:
        """Say whether header and line are there; of one without the other ``deliver`` sends what is missing."""
        change = self._change(told)
        if isinstance(change, Said):
            return not_sent(change)
        found = await self._client.look_up(change.number)
        if isinstance(found, Said):
            return Said(Answer.UNKNOWN, found.reason_code, found.message)
        missing = _missing(change, found)
        return Said(Answer.NO_EFFECT, "not_there", ", ".join(missing)) if missing else Said(Answer.TAKEN, "read_back")

    async def look(self, told: Told) -> Seen | Said:
        """Read header and log; what somebody wrote there that is in no table is not understood."""
        change = self._change(told)
        found = await self._client.look_up(change.number) if isinstance(change, Change) else change
        if isinstance(found, Said):
            return Said(Answer.UNKNOWN, found.reason_code, found.message)
        return seen(told, found)

    def hear(self, event: str, body: Json) -> Heard:
        """Refuse: the portal sends no callbacks."""
        msg = f"the portal sends no callbacks: {event} {sorted(body)[:5]}"
        raise Unreadable(msg)

    def reply(self, *, is_taken: bool) -> Json:
        """Return yes or no in the portal's form."""
        return {"error_code": "0" if is_taken else "-1", "message": "", "result": []}

    async def close(self) -> None:
        """Give back connections."""
        await self._client.close()

    def _change(self, told: Told) -> Change | Said:
        """Return what has to be told; a refusal, before any call, if something for it is not known."""
        names = self._catalogue.get(told.dossier["procedure_code"])
        if names is None:
            return Said(Answer.REFUSED, "unmapped_procedure", str(told.dossier["procedure_code"]))
        number = told.dossier_id if self._numbering == "submission" else told.dossier.get("code")
        if not number:
            return Said(Answer.REFUSED, "no_number", told.fact)
        line = progress.line(told, number)
        if line is None:
            return Said(Answer.REFUSED, "no_call", told.fact)
        return Change(told, number, names, line)

    async def _sent(self, change: Change, found: Json | None) -> list[Said]:
        """Send what is missing; the line does not wait for the header, unless the portal knows no dossier yet."""
        calls = []
        if change.lacks_header(found):
            calls.append(await self._send_header(change, found))
        is_known = found is not None or calls[0].answer is Answer.TAKEN
        if is_known and change.lacks_line(found):
            calls.append(await self._client.send("CapNhatTienDoHoSoMC", change.line))
        return calls

    async def _send_header(self, change: Change, found: Json | None) -> Said:
        if is_foreign(change.told, found):
            return Said(Answer.REFUSED, "changed_at_portal", str((found or {}).get("TrangThaiHoSo")))
        applicant = (await change.told.people())["applicant"]
        if not applicant.get("full_name"):
            return Said(Answer.REFUSED, "no_applicant", change.told.fact)
        row = header(change.told, change.number, change.names, applicant, found or {})
        return await self._client.send("DongBoHoSoMC", row, isUpdating=str(found is not None))

    async def _weighed(self, change: Change, calls: list[Said]) -> Said:
        """Return what came of the calls, held against a look: a yes, or a no that may have no dossier behind it."""
        said, has_yes = total(calls), any(one.answer is Answer.TAKEN for one in calls)
        is_plain_no = said.answer is Answer.REFUSED and not has_yes and change.told.is_first
        if said.answer not in {Answer.TAKEN, Answer.REFUSED} or is_plain_no:
            return said
        found = await self._client.look_up(change.number)
        if isinstance(found, Said):
            return Said(Answer.UNKNOWN, found.reason_code, found.message)
        if said.answer is Answer.TAKEN:
            missing = _missing(change, found)
            return contradicted(change.told, ", ".join(missing)) if missing else said
        if found is not None:
            return said
        return contradicted(change.told, "DongBoHoSoMC") if has_yes else _gone(change)


def _gone(change: Change) -> Said:
    return Said(Answer.GONE, "not_there", change.number)


def _missing(change: Change, found: Json | None) -> list[str]:
    """Return the calls whose effect the portal does not have."""
    lacks = {
        "DongBoHoSoMC": change.lacks_header(found),
        "CapNhatTienDoHoSoMC": change.lacks_line(found),
    }
    return [call for call, is_lacking in lacks.items() if is_lacking]
