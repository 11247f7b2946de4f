"""What outside systems are told of a dossier: a picture folded from the facts of all services, in the order they came.

Nothing in it is personal: people are named by the version of their particulars in intake. Source: architecture.md §4.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Fact, intake, sla, workflow


class Status(StrEnum):
    """The states of a dossier as intake names them (api.md)."""

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


ENDED = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED})
"""What comes after one of these is moot."""
OVER = ENDED | {Status.RESOLVED, Status.POSTED, Status.RETURNED}
"""Processing has ended; only a reopening goes on from here."""


class Picture(BaseModel):
    """A dossier as outside systems may know it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status
    status_before: Status | None = None
    """Where a supplement goes back to."""
    code: str | None = None
    procedure_code: str
    field_code: str
    channel: str
    is_assisted: bool = False
    receiving_unit_code: str
    applicant_kind: str
    applicant_version: int
    result_delivery: str
    attributes: dict[str, Any] = Field(default_factory=dict)
    submitted_at: datetime
    accepted_at: datetime | None = None
    appointment_at: datetime | None = None
    """What the applicant is promised; while ``suspended_by`` is set there is no deadline."""
    suspended_by: str | None = None
    outcome: str | None = None
    resolved_at: datetime | None = None
    ended_at: datetime | None = None


def born(fact: intake.DossierSubmitted, at: datetime) -> Picture:
    """Return the picture of a dossier that was handed in."""
    return Picture(
        status=Status.SUBMITTED,
        procedure_code=fact.procedure.rpartition("@")[0],
        field_code=fact.field_code,
        channel=fact.channel,
        is_assisted=fact.assisted,
        receiving_unit_code=fact.receiving_unit_code,
        applicant_kind=fact.applicant_kind,
        applicant_version=fact.applicant_version,
        result_delivery=fact.result_delivery,
        attributes=fact.attributes,
        submitted_at=at,
    )


def fold(picture: Picture, fact: Fact, at: datetime) -> Picture:
    """Return the picture after *fact*; total: a fact that was overtaken by another changes nothing."""
    step = _STEPS.get(type(fact))
    changes = step(picture, fact, at) if step is not None else {}
    return picture.model_copy(update=changes) if changes else picture


Changes = dict[str, Any]
Step = Callable[[Picture, Any, datetime], Changes]


def _accepted(picture: Picture, fact: intake.DossierAccepted, at: datetime) -> Changes:
    return {
        **_to(picture, Status.ACCEPTED, after={Status.SUBMITTED, Status.SUPPLEMENT_REQUESTED}),
        "code": fact.code,
        "accepted_at": at,
        "appointment_at": fact.appointment_at,
    }


def _to(picture: Picture, status: Status, after: set[Status] | None = None) -> Changes:
    """Go to *status* unless processing is over; a supplement that is waited for hides it until it has come."""
    if picture.status in OVER or (after is not None and picture.status not in after):
        return {}
    if picture.status is Status.SUPPLEMENT_REQUESTED and picture.accepted_at is not None:
        return {"status_before": status}
    return {"status": status, "status_before": None}


def _supplement_requested(picture: Picture, _: Fact, __: datetime) -> Changes:
    if picture.status in OVER or picture.status is Status.SUPPLEMENT_REQUESTED:
        return {}
    return {"status": Status.SUPPLEMENT_REQUESTED, "status_before": picture.status}


def _supplement_received(picture: Picture, _: Fact, __: datetime) -> Changes:
    if picture.status is not Status.SUPPLEMENT_REQUESTED:
        return {}
    return {"status": picture.status_before or Status.SUBMITTED, "status_before": None}


def _leg_acknowledged(picture: Picture, _: Fact, __: datetime) -> Changes:
    standing = picture.status_before if picture.status is Status.SUPPLEMENT_REQUESTED else picture.status
    return _to(picture, Status.PROCESSING) if standing is Status.ACCEPTED else {}


def _payment_recorded(picture: Picture, fact: intake.PaymentRecorded, _: datetime) -> Changes:
    standing = picture.status_before if picture.status is Status.SUPPLEMENT_REQUESTED else picture.status
    is_last = not fact.outstanding and standing is Status.PAYMENT_REQUESTED
    return _to(picture, Status.PROCESSING) if is_last else {}


def _resolved(picture: Picture, fact: workflow.RouteCompleted, at: datetime) -> Changes:
    if picture.status in OVER:
        return {}
    return {"status": Status.RESOLVED, "status_before": None, "outcome": fact.outcome, "resolved_at": at}


def _reopened(picture: Picture, _: Fact, __: datetime) -> Changes:
    if picture.status in ENDED:
        return {}
    return {"status": Status.PROCESSING, "outcome": None, "resolved_at": None, "ended_at": None}


def _ends(status: Status) -> Step:
    """An end that intake decided wins over whatever crossed it."""
    return lambda _, __, at: {"status": status, "status_before": None, "ended_at": at}


_STEPS: Mapping[type[Fact], Step] = {
    intake.DossierAccepted: _accepted,
    intake.DossierRefused: _ends(Status.REFUSED),
    intake.DossierWithdrawn: _ends(Status.WITHDRAWN),
    intake.DossierStopped: _ends(Status.STOPPED),
    intake.SupplementRequested: _supplement_requested,
    intake.SupplementReceived: _supplement_received,
    intake.PaymentRequested: lambda picture, _, __: _to(picture, Status.PAYMENT_REQUESTED),
    intake.PaymentRecorded: _payment_recorded,
    intake.ApplicantChanged: lambda _, fact, __: {"applicant_version": fact.applicant_version},
    intake.ResultPosted: lambda picture, _, __: {} if picture.status in ENDED else {"status": Status.POSTED},
    intake.ResultReturned: lambda picture, _, at: (
        {} if picture.status in ENDED else {"status": Status.RETURNED, "ended_at": at}
    ),
    intake.DossierReopened: _reopened,
    workflow.LegAcknowledged: _leg_acknowledged,
    workflow.RouteCompleted: _resolved,
    sla.DeadlineMoved: lambda _, fact, __: {
        "appointment_at": fact.to_at,
        "suspended_by": fact.still_suspended_by,
    },
    sla.ClockSuspended: lambda _, fact, __: {"suspended_by": fact.ground},
    sla.ClockResumed: lambda _, fact, __: {"suspended_by": fact.still_suspended_by},
}
