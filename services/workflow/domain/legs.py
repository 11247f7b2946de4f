"""The states of a leg and of a dossier on its route, as transition tables."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

from shared.errors import AlreadyDone, IllegalTransition, Text


class LegStatus(StrEnum):
    """The states of a leg (api.md)."""

    OFFERED = "offered"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    RETURNED = "returned"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class LegAction(StrEnum):
    """What an officer may do to a leg of the agency."""

    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    ASSIGN = "assign"
    COMPLETE = "complete"
    RETURN = "return"
    PROPOSE_SUPPLEMENT = "supplement-proposals"


OPEN = (LegStatus.OFFERED, LegStatus.IN_PROGRESS)

TRANSITIONS: Mapping[LegAction, Mapping[LegStatus, LegStatus]] = {
    LegAction.ACKNOWLEDGE: {LegStatus.OFFERED: LegStatus.IN_PROGRESS},
    LegAction.REFUSE: {LegStatus.OFFERED: LegStatus.REFUSED},
    LegAction.ASSIGN: {status: status for status in OPEN},
    LegAction.COMPLETE: {LegStatus.IN_PROGRESS: LegStatus.COMPLETED},
    LegAction.RETURN: {LegStatus.IN_PROGRESS: LegStatus.RETURNED},
    LegAction.PROPOSE_SUPPLEMENT: {LegStatus.IN_PROGRESS: LegStatus.IN_PROGRESS},
}
_RESULT_OF = {
    LegAction.ACKNOWLEDGE: LegStatus.IN_PROGRESS,
    LegAction.REFUSE: LegStatus.REFUSED,
    LegAction.COMPLETE: LegStatus.COMPLETED,
    LegAction.RETURN: LegStatus.RETURNED,
}


class DossierStatus(StrEnum):
    """The states of a dossier on its route."""

    OPEN = "open"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


ENDED: Mapping[DossierStatus, Mapping[DossierStatus, DossierStatus]] = {
    ending: {
        **{status: status for status in DossierStatus},
        DossierStatus.OPEN: ending,
        DossierStatus.COMPLETED: ending,
    }
    for ending in (DossierStatus.WITHDRAWN, DossierStatus.STOPPED)
}
"""What intake says ended; it may cross the completion of the route, and then wins. The first ending stays."""
REOPENED: Mapping[DossierStatus, DossierStatus] = {DossierStatus.COMPLETED: DossierStatus.OPEN}
"""A result was found wrong; in every other state the fact is moot."""


class LegLike(Protocol):
    """What the rules need of a leg of a dossier."""

    leg_no: int
    step_code: str
    holder: str
    status: str
    outcome: str | None
    from_leg_no: int | None


Leg = TypeVar("Leg", bound=LegLike)


def is_open(leg: LegLike) -> bool:
    """Say whether the leg still waits for somebody."""
    return leg.status in OPEN


def with_successors(legs: Iterable[Leg], leg_no: int) -> list[Leg]:
    """Return a leg, and what took its place later without being offered: the same stretch, come from it."""
    line: list[Leg] = []
    for leg in legs:
        if leg.leg_no == leg_no or any(
            (leg.from_leg_no, leg.step_code) == (before.leg_no, before.step_code) for before in line
        ):
            line.append(leg)
    return line


def giver(legs: Iterable[LegLike], leg: LegLike) -> LegLike | None:
    """Return the agency's leg that handed *leg* over, past stretches of the applicant; None for the first."""
    by_no = {other.leg_no: other for other in legs}
    found = by_no.get(leg.from_leg_no or 0)
    while found is not None and found.holder != "agency":
        found = by_no.get(found.from_leg_no or 0)
    return found


def returnable(after: Mapping[str, Collection[str]], legs: Iterable[LegLike], leg: LegLike) -> list[str]:
    """Return the codes of earlier legs that *leg* may be sent back to, the latest first."""
    done = [
        other.step_code
        for other in legs
        if other.status == LegStatus.COMPLETED and other.holder == "agency" and leg.step_code in after[other.step_code]
    ]
    return list(dict.fromkeys(reversed(done)))


def allowed(leg: LegLike, *, may_refuse: bool, may_return: bool) -> list[str]:
    """Return the actions that an officer of the leg's agency may take now."""
    if leg.holder != "agency":
        return []
    possible = {LegAction.REFUSE: may_refuse, LegAction.RETURN: may_return}
    return [action.value for action, table in TRANSITIONS.items() if leg.status in table and possible.get(action, True)]


def next_status(leg: LegLike, action: LegAction, allowed_now: Collection[str]) -> LegStatus:
    """Return the state after *action*.

    Raises AlreadyDone if the action was done, IllegalTransition if the state does not allow it.
    """
    status = LegStatus(leg.status)
    if action.value in allowed_now:
        return TRANSITIONS[action][status]
    error = AlreadyDone if _RESULT_OF.get(action) is status else IllegalTransition
    raise error(
        Text(
            f"Chặng {leg.leg_no} đang ở trạng thái {status.value}, không thể thực hiện {action.value}",
            f"leg {leg.leg_no} is {status.value}, {action.value} is not possible",
        ),
        extra={"status_now": status.value, "allowed": list(allowed_now)},
    )
