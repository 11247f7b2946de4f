"""The life of a delivery to an outside system: leased, answered, done; what is not sure is never taken for a yes."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.errors import DomainError, IllegalTransition, Text

CANONICALISER = 1
"""The version of ``canonical``; stored beside every hash."""
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
NO_CALL = "no_call"
"""The reason of a refusal: the system has no call for the fact, and nothing was sent."""
LET_GO = "let_go"
"""The reason of a refusal: the dossier is gone there, and a person has said that it stays so."""


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    """Not tried, or tried without effect."""
    UNKNOWN = "unknown"
    """It may have taken effect: observed first, or repeated only where the adapter's table allows it."""
    ACKNOWLEDGED = "acknowledged"
    """Taken technically; its business result is still to come."""
    REFUSED = "refused"
    """The system said no: a person decides."""
    DONE = "done"


class Answer(StrEnum):
    """What an adapter says came of a try."""

    TAKEN = "taken"
    """A positive answer was parsed, or an observation proves the effect."""
    REFUSED = "refused"
    NO_EFFECT = "no_effect"
    """It certainly did not take effect (no connection, 502 before it): try again later."""
    UNKNOWN = "unknown"
    """Time-out, cut off, an answer that is not in the adapter's table."""
    GONE = "gone"
    """It has no such dossier, though it has taken changes of it: those are told again first, or a person decides."""


class Result(StrEnum):
    """The business result of a delivery that was acknowledged."""

    DONE = "done"
    REFUSED = "refused"


class StaleLease(IllegalTransition):
    """The lease ran out and somebody else has the delivery, or it was never leased to the caller."""

    code = "stale_lease"
    title = Text("Lượt giao đã hết hạn hoặc không phải của hệ thống này", "The lease ran out, or is not yours")


class SystemUnknown(DomainError):
    """No such outside system."""

    status = 404
    code = "system_unknown"
    title = Text("Không có hệ thống bên ngoài này", "No such outside system")


def after_answer(answer: Answer, *, has_result: bool) -> State:
    """Return the state after a technical answer; *has_result*: a business result comes later."""
    if answer is Answer.TAKEN:
        return State.ACKNOWLEDGED if has_result else State.DONE
    return _AFTER[answer]


_AFTER: Mapping[Answer, State] = {
    Answer.REFUSED: State.REFUSED,
    Answer.NO_EFFECT: State.WAITING,
    Answer.UNKNOWN: State.UNKNOWN,
    Answer.GONE: State.WAITING,
}
RESULTED: Mapping[Result, State] = {Result.DONE: State.DONE, Result.REFUSED: State.REFUSED}
LEASABLE = frozenset({State.WAITING, State.UNKNOWN})
LANE_MOVES_ON = frozenset({State.ACKNOWLEDGED, State.DONE})
"""The next change of the lane may be told: the system has taken this one."""


def pause_after(n_tries: int) -> timedelta:
    """Return how long to wait after *n_tries* tries in a row without effect; they never end."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(n_tries - 1, 20)))


def canonical(value: Any) -> bytes:
    """Return the one text of JSON-like *value*: keys sorted, NFC, no blanks (canonicaliser 1)."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return unicodedata.normalize("NFC", text).encode()


def digest(value: Any) -> str:
    """Return the hash of *value* in its canonical form."""
    return digest_of(canonical(value))


def digest_of(content: bytes) -> str:
    """Return the hash of what is canonical already."""
    return f"{CANONICALISER}:{hashlib.sha256(content).hexdigest()}"
