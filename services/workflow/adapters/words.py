"""Small things translators share: instants in UTC, message ids from content, what a body has to hold."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.workflow.adapters.port import Heard, Json, Message, Unreadable
from shared.worktime import LOCAL

LONGEST_TEXT = 2000
INCOMPLETE = "incomplete"
"""The ground of a supplement whose asker names no papers: the one-stop unit does."""
_CODE = re.compile(r"[0-9A-Za-zĐđ][0-9A-Za-zĐđ._/@-]{0,63}")


def utc(text: str | None) -> str | None:
    """Return an instant of ours as partners write it: UTC, to the millisecond."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text).astimezone(UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_in(body: Json, name: str) -> datetime:
    """Return an instant of a callback; Unreadable unless it is ISO 8601 with an offset."""
    text = text_in(body, name)
    try:
        found = datetime.fromisoformat(text)
        in_utc = found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{name} is not an instant") from error
    if found.tzinfo is None:
        raise Unreadable(f"{name} has no offset")
    return in_utc


def text_in(body: Json, name: str) -> str:
    """Return a text that has to be there; Unreadable if it is not."""
    found = body.get(name)
    if not isinstance(found, str) or not _legible(found):
        raise Unreadable(f"{name} is missing")
    return _legible(found)


def note_in(body: Json, name: str) -> str:
    """Return a text that may be missing."""
    found = body.get(name)
    return _legible(found)[:LONGEST_TEXT] if isinstance(found, str) else ""


def _legible(text: str) -> str:
    """Return *text* without the characters that a database or a page will not show."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()


def code_of(text: str) -> str:
    """Return *text* as a code of ours; empty if it can not be one, and so belongs into words.

    Blanks are let go around strokes and dots only: a sentence, and a name in it, never becomes a code.
    """
    joined = re.sub(r"\s*([/.-])\s*", r"\1", text.strip())
    return joined if _CODE.fullmatch(joined) else ""


def progressed(step: str, event: str, *parts: str) -> tuple[str, Json]:
    """Return a line of progress; a *step* that is no code stands in its words, and the *event* in its place."""
    code = code_of(step)
    text = "; ".join(part for part in ("" if code else step, *parts) if part)
    return "progressed", {"step_code": code or event, "text": text[:LONGEST_TEXT]}


def day_of(now: datetime) -> datetime:
    """Return the beginning of the day in Hanoi: when a callback without a time was heard, said again the same."""
    return now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)


def message_id(event: str, body: Json, *more: str) -> str:
    """Return the id of a callback that has none: the same for the same content, 128 characters at most."""
    content = json.dumps([body, *more], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(unicodedata.normalize("NFC", content).encode()).hexdigest()
    return f"{event[:40]}:{digest}"


def integer_in(body: Json, name: str) -> int:
    """Return a whole number, however it is written; Unreadable if it is none."""
    found: Any = body.get(name)
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found).removeprefix("-").isdecimal():
        raise Unreadable(f"{name} is not a number")
    return int(found)


Kinds = list[tuple[str, Json]]
Events = Mapping[str, tuple[str | None, Callable[[Json], Kinds]]]
"""Callback → the field of its instant (None: it has none), and what it says."""


def heard(events: Events, event: str, code_field: str, body: Json, now: datetime) -> Heard:
    """Return the messages of one callback; Unreadable if it is none of *events*.

    One without an instant is of the day on which it came, so that its repeat is the same message.
    """
    if event not in events:
        raise Unreadable("unknown event")
    code, (time_field, translate) = text_in(body, code_field), events[event]
    at = instant_in(body, time_field) if time_field else day_of(now)
    day = [] if time_field else [at.date().isoformat()]
    kinds = translate(body)
    return Heard(tuple(Message(message_id(event, body, kind, *day), code, kind, at, data) for kind, data in kinds))
