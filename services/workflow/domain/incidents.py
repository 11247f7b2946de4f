"""When our state and an outside system's differ: the classes of incidents, and what a person may do about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.errors import IllegalTransition, Text


class Kind(StrEnum):
    """Classes of incidents; of each one is open for a dossier and a system at most."""

    REFUSED = "refused"
    """The system said no to a delivery; its lane stands still."""
    DIVERGED = "diverged"
    """A field was changed there that is not ours, or telling it again did not help."""
    CONFLICT = "conflict"
    """A field was changed there and here since the last common state."""
    MISSING = "missing"
    """The dossier was there and is not any more."""
    LOG = "log"
    """Its log, to which lines can only be added, has one twice, not at all or in another order."""
    DATE = "date"
    """The system proposes another date than the one that was promised."""
    MESSAGE = "message"
    """The system says what contradicts the route: a leg that is over, in another way."""
    NOTICES = "notices"
    """The tax office determined anew after its leg was over: the applicant was told of other notices."""
    BRAKE = "brake"
    """So much of a system has diverged that nothing is repaired there any more; it is of no single dossier."""


OBSERVED = frozenset({Kind.DIVERGED, Kind.CONFLICT, Kind.MISSING, Kind.LOG})
"""These close when being in step is observed, and not before."""


class Action(StrEnum):
    """What a person decides."""

    RETRY = "retry"
    """Tell it again."""
    TAKEN = "taken"
    """It was seen to be there: the lane goes on."""
    ACCEPT = "accept"
    """It stays there as it is: this very difference is no news any more."""
    DISMISS = "dismiss"
    """It was settled outside; the note says how. Seen again, it is an incident again."""
    TAKE_OVER = "take_over"
    """Theirs holds: it takes the place of ours."""
    RELEASE = "release"
    """The cause is gone: what has diverged is repaired again."""


ACTIONS: Mapping[Kind, frozenset[Action]] = {
    Kind.REFUSED: frozenset({Action.RETRY, Action.TAKEN}),
    Kind.DIVERGED: frozenset({Action.RETRY, Action.ACCEPT, Action.DISMISS}),
    Kind.MISSING: frozenset({Action.RETRY, Action.ACCEPT, Action.DISMISS}),
    Kind.CONFLICT: frozenset({Action.ACCEPT, Action.DISMISS}),
    Kind.LOG: frozenset({Action.ACCEPT, Action.DISMISS}),
    Kind.DATE: frozenset({Action.DISMISS}),
    Kind.MESSAGE: frozenset({Action.DISMISS}),
    Kind.NOTICES: frozenset({Action.TAKE_OVER, Action.DISMISS}),
    Kind.BRAKE: frozenset({Action.RELEASE}),
}


@dataclass(frozen=True, slots=True)
class Find:
    """A difference: the last common state, ours and theirs, of the fields that differ."""

    kind: Kind
    base: dict[str, Any] | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    first: int | None = None
    """The change from which on telling it again mends it, if a machine may; None: a person decides."""


def require(kind: Kind, action: Action) -> None:
    """Refuse what can not be done about an incident of *kind*; IllegalTransition names what can."""
    if action not in ACTIONS[kind]:
        raise IllegalTransition(
            Text("Không áp dụng được cho loại sự cố này", "this can not be done about such an incident"),
            extra={"kind": kind, "allowed": sorted(ACTIONS[kind])},
        )
