"""The translator of the tax gateway: no single message can be read there, but its identical repeat proves it (02)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import uuid4

from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Heard, Json, Said, Seen, Told
from services.workflow.adapters.posting import Answered, contradicted, not_sent, post
from services.workflow.adapters.tax import answers, bodies, results
from services.workflow.adapters.tax.ids import seq_id
from shared import outgoing


class TaxGateway:
    """The tax gateway, CVAN style."""

    system = "tax"
    reads_back = True

    def __init__(self, outside: Outside) -> None:
        self._http = outgoing.client(base_url=outside.url, timeout=outside.seconds)
        self._signer, self._now = outside.sign, outside.now
        self._calls: Mapping[str, Callable[[Told], Awaitable[Said]]] = {
            "LegOffered": self._send_slip,
            "PaymentRecorded": self._send_voucher,
            "LegCancelled": _no_call,
        }

    async def deliver(self, told: Told) -> Said:
        """Send the slip or the voucher; a repeat is the identical call, which the gateway recognises."""
        if not told.dossier.get("code"):
            return Said(Answer.REFUSED, "no_code", told.fact)
        if told.fact == "PaymentRecorded" and told.data.get("kind") == "fee":
            return Said(Answer.TAKEN, "not_concerned", "a fee of the one-stop unit is no tax: there is nothing to tell")
        said = await self._calls.get(told.fact, _no_call)(told)
        return said if said.answer is not Answer.TAKEN else await self._believed(told, said)

    async def observe(self, told: Told) -> Said | None:
        """Say NO_EFFECT where the gateway knows nothing of it; None where only the identical repeat can tell."""
        if not told.dossier.get("code") or self._calls.get(told.fact, _no_call) is _no_call:
            return Said(Answer.NO_EFFECT, "no_call", told.fact)
        owed = await self._ask(bodies.ASK_OBLIGATION, told)
        if isinstance(owed, Said):
            is_unheard = owed.reason_code == answers.NOT_KNOWN
            return Said(Answer.NO_EFFECT if is_unheard else Answer.UNKNOWN, owed.reason_code, owed.message)
        is_unpaid = told.fact == "PaymentRecorded" and owed.get("TONG_DA_NOP") == 0
        return Said(Answer.NO_EFFECT, "nothing_paid") if is_unpaid else None

    async def look(self, told: Told) -> Seen | Said:
        """Ask what is owed: whether the gateway knows the dossier, what it determined, whether anything was paid."""
        code = told.dossier.get("code")
        if not code:
            return Said(Answer.UNKNOWN, "no_code")
        owed = await self._ask_anew(bodies.ASK_OBLIGATION, told)
        if isinstance(owed, Said):
            is_unheard = owed.reason_code == answers.NOT_KNOWN
            return Seen(exists=False) if is_unheard else Said(Answer.UNKNOWN, owed.reason_code, owed.message)
        paid = owed.get("TONG_DA_NOP")
        if owed.get("MA_HSO") != code or type(paid) is not int:
            return Said(Answer.UNKNOWN, "unreadable_answer")
        seen = Seen(has_last=_is_booked(told, owed, paid))
        return await self._determined(told, owed, seen) if owed.get("TONG_PHAI_NOP") else seen

    async def _determined(self, told: Told, owed: Json, seen: Seen) -> Seen | Said:
        """Add the determination of a first slip; of later ones none: no query says which slip a notice answers."""
        if told.fact != "LegOffered" or not told.is_first:
            return seen
        listed = await self._ask_anew(bodies.ASK_NOTICES, told)
        if isinstance(listed, Said):
            return Said(Answer.UNKNOWN, listed.reason_code, listed.message)
        return replace(seen, heard=results.shown(told, owed, listed, self._now()))

    def hear(self, event: str, body: Json) -> Heard:
        """Translate message 11."""
        return results.hear(event, body, self._now())

    def reply(self, *, is_taken: bool) -> Json:
        """Return the technical answer to a callback."""
        return {"ERROR_CODE": "0" if is_taken else "01", "ERROR_DESC": ""}

    async def close(self) -> None:
        """Give back connections."""
        await self._http.aclose()

    async def _believed(self, told: Told, said: Said) -> Said:
        """Return *said*, a yes, unless the gateway knows nothing of what it said yes to; 02 is a proof already."""
        if said.reason_code == answers.REPEATED:
            return said
        seen = await self.observe(told)
        is_denied = seen is not None and seen.answer is Answer.NO_EFFECT
        return contradicted(told, told.fact) if is_denied else said

    async def _send_slip(self, told: Told) -> Said:
        applicant = (await told.people())["applicant"]
        answered = await self._post("TCT_GPC", bodies.slip(told, applicant))
        return answered if isinstance(answered, Said) else answers.of_slip(answered, seq_id(told.id), dict(applicant))

    async def _send_voucher(self, told: Told) -> Said:
        """Ask for the notice first: the voucher needs the tax number that stands on it."""
        notices = await self._ask(bodies.ASK_NOTICES, told)
        if isinstance(notices, Said):
            return notices if notices.answer is Answer.REFUSED else not_sent(notices)
        number = _tax_number(notices, told.data["notice_no"])
        if number is None:
            return Said(Answer.REFUSED, "unknown_notice", str(told.data["notice_no"]))
        answered = await self._post("ChungTuThanhToan", bodies.voucher(told, number))
        return answered if isinstance(answered, Said) else answers.of_voucher(answered)

    async def _ask_anew(self, kind: str, told: Told) -> Json | Said:
        """Ask under an id of its own: a look comes again and again."""
        return await self._ask(kind, replace(told, id=str(uuid4())))

    async def _ask(self, kind: str, told: Told) -> Json | Said:
        query = bodies.query(kind, told)
        answered = await self._post("TCT_TVTBT", query)
        return answered if isinstance(answered, Said) else answers.of_query(answered, query["SEQ_ID"])

    async def _post(self, call: str, body: Json) -> Answered | Said:
        return await post(self._http, f"/{call}", body, None, self._signer)


async def _no_call(told: Told) -> Said:
    """The gateway takes nothing of the kind: a person has to tell the tax office."""
    return Said(Answer.REFUSED, "no_call", told.fact)


def _is_booked(told: Told, owed: Json, paid: int) -> bool | None:
    """Say whether the payment told last is booked: certainly not if none is, certainly if nothing is left to pay."""
    if told.fact != "PaymentRecorded" or told.data.get("kind") == "fee":
        return None
    return False if paid == 0 else (owed.get("TONG_CON_PNOP") == 0 or None)


def _tax_number(notices: Json, notice_no: str) -> str | None:
    rows = notices.get("LIST")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    number = next((row.get("MA_SO_THUE") for row in found if row.get("SO_QUYET_DINH") == notice_no), None)
    return str(number) if number else None
