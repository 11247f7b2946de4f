"""The callback with the business result (type 11): what it says of our slip, and what that means for the dossier."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.workflow.adapters.port import Heard, Json, Message, Result, Told, Unreadable
from services.workflow.adapters.tax import ids
from services.workflow.adapters.tax.bodies import RESULT

EVENT = "TCT_GPC"
DETERMINED = "00"
UNLISTED = "unlisted-"
"""A result in no table is brought as an outcome that no leg has: it is parked, where people see it, and answered no."""
TOTALS: Mapping[str, str] = {
    "TONG_PHAI_NOP": "amount",
    "TONG_MIEN_GIAM": "relief",
    "TONG_DA_NOP": "paid",
    "TONG_CON_PNOP": "outstanding",
}


def hear(event: str, body: Json, at: datetime) -> Heard:
    """Return the result of the slip and the message about its dossier; *at* is when we heard it: it says no time."""
    if event != EVENT or body.get("MSG_TYPE") != RESULT:
        msg = f"no result of a slip: {event}"
        raise Unreadable(msg)
    delivery_id, inner, code = _parts(body)
    who = message_id(body), str(inner["MA_HS"])
    if code not in CONCLUSIONS:
        unlisted = {"outcome": f"{UNLISTED}{code}"}
        return Heard((Message(*who, "leg_completed", at, unlisted, delivery_id=delivery_id),))
    outcome, kind, data = CONCLUSIONS[code](body, inner)
    totals = {ours: inner[theirs] for theirs, ours in TOTALS.items() if isinstance(inner.get(theirs), int)}
    office = {"office_code": str(inner["MA_CQT"])} if inner.get("MA_CQT") else {}
    result = Result(delivery_id, outcome, {"result_code": code, **office, **totals})
    return Heard((Message(*who, kind, at, data, delivery_id=delivery_id),), (result,))


def shown(told: Told, owed: Json, listed: Json, at: datetime) -> Heard:
    """Return the determination that the queries 16 and 14 show, as message 11 would have brought it.

    Nothing if the notices are not all that is owed, as while they are written. That nothing is due, or that the slip
    was returned, no query shows.
    """
    inner = {"MA_HS": told.dossier["code"], **owed, "LIST": listed.get("LIST")}
    body = {"MSG_TYPE": RESULT, "SEQ_REFID": ids.seq_id(told.id), "MA_KETQUA": DETERMINED, "BODY": inner}
    try:
        heard = hear(EVENT, body, at)
    except Unreadable:
        return Heard()
    total = sum(notice["amount"] for message in heard.messages for notice in message.data["notices"])
    return heard if total == owed.get("TONG_PHAI_NOP") else Heard()


def message_id(body: Json) -> str:
    """Return the slip and a hash of what is said of it: the same whether it was heard, heard again or read.

    The gateway's own SEQ_ID is no part of it, since what is read has none; nor is what was paid meanwhile.
    """
    code, inner = body.get("MA_KETQUA"), body["BODY"]
    said = _amounts(inner) if code == DETERMINED else body.get("DIEN_GIAI")
    content = json.dumps([code, said], sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{body.get('SEQ_REFID')}:{hashlib.sha256(content).hexdigest()[:16]}"


Conclusion = Callable[[Json, Json], tuple[str, str, Json]]


def _parts(body: Json) -> tuple[str, Json, str]:
    delivery_id, inner, code = ids.delivery_id(body.get("SEQ_REFID")), body.get("BODY"), body.get("MA_KETQUA")
    is_code = isinstance(code, str) and re.fullmatch(r"[0-9A-Za-z]{1,16}", code)
    if delivery_id is None or not is_code or not isinstance(inner, dict) or not inner.get("MA_HS"):
        msg = "SEQ_REFID names no slip of ours, or MA_KETQUA is no code, or MA_HS is missing"
        raise Unreadable(msg)
    return delivery_id, inner, str(code)


def _determined(_: Json, inner: Json) -> tuple[str, str, Json]:
    notices = [{"notice_no": number, "amount": amount} for number, amount in _amounts(inner).items()]
    if not notices:
        msg = "a determination without notices"
        raise Unreadable(msg)
    return "done", "leg_completed", {"outcome": "notice_issued", "notices": notices}


def _amounts(inner: Json) -> dict[str, int]:
    """Return what is to be paid by notice: one notice has a row for each kind of tax (TEN_TIEUMUC)."""
    rows, amounts = inner.get("LIST"), dict[str, int]()
    for number, amount in map(_notice, rows if isinstance(rows, list) else []):
        amounts[number] = amounts.get(number, 0) + amount
    return amounts


def _nothing_due(_: Json, __: Json) -> tuple[str, str, Json]:
    return "done", "leg_completed", {"outcome": "no_tax_due"}


def _sent_back(body: Json, _: Json) -> tuple[str, str, Json]:
    return "refused", "leg_returned", {"reason_code": "slip_returned", "note": str(body.get("DIEN_GIAI") or "")[:2000]}


CONCLUSIONS: Mapping[str, Conclusion] = {DETERMINED: _determined, "01": _nothing_due, "02": _sent_back}
"""By MA_KETQUA; the outcomes are those of the tax leg in the province's routes."""


def _notice(row: Any) -> tuple[str, int]:
    number = row.get("SO_QUYET_DINH") if isinstance(row, dict) else None
    amount = row.get("SO_TIEN") if isinstance(row, dict) else None
    whole = int(amount) if isinstance(amount, str) and amount.isdecimal() else amount
    if not isinstance(number, str) or not number or type(whole) is not int or whole <= 0:
        msg = "a notice without number or amount"
        raise Unreadable(msg)
    return number, whole
