"""The tables of intake."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import COLUMN_TYPES, NOW, Json


class Base(DeclarativeBase):
    """Metadata of intake's own tables."""

    type_annotation_map = COLUMN_TYPES


class Dossier(Base):
    """One application; particulars of people are in ``applicant``, never here."""

    __tablename__ = "dossier"
    __table_args__ = (
        # repository.list_dossiers
        Index("dossier_unit_status", "receiving_unit_code", "status", "id"),
        Index("dossier_submitted_by", "submitted_by", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    """The ETag: moves with every command and with every fact that changes the state or what is to be paid."""
    status: Mapped[str]
    status_before: Mapped[str | None]
    code: Mapped[str | None] = mapped_column(unique=True)
    procedure_code: Mapped[str]
    procedure_version: Mapped[int]
    field_code: Mapped[str]
    channel: Mapped[str]
    is_assisted: Mapped[bool]
    submitted_by: Mapped[str]
    receiving_unit_code: Mapped[str]
    applicant_kind: Mapped[str]
    applicant_version: Mapped[int]
    result_delivery: Mapped[str]
    attributes: Mapped[Json]
    components: Mapped[list[Json]]
    submitted_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    appointment_at: Mapped[datetime | None]
    """What the applicant is promised now; sla alone moves it."""
    first_appointment_at: Mapped[datetime | None]
    suspended_ground: Mapped[str | None]
    """While set there is no deadline, and this is why."""
    n_supplements: Mapped[int]
    n_notices: Mapped[int]
    """Tells whoever waited for the lock whether a notice was added meanwhile."""
    outcome: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Applicant(Base):
    """One immutable version of the people of a dossier: personal data, read through recorded looks only."""

    __tablename__ = "applicant"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    applicant: Mapped[Json]
    submitter: Mapped[Json | None]
    parties: Mapped[list[Json]]
    private_attributes: Mapped[Json]
    """The attributes that the procedure does not declare as public."""
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ApplicantLook(Base):
    """Who looked at whose particulars, when and what for; append-only."""

    __tablename__ = "applicant_look"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    version: Mapped[int]
    purpose: Mapped[str]
    subject: Mapped[str]
    looked_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CodeCounter(Base):
    """The last number issued by a unit on a day; its row lock makes numbers unique and without gaps."""

    __tablename__ = "code_counter"
    __table_args__ = (CheckConstraint("last BETWEEN 1 AND 10000", name="code_counter_range"),)

    prefix: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]


class SupplementRequest(Base):
    """What was asked of the applicant (form 02), and when it came in."""

    __tablename__ = "supplement_request"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    request_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str]
    ground: Mapped[str]
    component_codes: Mapped[list[str]]
    note: Mapped[str]
    requested_by: Mapped[str]
    approved_by: Mapped[str | None]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime | None]


class PaymentNotice(Base):
    """A tax notice or a fee the applicant has to pay, and what was paid on it."""

    __tablename__ = "payment_notice"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_no: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    """Whole đồng."""
    due_on: Mapped[date | None]
    leg_no: Mapped[int | None]
    """The leg of the tax branch whose determination it belongs to; none for what an officer asked for."""
    requested_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    """A later determination took its place: it is not to be paid."""
    method: Mapped[str | None]
    reference: Mapped[str | None]
    recorded_by: Mapped[str | None]


class Decision(Base):
    """The officer's words of a refusal, stop, withdrawal or reopening: shown to the applicant, never published."""

    __tablename__ = "decision"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    action: Mapped[str]
    reason_code: Mapped[str]
    note: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]


class TimelineEvent(Base):
    """A fact of another service, as it was published; with the own ledger this is the whole timeline."""

    __tablename__ = "timeline_event"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID]
    type: Mapped[str]
    time: Mapped[datetime]
    after: Mapped[str]
    chain: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes]
    correlation_id: Mapped[str]
    traceparent: Mapped[str]
