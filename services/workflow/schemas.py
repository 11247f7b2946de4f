"""Request and response bodies of workflow."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from services.workflow.domain.deliveries import Answer, Result
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


# Outside systems

OutsideCode = Annotated[str, StringConstraints(max_length=64, pattern=r"^[!-~]*$")]


class LeaseAsk(Body):
    """How many deliveries an adapter takes, and for how long they are its own."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    seconds: Annotated[float, Field(ge=1, le=600)] = 60


class Leased(Read):
    """A delivery in the adapter's hands. ``state`` unknown: an earlier try may have taken effect, so observe first."""

    id: UUID
    dossier_id: UUID
    no: int
    """Its place in the order of what this system is told of this dossier."""
    fact: str
    payload: dict[str, Any]
    """Immutable; people are references that the adapter resolves in intake when it sends, and never stores."""
    state: str
    fence: int
    """To be given back with the answer."""
    n_tries: int
    leased_until: LocalInstant
    made_at: LocalInstant


class LeasedPage(Read):
    """What was leased; empty if nothing is due."""

    items: list[Leased]


class AnswerGiven(Body):
    """What came of a try. Taken only if a positive answer was parsed or an observation proves the effect."""

    fence: Annotated[int, Field(ge=1, le=2**31 - 1)]
    answer: Answer
    reason_code: OutsideCode = ""
    """The system's code, as it said it."""
    message: Annotated[str, StringConstraints(max_length=500)] = ""
    """The system's words, without anybody's particulars."""


class ResultGiven(Body):
    """The business result that belongs to a delivery."""

    outcome: Result
    data: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)


class DeliveryRead(Read):
    """A delivery as ops see it."""

    id: UUID
    dossier_id: UUID
    system: str
    no: int
    fact: str
    state: str
    fence: int
    n_tries: int
    reason_code: str
    message: str
    made_at: LocalInstant
    next_try_at: LocalInstant | None
    leased_until: LocalInstant | None
    acknowledged_at: LocalInstant | None
    result: dict[str, Any] | None
    resulted_at: LocalInstant | None


class WaitingRead(Read):
    """Deliveries of one system in one state."""

    state: str
    n: int
    oldest_made_at: LocalInstant


class SystemRead(Read):
    """An outside system, and what it has not taken yet."""

    code: str
    name: str
    agency_codes: list[str]
    tells: list[str]
    reads_back: bool
    mark: str
    waiting: list[WaitingRead]


class SystemPage(Read):
    """The outside systems in force."""

    items: list[SystemRead]
    next: None = None


class ExchangeRead(Read):
    """What one system is told of one dossier: the picture as it should be there, and each change on its way."""

    dossier_id: UUID
    system: str
    code: str | None
    picture: dict[str, Any]
    deliveries: list[DeliveryRead]
