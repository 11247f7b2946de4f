"""The code tables of the national portal (rules.md §1, contracts.md §2); what is not in a table is never guessed."""

from collections.abc import Mapping

from services.workflow.adapters.port import Json

STATE: Mapping[str, str] = {
    "submitted": "1",
    "accepted": "2",
    "refused": "3",
    "processing": "4",
    "supplement_requested": "5",
    "payment_requested": "6",
    "withdrawn": "7",
    "stopped": "8",
    "resolved": "9",
    "posted": "9",
    "returned": "10",
}
"""Our eleven states in its ten codes: *handed to the post* has none, it stays 9."""
BEFORE_RECEPTION: Mapping[str, str] = {"5": "1", "7": "1", "8": "1"}
"""Header codes of a dossier that was never received: the portal takes these only with both dates, and there are none.

The progress line says 5, 7 or 8 all the same, and NgayKetThucXuLy says that it is over.
"""
ENDS = frozenset({"7", "8"})
"""Withdrawn, stopped."""
CHANNEL: Mapping[str, str] = {"counter": "1", "online": "2", "post": "3"}
KIND: Mapping[str, str] = {"citizen": "1", "household": "1", "business": "2", "agency": "3", "other": "4"}
"""LoaiDoiTuong of dialect A, which has no household: it acts through a citizen."""
DELIVERY: Mapping[str, str] = {"counter": "0", "post": "1"}
"""HinhThuc; there is none for an electronic result."""


def log_code(dossier: Json) -> str:
    """Return the code that a line of progress carries."""
    return STATE[dossier["status"]]


def header_code(dossier: Json) -> str:
    """Return the code that the header carries."""
    code = log_code(dossier)
    return code if dossier.get("accepted_at") else BEFORE_RECEPTION.get(code, code)


def is_over_there(dossier: Json, shown: object) -> bool:
    """Say whether the portal shows by itself the end that our header could not carry: nothing is put in its place."""
    return shown in ENDS and shown == log_code(dossier) != header_code(dossier)
