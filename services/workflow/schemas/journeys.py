"""Bodies about legs, inboxes, agencies and routes."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from shared.web import Body, CodeText, Day, LocalInstant, Read

Note = Annotated[str, StringConstraints(max_length=2000)]
Money = Annotated[int, Field(gt=0, le=10**15)]
EARLIEST = date(2000, 1, 1)


class Reason(Body):
    """Why: a code that is published, and words that stay here."""

    reason_code: CodeText
    note: Note = ""


class Assignment(Body):
    """Which officer of the agency does it."""

    officer: CodeText


class NoticeGiven(Body):
    """A notice the tax branch issued."""

    notice_no: CodeText
    amount: Money
    due_on: Day | None = None

    @field_validator("due_on")
    @classmethod
    def _plausible(cls, due_on: date | None) -> date | None:
        if due_on is not None and due_on < EARLIEST:
            msg = "too long ago"
            raise ValueError(msg)
        return due_on


class CompletionData(Body):
    """What comes with an outcome."""

    notices: list[NoticeGiven] = Field(default_factory=list, max_length=20)
    document_no: CodeText | None = None
    """The number of the document the agency issued."""

    @field_validator("notices")
    @classmethod
    def _distinct(cls, notices: list[NoticeGiven]) -> list[NoticeGiven]:
        if len({notice.notice_no for notice in notices}) < len(notices):
            msg = "a notice is there twice"
            raise ValueError(msg)
        return notices


class Completion(Body):
    """How the stretch ended; the outcome picks what comes next."""

    outcome: CodeText
    note: Note = ""
    data: CompletionData = Field(default_factory=CompletionData)


class SendBack(Reason):
    """Why the dossier goes back, and to which earlier leg; without it to the one that handed it over."""

    to_step_code: CodeText | None = None


class ProposalGiven(Body):
    """What the applicant should be asked for; the one-stop unit decides."""

    ground: CodeText
    component_codes: Annotated[list[CodeText], Field(min_length=1, max_length=100)]
    note: Note = ""


class OutcomeRead(Read):
    """An outcome the leg may be completed with."""

    code: str
    name: str
    takes: str | None


class LegRead(Read):
    """A leg of a dossier; ``allowed`` says what may be done with it now."""

    dossier_id: UUID
    leg_no: int
    version: int
    step_code: str
    task: str
    holder: str
    agency_code: str | None
    status: str
    officer: str | None
    from_leg_no: int | None
    excluded_ground: str | None
    limit_minutes: int | None
    offered_at: LocalInstant
    due_at: LocalInstant | None
    acknowledged_at: LocalInstant | None
    completed_at: LocalInstant | None
    outcome: str | None
    reason_code: str | None
    note: str
    data: dict[str, Any]
    allowed: list[str]
    outcomes: list[OutcomeRead]
    """What the leg may be completed with, while it is open."""
    returnable_to: list[str]


class ProposalRead(Read):
    """A proposed supplement."""

    leg_no: int
    ground: str
    component_codes: list[str]
    note: str
    proposed_by: str
    proposed_at: LocalInstant


class DossierRead(Read):
    """A dossier on its route, with the legs the caller may see."""

    id: UUID
    code: str
    status: str
    procedure_code: str
    procedure_version: int
    route_code: str
    route_version: int
    channel: str
    applicant_kind: str
    receiving_unit_code: str
    accepted_at: LocalInstant
    is_waiting_for_supplement: bool
    suspended_ground: str | None
    """The ground on which the dossier's clock stands, as sla says."""
    suspended_since: LocalInstant | None
    unpaid_notices: list[str]
    outcome: str | None
    completed_at: LocalInstant | None
    legs: list[LegRead]
    supplement_proposals: list[ProposalRead]


class InboxItem(Read):
    """A leg in an agency's inbox, with what an officer wants to know of its dossier."""

    dossier_id: UUID
    dossier_code: str
    procedure_code: str
    channel: str
    receiving_unit_code: str
    is_waiting_for_supplement: bool
    suspended_ground: str | None
    """The clock stands, and the leg is not due meanwhile unless it is the span itself; its place is behind."""
    leg_no: int
    version: int
    step_code: str
    task: str
    status: str
    officer: str | None
    offered_at: LocalInstant
    due_at: LocalInstant | None
    is_overdue: bool


class InboxPage(Read):
    """A page of an inbox, near-breach first."""

    items: list[InboxItem]
    next: str | None


class StrandedLeg(InboxItem):
    """An open leg of an agency that ended, or (without a code) for which none was found."""

    agency_code: str | None


class StrandedPage(Read):
    """A page of stranded legs, near-breach first."""

    items: list[StrandedLeg]
    next: str | None


class ReferencePage(Read):
    """A page of agencies or routes, as they were published."""

    items: list[dict[str, Any]]
    next: str | None
