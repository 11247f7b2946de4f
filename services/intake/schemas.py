"""Request and response bodies of intake."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from shared.events.base import Limit
from shared.events.intake import ApplicantKind, Channel, Delivery
from shared.events.reference import Component
from shared.web import Body, CodeText, Day, Instant, LocalInstant, Read

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Note = Annotated[str, StringConstraints(max_length=2000)]
Money = Annotated[int, Field(gt=0, le=10**15)]

EARLIEST = date(2000, 1, 1)
EXAMPLE: dict[str, Any] = {
    "procedure_code": "DD.01",
    "channel": "counter",
    "receiving_unit_code": "H99.01",
    "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Mẫu", "phone": "0900000000"},
    "result_delivery": "counter",
    "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
    "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
}


class Person(Body):
    """Somebody named in a dossier; personal data."""

    full_name: Name
    identity_number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{5,20}$")] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 .]{8,20}$")] | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")] | None = None
    address: Annotated[str, StringConstraints(max_length=500)] | None = None


class Applicant(Person):
    """In whose name the dossier is (chủ hồ sơ)."""

    kind: ApplicantKind


class Submitter(Person):
    """Who hands the dossier in for the applicant (người nộp)."""

    relation: Words


class Party(Person):
    """Another person the dossier concerns."""

    role: Words


class SubmittedComponent(Body):
    """A paper that came with the dossier."""

    code: CodeText
    n_originals: Annotated[int, Field(ge=0, le=100)] = 0
    n_copies: Annotated[int, Field(ge=0, le=100)] = 0


class People(Body):
    """The people of a dossier, all of them."""

    applicant: Applicant
    submitter: Submitter | None = None
    parties: Annotated[list[Party], Field(default_factory=list, max_length=50)]


class DossierCreate(People):
    """A submission."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    procedure_code: CodeText
    channel: Channel
    receiving_unit_code: CodeText
    result_delivery: Delivery
    attributes: dict[str, Any] = Field(default_factory=dict)
    components: Annotated[list[SubmittedComponent], Field(default_factory=list, max_length=100)]


class Reason(Body):
    """Why: a code that is published, and words that stay here and are shown to the applicant."""

    reason_code: CodeText
    note: Note = ""


class SupplementAsk(Body):
    """What is missing, once and in full (form 02)."""

    ground: CodeText
    component_codes: Annotated[list[CodeText], Field(min_length=1, max_length=100)]
    note: Note
    approved_by: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """The head who approved; required from the third request on."""


class SupplementGiven(Body):
    """What came in."""

    components: Annotated[list[SubmittedComponent], Field(min_length=1, max_length=100)]


class PaymentAsk(Body):
    """A fee or another notice to pay; tax notices come from workflow by themselves."""

    notice_no: CodeText
    kind: Literal["fee", "tax"] = "fee"
    amount: Money
    due_on: Day | None = None


class PaymentProof(Body):
    """The voucher of one notice."""

    notice_no: CodeText
    amount: Money
    paid_at: Instant
    method: CodeText
    reference: Words

    @field_validator("paid_at")
    @classmethod
    def _plausible(cls, paid_at: datetime) -> datetime:
        if paid_at.date() < EARLIEST:
            msg = "too long ago"
            raise ValueError(msg)
        return paid_at


class PostedResult(Body):
    """Who carries the result to the applicant."""

    carrier_code: CodeText


class ReturnedResult(Body):
    """How the applicant got the result; the dossier's own delivery if absent."""

    delivery: Delivery | None = None


class NoticeRead(Read):
    """A notice and whether it is paid; one with ``voided_at`` was replaced and is not to be paid."""

    notice_no: str
    kind: str
    amount: int
    due_on: date | None
    requested_at: LocalInstant
    paid_at: LocalInstant | None
    voided_at: LocalInstant | None


class NoticePage(Read):
    """The notices of a dossier, oldest first."""

    items: list[NoticeRead]
    next: str | None


class DossierRead(Read):
    """A dossier as its parties see it; people are behind ``…/applicant``."""

    id: UUID
    version: int
    status: str
    code: str | None
    procedure_code: str
    procedure_version: int
    field_code: str
    channel: str
    is_assisted: bool
    receiving_unit_code: str
    applicant_kind: str
    applicant_version: int
    result_delivery: str
    attributes: dict[str, Any]
    components: list[dict[str, Any]]
    submitted_at: LocalInstant
    accepted_at: LocalInstant | None
    appointment_at: LocalInstant | None
    first_appointment_at: LocalInstant | None
    suspended_ground: str | None
    n_supplements: int
    outcome: str | None
    resolved_at: LocalInstant | None
    ended_at: LocalInstant | None
    allowed: list[str]
    portal_code: int


class DossierPage(Read):
    """A page of dossiers."""

    items: list[DossierRead]
    next: str | None


class ApplicantRead(Read):
    """The people of a dossier, for a purpose; the look was recorded."""

    dossier_id: UUID
    version: int
    applicant: dict[str, Any]
    submitter: dict[str, Any] | None
    parties: list[dict[str, Any]]
    private_attributes: dict[str, Any]


class TimelineItem(Read):
    """One fact of one service."""

    source: str
    seq: int
    id: UUID
    type: str
    time: LocalInstant
    data: dict[str, Any]


class Timeline(Read):
    """Every fact of every service about a dossier, in causal order."""

    items: list[TimelineItem]


class TrackRead(Read):
    """What anybody may see."""

    code: str
    completion_percent: int


class ProcedureRead(Read):
    """One version of a procedure."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    version: int
    name: str
    field_code: str
    field_name: str
    level: str
    service_level: str
    limit: Limit
    limit_note: str
    citation: str
    components: list[Component]
    attributes_schema: dict[str, Any]
    valid_from: date
    valid_to: date | None


class ProcedurePage(Read):
    """The catalogue as it is in force."""

    items: list[ProcedureRead]
    next: str | None
