"""The pure rules of intake: the states of a dossier, what each action and each fact does to them, its code."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from shared.errors import AlreadyDone, DomainError, IllegalTransition, Text


class Status(StrEnum):
    """The states of a dossier (api.md); the national portal's code of each is in ``PORTAL_CODE``."""

    SUBMITTED = "submitted"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    PROCESSING = "processing"
    PAYMENT_REQUESTED = "payment_requested"
    RESOLVED = "resolved"
    POSTED = "posted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class Action(StrEnum):
    """What a person may do to a dossier."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    REQUEST_SUPPLEMENT = "request-supplement"
    SUPPLEMENT = "supplement"
    REQUEST_PAYMENT = "request-payment"
    PAY = "payments"
    WITHDRAW = "withdraw"
    STOP = "stop"
    POST_RESULT = "post-result"
    RETURN_RESULT = "return-result"
    REOPEN = "reopen"
    CHANGE_APPLICANT = "change-applicant"


PORTAL_CODE: Mapping[Status, int] = {
    Status.SUBMITTED: 1,
    Status.ACCEPTED: 2,
    Status.REFUSED: 3,
    Status.PROCESSING: 4,
    Status.SUPPLEMENT_REQUESTED: 5,
    Status.PAYMENT_REQUESTED: 6,
    Status.WITHDRAWN: 7,
    Status.STOPPED: 8,
    Status.RESOLVED: 9,
    Status.POSTED: 9,
    Status.RETURNED: 10,
}

_OPEN = (Status.ACCEPTED, Status.PROCESSING, Status.PAYMENT_REQUESTED)
_ENDED = (Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.RETURNED)
BACK = None
"""The state before the supplement was requested."""

TRANSITIONS: Mapping[Action, Mapping[Status, Status | None]] = {
    Action.ACCEPT: {Status.SUBMITTED: Status.ACCEPTED},
    Action.REFUSE: {Status.SUBMITTED: Status.REFUSED},
    Action.REQUEST_SUPPLEMENT: dict.fromkeys((Status.SUBMITTED, *_OPEN), Status.SUPPLEMENT_REQUESTED),
    Action.SUPPLEMENT: {Status.SUPPLEMENT_REQUESTED: BACK},
    Action.REQUEST_PAYMENT: dict.fromkeys((Status.PROCESSING, Status.PAYMENT_REQUESTED), Status.PAYMENT_REQUESTED),
    Action.PAY: {Status.PAYMENT_REQUESTED: Status.PAYMENT_REQUESTED},
    Action.WITHDRAW: dict.fromkeys((Status.SUBMITTED, Status.SUPPLEMENT_REQUESTED, *_OPEN), Status.WITHDRAWN),
    Action.STOP: dict.fromkeys((Status.SUPPLEMENT_REQUESTED, *_OPEN), Status.STOPPED),
    Action.POST_RESULT: {Status.RESOLVED: Status.POSTED},
    Action.RETURN_RESULT: dict.fromkeys((Status.RESOLVED, Status.POSTED), Status.RETURNED),
    Action.REOPEN: dict.fromkeys((Status.RESOLVED, Status.RETURNED), Status.PROCESSING),
    Action.CHANGE_APPLICANT: {status: status for status in Status if status not in _ENDED},
}
_RESULT_OF = {
    Action.ACCEPT: Status.ACCEPTED,
    Action.REFUSE: Status.REFUSED,
    Action.WITHDRAW: Status.WITHDRAWN,
    Action.STOP: Status.STOPPED,
    Action.POST_RESULT: Status.POSTED,
    Action.RETURN_RESULT: Status.RETURNED,
}

STARTED: Mapping[Status, Status] = {Status.ACCEPTED: Status.PROCESSING}
"""The first leg was acknowledged; in every other state that fact changes nothing."""
TAKES_NOTICES = frozenset((*_OPEN, Status.SUPPLEMENT_REQUESTED))
"""A tax notice that crosses a supplement request waits behind it; after the end of a dossier it is moot."""
RESOLVED: Mapping[Status, Status] = dict.fromkeys((*_OPEN, Status.SUPPLEMENT_REQUESTED), Status.RESOLVED)
"""Processing ended; a dossier that was withdrawn or stopped meanwhile stays so (the fact is moot)."""

COMPLETION: Mapping[Status, int] = {
    Status.SUBMITTED: 0,
    Status.ACCEPTED: 10,
    Status.PROCESSING: 50,
    Status.SUPPLEMENT_REQUESTED: 50,
    Status.PAYMENT_REQUESTED: 60,
    Status.RESOLVED: 90,
    Status.POSTED: 95,
}
"""Percent, as the public look-up shows it; every ended state is 100."""


class NoticeLike(Protocol):
    """What the rules need of a notice."""

    leg_no: int | None
    """The leg of the tax branch that determined it; None for what an officer asked for."""
    paid_at: datetime | None
    voided_at: datetime | None


N = TypeVar("N", bound=NoticeLike)


class NoticeReplaced(IllegalTransition):
    """A new determination took the notice's place; ``payable`` lists the notices that are to be paid now."""

    code = "notice_replaced"
    title = Text("Thông báo đã được thay thế, không nộp theo thông báo này", "The notice was replaced: do not pay it")


class CodesExhausted(DomainError):
    """The unit has issued 9,999 codes today: a number is never used twice."""

    status = 409
    code = "codes_exhausted"
    title = Text("Đã hết số hồ sơ trong ngày", "No dossier code is left for today")


def allowed(status: Status) -> list[str]:
    """Return the actions that *status* allows."""
    return [action.value for action, table in TRANSITIONS.items() if status in table]


def next_status(status: Status, action: Action, before: Status | None = None) -> Status:
    """Return the state after *action*; *before* is where a supplement goes back to.

    Raises AlreadyDone if the action was done, IllegalTransition if the state does not allow it.
    """
    table = TRANSITIONS[action]
    if status in table:
        return table[status] or before or Status.SUBMITTED
    error = AlreadyDone if _RESULT_OF.get(action) is status else IllegalTransition
    raise error(
        Text(
            f"Hồ sơ đang ở trạng thái {status.value}, không thể thực hiện {action.value}",
            f"the dossier is {status.value}, {action.value} is not possible",
        ),
        extra={"status_now": status.value, "allowed": allowed(status)},
    )


def is_outstanding(notice: NoticeLike) -> bool:
    """Say whether the notice is still to be paid."""
    return notice.paid_at is None and notice.voided_at is None


def replaced_by(notices: Iterable[N], leg_no: int) -> list[N]:
    """Return the notices that the determination of the leg *leg_no* makes void: what is unpaid of earlier ones.

    Workflow's facts arrive in workflow's order, whatever they cross: the determination that comes is the newest.
    """
    return [notice for notice in notices if is_outstanding(notice) and notice.leg_no not in {None, leg_no}]


def awaiting(n_outstanding: int) -> Status:
    """Return the state a dossier goes on in: it waits for the applicant until nothing is left to pay."""
    return Status.PAYMENT_REQUESTED if n_outstanding else Status.PROCESSING


def dossier_code(prefix: str, day: date, number: int) -> str:
    """Return the official code ``prefix-YYMMDD-NNNN`` (rules.md §1.1); CodesExhausted past 9999."""
    if number > 9999:
        raise CodesExhausted(prefix)
    return f"{prefix}-{day:%y%m%d}-{number:04}"


def completion(status: Status) -> int:
    """Return the degree of completion in percent."""
    return COMPLETION.get(status, 100)
