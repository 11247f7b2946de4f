"""Bodies of the adapter API, and of what ops see of outside systems."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.workflow.domain.deliveries import Answer, Result
from services.workflow.domain.incidents import Action
from services.workflow.domain.picture import Status as PictureStatus
from services.workflow.schemas.journeys import Note, NoticeGiven
from shared.web import Body, CodeText, Day, Instant, LocalInstant, Read

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
    is_first: bool
    """The system has taken nothing of this dossier before."""
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


class DueRead(Read):
    """How many dossiers, and since when the first of them."""

    n: int
    since: LocalInstant | None


class SystemRead(Read):
    """An outside system: what it has not taken yet, what has diverged there, whom it is time to look at."""

    code: str
    name: str
    agency_codes: list[str]
    tells: list[str]
    reads_back: bool
    owned: list[str]
    mark: str
    waiting: list[WaitingRead]
    diverged: DueRead
    looks_due: DueRead


class SystemPage(Read):
    """The outside systems in force."""

    items: list[SystemRead]
    next: None = None


class InStepAsk(Body):
    """A period of local dates, both inside."""

    from_on: Day = Field(alias="from")
    to_on: Day = Field(alias="to")


class InStepCount(Read):
    """How dossiers stand: one of the three each."""

    n: int
    n_in_step: int
    """Everything was taken, nothing that was seen contradicts it."""
    n_on_its_way: int
    """Not all was taken, or for ten minutes no look was understood."""
    n_contradicted: int
    """Diverged, let be so by a person, or with an open incident."""


class InStepUnit(InStepCount):
    """The dossiers that one unit received."""

    receiving_unit_code: str


class InStepRead(InStepCount):
    """How the dossiers accepted in a period stand in a system now; those that do not concern it are left out."""

    system: str
    at: LocalInstant
    units: list[InStepUnit]


class StandingRead(Read):
    """How a dossier stands in a system: in step, on its way (pending), diverged, or settled so by a person."""

    dossier_id: UUID
    system: str
    verdict: str
    since: LocalInstant
    told_no: int
    """The last change that the system has taken."""
    observed: dict[str, Any] | None
    observed_hash: str | None
    observed_at: LocalInstant | None
    how: str | None
    received_at: LocalInstant | None
    look_at: LocalInstant | None
    """When it is looked at next; null while changes are told again, or where nothing can be read."""
    due_since: LocalInstant | None
    """Since when a look that was handed out has brought nothing; null once it has."""
    in_step_no: int | None
    """The last change that was seen to be there as it was told, and the hash of what was seen then."""
    in_step_hash: str | None
    n_repairs: int
    repaired_at: LocalInstant | None
    repaired_from: int | None
    """The change from which on all were told again, the last time."""


class ExchangeRead(Read):
    """What one system is told of one dossier: the picture it should show, each change on its way, what was seen."""

    dossier_id: UUID
    system: str
    code: str | None
    picture: dict[str, Any]
    standing: StandingRead | None
    deliveries: list[DeliveryRead]


class Look(Read):
    """A dossier that is due to be looked at, with the last change that its system has taken."""

    id: UUID
    """Of that change."""
    dossier_id: UUID
    dossier_code: str | None
    no: int
    fact: str
    payload: dict[str, Any]
    is_first: bool
    """It is the first that the system has taken of this dossier."""
    fence: int
    """To be given back with the observation: what was seen before it says nothing."""


class LookPage(Read):
    """What is to be looked at; empty if nothing is due."""

    items: list[Look]


class ObservedState(Body):
    """What was seen of a dossier: only the fields that the system shows, in our words."""

    status: PictureStatus | None = None
    """Left out where the system stands at one of our changes: the status is the one that was told with it."""
    accepted_at: Instant | None = None
    appointment_at: Instant | None = None
    suspended_by: CodeText | None = None
    outcome: CodeText | None = None
    code: CodeText | None = None
    procedure_code: CodeText | None = None
    receiving_unit_code: CodeText | None = None


ChangeNo = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ObservationGiven(Body):
    """How a dossier stands in the system. What could not be read, or was not understood, is not to be brought."""

    dossier_code: CodeText | None = None
    dossier_id: UUID | None = None
    """One of the two says which dossier; both have to name the same one."""
    fence: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Of the look that was handed out; None if nobody asked."""
    observed_at: Instant
    how: Literal["read", "callback", "digest"]
    exists: bool = True
    state: ObservedState = Field(default_factory=ObservedState)
    stands_at: ChangeNo | None = None
    """The change of ours whose state is shown, where the system shows it."""
    has_last: bool | None = None
    """Whether the last change that it has taken is to be seen there; null where that is not shown."""
    log: Annotated[list[ChangeNo], Field(max_length=2000)] | None = None
    """Our changes in its log, in the order in which they stand there, where it shows its log."""


class MessageData(Body):
    """What a message carries; which fields count depends on its kind."""

    outcome: CodeText | None = None
    document_no: CodeText | None = None
    notices: Annotated[list[NoticeGiven], Field(max_length=20)] = Field(default_factory=list)
    reason_code: CodeText | None = None
    to_step_code: CodeText | None = None
    ground: CodeText | None = None
    component_codes: Annotated[list[CodeText], Field(max_length=100)] = Field(default_factory=list)
    note: Note = ""
    due_at: Instant | None = None
    step_code: CodeText | None = None
    text: Note = ""


class MessageGiven(Body):
    """What an outside system says of a dossier; ``message_id`` is its own, the same for a repeat."""

    message_id: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
    dossier_code: CodeText
    kind: Literal[
        "leg_acknowledged", "leg_completed", "leg_returned", "supplement_proposed", "date_proposed", "progressed"
    ]
    at: Instant
    data: MessageData = Field(default_factory=MessageData)
    delivery_id: UUID | None = None
    """The delivery that it answers: then it is about the leg which that one told of, and no later one."""
    how: Literal["callback", "read"] = "callback"
    """Whether the system said it, or shows it now: what it shows is compared each time, what it says is taken once."""


class MessageRead(Read):
    """What became of a message. ``parked`` is never told to the system as a success: it comes again."""

    system: str
    message_id: str
    kind: str
    dossier_code: str
    dossier_id: UUID | None
    at: LocalInstant
    data: dict[str, Any]
    status: str
    detail: str
    received_at: LocalInstant


class MessagePage(Read):
    """Messages of a system, by their ids."""

    items: list[MessageRead]
    next: str | None


class IncidentRead(Read):
    """A difference that a person has to settle: the last common state, ours, theirs."""

    id: UUID
    dossier_id: UUID | None
    """Null: the brake of a whole system."""
    system: str
    kind: str
    detail: str
    delivery_id: UUID | None
    base: dict[str, Any] | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    allowed: list[str]
    opened_at: LocalInstant
    closed_at: LocalInstant | None
    closed_by: str | None
    action: str | None
    note: str


class IncidentPage(Read):
    """Incidents, oldest first."""

    items: list[IncidentRead]
    next: str | None


class Resolution(Body):
    """What a person decided about an incident, and why."""

    action: Action
    note: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
