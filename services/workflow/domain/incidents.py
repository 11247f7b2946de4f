"""When our state and an outside system's differ: what is lag, what has diverged, and what a person may do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.errors import IllegalTransition, Text


class Verdict(StrEnum):
    """What an observation says."""

    IN_STEP = "in_step"
    PENDING = "pending"
    """Lag: what differs is on its way."""
    DIVERGED = "diverged"
    """It contradicts what the system had taken."""


class Kind(StrEnum):
    """Classes of incidents; of each one is open for a dossier and a system at most."""

    REFUSED = "refused"
    """The system said no to a delivery; its lane stands still."""
    DIVERGED = "diverged"
    """A field was changed there."""
    CONFLICT = "conflict"
    """A field was changed there and here since the last common state."""
    MISSING = "missing"
    """The dossier is not there any more, or never was."""
    DATE = "date"
    """The system proposes another date than the one that was promised."""
    MESSAGE = "message"
    """The system says what contradicts the route: a leg that is over, in another way."""


OBSERVED = frozenset({Kind.DIVERGED, Kind.CONFLICT, Kind.MISSING})
"""These close when being in step is observed, and not before."""


class Action(StrEnum):
    """What a person decides."""

    RETRY = "retry"
    """Tell it again."""
    TAKEN = "taken"
    """It was seen to be there: the lane goes on."""
    DISMISS = "dismiss"
    """It was settled outside; the note says how."""


ACTIONS: Mapping[Kind, frozenset[Action]] = {
    Kind.REFUSED: frozenset({Action.RETRY, Action.TAKEN}),
    **dict.fromkeys((Kind.DIVERGED, Kind.CONFLICT, Kind.MISSING, Kind.DATE, Kind.MESSAGE), frozenset({Action.DISMISS})),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison, with the fields that differ as they are on each side."""

    verdict: Verdict
    kind: Kind | None = None
    base: dict[str, Any] | None = None
    ours: dict[str, Any] | None = None
    theirs: dict[str, Any] | None = None


def compare(base: Mapping[str, Any] | None, ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> Compared:
    """Compare what a system shows with what it had taken (*base*, None: nothing yet) and with what we have now.

    *theirs* holds the fields that were observed, None if the dossier is not there. What equals our present state is in
    step however it came there; what still equals the base is lag.
    """
    if theirs is None:
        return (
            Compared(Verdict.PENDING)
            if base is None
            else Compared(Verdict.DIVERGED, Kind.MISSING, dict(base), dict(ours))
        )
    different = [name for name in theirs if not same(theirs[name], ours.get(name))]
    if not different:
        return Compared(Verdict.IN_STEP)
    told = base or {}
    theirs_only = [name for name in different if not same(theirs[name], told.get(name))]
    if not theirs_only:
        return Compared(Verdict.PENDING)
    both = any(not same(told.get(name), ours.get(name)) for name in theirs_only)
    sides = (_only(told, theirs_only), _only(ours, theirs_only), _only(theirs, theirs_only))
    return Compared(Verdict.DIVERGED, Kind.CONFLICT if both and base is not None else Kind.DIVERGED, *sides)


def _only(state: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: state.get(name) for name in names}


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same; instants are, whatever their offset."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and "T" in value:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            return value
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def require(kind: Kind, action: Action) -> None:
    """Refuse what can not be done about an incident of *kind*; IllegalTransition names what can."""
    if action not in ACTIONS[kind]:
        raise IllegalTransition(
            Text("Không áp dụng được cho loại sự cố này", "this can not be done about such an incident"),
            extra={"kind": kind, "allowed": sorted(ACTIONS[kind])},
        )
