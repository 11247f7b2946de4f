"""What is told to whom, under which key, and when it is tried again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from shared.events.base import Fact
from shared.events.intake import (
    DossierAccepted,
    DossierRefused,
    DossierReopened,
    DossierStopped,
    DossierSubmitted,
    DossierWithdrawn,
    PaymentRecorded,
    PaymentRequested,
    ResultPosted,
    ResultReturned,
    SupplementReceived,
    SupplementRequested,
)
from shared.events.sla import (
    ApologyIssued,
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineMoved,
    SuspensionForgotten,
)
from shared.events.workflow import RouteCompleted


class Status(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    NO_ADDRESS = "no_address"
    """The applicant gave no e-mail address: nothing was to be sent."""
    MOOT = "moot"
    """Another fact overtook it before it was sent: the dossier had ended, or was not late after all."""


class Kind(StrEnum):
    """What is told; also the template's name, and with ``dossier.`` before it the webhook's event type."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    SUPPLEMENT_RECEIVED = "supplement_received"
    PAYMENT_REQUESTED = "payment_requested"
    PAYMENT_RECORDED = "payment_recorded"
    APPOINTMENT_MOVED = "appointment_moved"
    LATE = "late"
    LATE_WITHDRAWN = "late_withdrawn"
    APOLOGY = "apology_issued"
    NEAR = "deadline_near"
    FORGOTTEN = "suspension_forgotten"
    RESULT_READY = "result_ready"
    RESULT_POSTED = "result_posted"
    RETURNED = "returned"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"

    @property
    def event_type(self) -> str:
        """The type a subscriber asks for and gets."""
        return f"dossier.{self.value}"


EVENT_TYPES = tuple(kind.event_type for kind in Kind)

TOLD: Mapping[type[Fact], Kind] = {
    DossierSubmitted: Kind.RECEIVED,
    DossierAccepted: Kind.ACCEPTED,
    DossierRefused: Kind.REFUSED,
    SupplementRequested: Kind.SUPPLEMENT_REQUESTED,
    SupplementReceived: Kind.SUPPLEMENT_RECEIVED,
    PaymentRequested: Kind.PAYMENT_REQUESTED,
    PaymentRecorded: Kind.PAYMENT_RECORDED,
    DeadlineMoved: Kind.APPOINTMENT_MOVED,
    DeadlineMissed: Kind.LATE,
    DeadlineMissWithdrawn: Kind.LATE_WITHDRAWN,
    ApologyIssued: Kind.APOLOGY,
    DeadlineApproaching: Kind.NEAR,
    SuspensionForgotten: Kind.FORGOTTEN,
    RouteCompleted: Kind.RESULT_READY,
    ResultPosted: Kind.RESULT_POSTED,
    ResultReturned: Kind.RETURNED,
    DossierReopened: Kind.REOPENED,
    DossierWithdrawn: Kind.WITHDRAWN,
    DossierStopped: Kind.STOPPED,
}
ONLY_SUBSCRIBERS = frozenset(
    {
        Kind.SUPPLEMENT_RECEIVED,
        Kind.PAYMENT_RECORDED,
        Kind.RETURNED,
        Kind.WITHDRAWN,
        Kind.NEAR,
        Kind.FORGOTTEN,
    }
)
"""Not told to the applicant: what that person did or holds already, and what agencies have to look after."""
ENDS = frozenset({Kind.REFUSED, Kind.WITHDRAWN, Kind.STOPPED})
MOOT_AFTER_END = frozenset(
    {
        Kind.SUPPLEMENT_REQUESTED,
        Kind.PAYMENT_REQUESTED,
        Kind.APPOINTMENT_MOVED,
        Kind.LATE,
        Kind.LATE_WITHDRAWN,
        Kind.APOLOGY,
        Kind.RESULT_READY,
    }
)
"""Not told to the applicant of a dossier that was refused, withdrawn or stopped, whichever fact came first."""
PRIVATE = frozenset({"attributes", "applicant_version", "filed_by"})
"""Fields of facts that no message repeats."""


def is_for_applicant(fact: Fact) -> bool:
    """Say whether the applicant is written to: an apology has told the new day, and that the old one passes."""
    if isinstance(fact, DeadlineMoved) and fact.reason == "re_appointment":
        return False
    if isinstance(fact, DeadlineMissed) and fact.promised_at is not None:
        return False
    return TOLD[type(fact)] not in ONLY_SUBSCRIBERS


# Keys

_KEYS = UUID("6f1d7a0e-3c55-5b9e-9d5f-6c69656e7468")


def message_key(event_id: UUID, recipient: str, channel: str) -> UUID:
    """Return the key of a message, the same for every repeat of its event: UUIDv5 of event, recipient, channel."""
    return uuid5(_KEYS, f"{event_id}/{recipient}/{channel}")


def lane_of(dossier_id: UUID, recipient: str, channel: str) -> UUID:
    """Return the lane of a message: within a lane, messages leave in the order of their events."""
    return uuid5(_KEYS, f"lane/{dossier_id}/{recipient}/{channel}")


def public_data(fact: Fact) -> dict[str, Any]:
    """Return the fields of *fact* that a message may repeat, JSON-ready."""
    return fact.model_dump(mode="json", exclude_none=True, exclude=set(PRIVATE))


# Who gets what


class Scope(StrEnum):
    """Which dossiers a caller, and so a subscription of that caller, may know of."""

    ALL = "all"
    ONLINE = "online"
    UNIT = "unit"
    NONE = "none"


def scope_of(roles: Collection[str], agency_code: str | None) -> Scope:
    """Return the scope of a caller: systems and ops all, the portal what was filed online, an officer the unit's."""
    if {"ops", "system"}.intersection(roles):
        return Scope.ALL
    if "officer" in roles and agency_code:
        return Scope.UNIT
    return Scope.ONLINE if "portal" in roles else Scope.NONE


def may_know(scope: str, agency_code: str | None, channel: str | None, unit_code: str | None) -> bool:
    """Say whether a dossier of this channel and receiving unit is in *scope*."""
    if scope == Scope.UNIT:
        return unit_code is not None and unit_code == agency_code
    return scope == Scope.ALL or (scope == Scope.ONLINE and channel == "online")


# When to try again

BACK_OFF_SECONDS = (2, 5, 15, 60, 300, 900, 1800, 3600)
"""Then every hour, without end: an outage of a receiver loses nothing."""
PAUSE_AFTER_FAILURES = 3
LONGEST_PAUSE_SECONDS = 300
LONGEST_RETRY_AFTER_SECONDS = 3600


def back_off(n_tries: int) -> timedelta:
    """Return how long a message waits after its *n_tries*-th failed try (real time)."""
    return timedelta(seconds=BACK_OFF_SECONDS[min(max(n_tries, 1), len(BACK_OFF_SECONDS)) - 1])


def pause(n_failures: int) -> timedelta:
    """Return how long a subscription rests after so many failures in a row; none for the first few."""
    if n_failures < PAUSE_AFTER_FAILURES:
        return timedelta()
    return timedelta(seconds=min(2.0 ** min(n_failures, 16), LONGEST_PAUSE_SECONDS))


@dataclass(frozen=True)
class Outcome:
    """What one try came to: *status* PENDING means that it is tried again."""

    status: Status
    reason: str = ""
    """A stable code, never somebody else's words: those may hold an address."""
    code: int | None = None
    recipient: str = ""
    """Masked."""
    is_gone: bool = False
    """The receiver said that the subscription is over."""
    wait_seconds: int = 0
    """The receiver asked for that much patience."""
    applicant_version: int | None = None
    """The version of the applicant that was read, where there was no address in it."""


def judge_webhook(code: int, retry_after: str = "") -> Outcome:
    """Return what an HTTP status of a receiver means: 2xx taken, 410 gone for good, all else is tried again."""
    if 200 <= code < 300:
        return Outcome(Status.SENT, code=code)
    if code == 410:
        return Outcome(Status.FAILED, "subscription_gone", code, is_gone=True)
    reason = "redirect_refused" if 300 <= code < 400 else "receiver_error"
    wait = min(int(retry_after), LONGEST_RETRY_AFTER_SECONDS) if retry_after.isdecimal() else 0
    return Outcome(Status.PENDING, reason, code, wait_seconds=wait)
