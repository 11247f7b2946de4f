"""The translator of dialect B: create once, set the state, add a line.

It has no read. Creating (under a number that was kept first) and setting the state may be repeated as they are; a line
may not: one whose answer was lost is for a person, who looks at the portal. A lost yes is never found by itself here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.workflow.adapters.dvcqg.answers import total
from services.workflow.adapters.dvcqg.bearer import BearerAccess, BearerClient, meaning
from services.workflow.adapters.dvcqg.codes import log_code
from services.workflow.adapters.dvcqg.header import ALWAYS, IF_MOVED
from services.workflow.adapters.dvcqg.kept import Keeper, Kept
from services.workflow.adapters.dvcqg.progress import who_did
from services.workflow.adapters.dvcqg.sentences import sentence
from services.workflow.adapters.instants import iso
from services.workflow.adapters.port import NO_READ, Answer, Heard, Json, Said, Seen, Told, Unreadable
from services.workflow.adapters.posting import Answered, not_sent

KIND: Mapping[str, int] = {"citizen": 0, "business": 1, "household": 2}
"""LoaiDoiTuong of dialect B; agencies and others have none, and are refused."""
NO_CALL = frozenset({"ApplicantChanged"})
"""Facts that are told, and that dialect B has no call for: particulars are sent at the creation only."""
PERSON: Mapping[str, str] = {
    "full_name": "HoTen",
    "identity_number": "SoDinhDanh",
    "phone": "SoDienThoai",
    "email": "Email",
    "address": "DiaChi",
}


class BearerPortal:
    """The national portal in dialect B."""

    system = "dvcqg"
    reads_back = False

    def __init__(self, access: BearerAccess, keeper: Keeper) -> None:
        self._client, self._series, self._keeper = BearerClient(access), access.series_code, keeper

    async def deliver(self, told: Told) -> Said:
        """Create the dossier if need be, then set its state and add the line: two calls, neither hides the other."""
        text = sentence(told.fact, told.data)
        if text is None or told.fact in NO_CALL:
            return Said(Answer.REFUSED, "no_call", told.fact)
        before = self._keeper.get(told.dossier_id)
        is_new = before is None or not before.id
        kept = await self._created(told, before) if before is None or is_new else before
        if isinstance(kept, Said):
            return kept
        calls = [await self._set_status(told, kept, text)] if is_new or told.fact in ALWAYS | IF_MOVED else []
        return total([*calls, *await self._add_line(told, kept, text)])

    async def observe(self, told: Told) -> Said | None:  # noqa: ARG002 - the portal has no read
        """Return None: nothing can be read; ``deliver`` knows what may be repeated."""
        return None

    async def look(self, told: Told) -> Seen | Said:  # noqa: ARG002 - there is no read
        """Say that nothing can be read."""
        return NO_READ

    def hear(self, event: str, body: Json) -> Heard:
        """Refuse: the portal sends no callbacks."""
        msg = f"the portal sends no callbacks: {event} {sorted(body)[:5]}"
        raise Unreadable(msg)

    def reply(self, *, is_taken: bool) -> Json:
        """Return yes or no in the portal's form."""
        return {"code": 200 if is_taken else 400, "message": "", "data": None}

    async def close(self) -> None:
        """Give back connections."""
        await self._client.close()

    async def _created(self, told: Told, kept: Kept | None) -> Kept | Said:
        """Return the ids of a dossier that is there now; its number is kept before it is used."""
        if told.dossier["applicant_kind"] not in KIND:
            return Said(Answer.REFUSED, "unmapped_applicant_kind", str(told.dossier["applicant_kind"]))
        if kept is None:
            number = await self._number()
            if isinstance(number, Said):
                return not_sent(number)
            kept = Kept(number)
            self._keeper.put(told.dossier_id, kept)
        return await self._create(told, kept, (await told.people())["applicant"])

    async def _create(self, told: Told, kept: Kept, people: Mapping[str, Any]) -> Kept | Said:
        answered = await self._client.call("CreateDossier", _creation(told, kept.number, people))
        if isinstance(answered, Said):
            return answered
        said, found = meaning(answered, "idHoSo", dict(people)), _id_in(answered, kept.number)
        if not found or said.answer not in {Answer.TAKEN, Answer.REFUSED}:
            return said if said.answer is not Answer.TAKEN else Said(Answer.UNKNOWN, "other_number", said.message)
        kept = replace(kept, id=found)
        self._keeper.put(told.dossier_id, kept)
        return kept

    async def _number(self) -> str | Said:
        answered = await self._client.call("GetNextValue", {"code": self._series})
        if isinstance(answered, Said):
            return answered
        said = meaning(answered, "MaHoSo")
        return str(answered.body["data"]["MaHoSo"]) if said.answer is Answer.TAKEN else said

    async def _set_status(self, told: Told, kept: Kept, text: str) -> Said:
        body = {"TrangThai": int(log_code(told.dossier)), "NoiDungYKien": text}
        return await self._said("CapNhatTrangThai", kept, body)

    async def _add_line(self, told: Told, kept: Kept, text: str) -> list[Said]:
        """Add the line unless it is there; that it is tried is kept first, that it was not is kept if it is certain."""
        if kept.done_no >= told.no:
            return []
        if kept.tried_no >= told.no:
            return [Said(Answer.REFUSED, "progress_doubtful", f"CapNhatTienTrinh: {kept.number}, bước {told.no}")]
        self._keeper.put(told.dossier_id, replace(kept, tried_no=told.no))
        body = {"NguoiXuLy": who_did(told), "DonViXuLy": who_did(told), "ThoiDiemXuLy": iso(told.at)}
        words = {"NoiDungXuLy": f"Bước {told.no}: {text}", "TrangThai": int(log_code(told.dossier))}
        said = await self._said("CapNhatTienTrinh", kept, body | words)
        if said.answer is Answer.TAKEN:
            self._keeper.put(told.dossier_id, replace(kept, tried_no=told.no, done_no=told.no))
        elif said.answer is not Answer.UNKNOWN:
            self._keeper.put(told.dossier_id, kept)
        return [said]

    async def _said(self, call: str, kept: Kept, body: Json) -> Said:
        answered = await self._client.call(call, {"IdHoSo": kept.id, "MaHoSo": kept.number, **body})
        if isinstance(answered, Said):
            return answered
        said = meaning(answered, "maHoSo")
        return replace(said, message=f"{call}: {said.message}")


def _id_in(answered: Answered, number: str) -> str:
    """Return the idHoSo of our number: of a yes, or of a refusal (400) because it is there already."""
    data = answered.body.get("data")
    is_ours = answered.status in {200, 400} and isinstance(data, dict) and data.get("maHoSo") == number
    return str(data.get("idHoSo") or "") if is_ours and isinstance(data, dict) else ""


def _creation(told: Told, number: str, people: Mapping[str, Any]) -> Json:
    dossier = told.dossier
    received = {"NgayTiepNhan": iso(dossier["accepted_at"])} if dossier.get("accepted_at") else {}
    return {
        "MaHoSo": number,
        "MaTTHC": dossier["procedure_code"],
        "ChuHoSo": people.get("full_name"),
        "LoaiDoiTuong": KIND[dossier["applicant_kind"]],
        "MaDonViTiepNhan": dossier["receiving_unit_code"],
        "NgayNop": iso(dossier["submitted_at"]),
        **received,
        "ThongTinNguoiNop": {theirs: people[ours] for ours, theirs in PERSON.items() if people.get(ours)},
    }
