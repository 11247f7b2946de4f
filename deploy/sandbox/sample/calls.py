"""The two calls of the sample register; every answer is HTTP 200 with ``{ok, …}``."""

from typing import Any

from pydantic import Field

from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.faults import Kind
from deploy.sandbox.outside.forms import Form, Instant, read
from deploy.sandbox.outside.storage import Dossier

STATES = {"open": "Đang mở", "finished": "Đã xong", "refused": "Không giải quyết", "closed": "Đã khóa sổ"}
UNKNOWN, CLOSED = 404, 409
CODES = {UNKNOWN: "unknown_dossier", CLOSED: "closed", 401: "unsigned"}
"""The words of a refusal in ``error``; all others are ``malformed``."""


class Change(Form):
    """One change of a dossier; ``id`` is the sender's."""

    id: str = Field(min_length=1, max_length=100)
    code: str = Field(min_length=1, max_length=100)
    kind: str = Field(min_length=1, max_length=100)
    at: Instant
    status: str = Field(min_length=1)
    accepted_at: Instant
    due_at: Instant
    applicant_name: str = Field(min_length=1)


def write(desk: Desk, said: dict[str, Any]) -> Answer:
    """Write a change down behind the others of its dossier; a closed one takes none."""
    given = read(Change, said)
    dossier = desk.find(given.code) or Dossier(given.code, "open", {"changes": []})
    if dossier.state == "closed":
        raise Refusal(f"Hồ sơ {given.code} của {given.applicant_name} đã khóa sổ", CLOSED)
    is_repeat = any(one["id"] == given.id for one in dossier.fields["changes"])
    kept = {name: said[name] for name in ("status", "accepted_at", "due_at", "applicant_name")}
    changes = [*dossier.fields["changes"], {name: said[name] for name in ("id", "kind", "at")}]
    dossier.fields |= kept | {"changes": changes}
    dossier.progress.append(line(desk.now, dossier.state, given.kind + (" (ghi lần nữa)" if is_repeat else "")))
    if is_repeat and desk.strikes(Kind.RESET_DATES):
        dossier.fields["accepted_at"] = desk.now.isoformat()
    desk.save(dossier)
    return Answer({"ok": True, "number": len(changes)}, took_effect=True)


def read_back(desk: Desk, said: dict[str, Any]) -> Answer:
    """Return a dossier; an unknown one is an error."""
    dossier = desk.find(str(said.get("code") or ""))
    if dossier is None:
        raise Refusal("Không có hồ sơ này trong sổ", UNKNOWN)
    return Answer({"ok": True, "dossier": {"code": dossier.code, "state": dossier.state} | dossier.fields})
