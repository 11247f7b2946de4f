"""The tables of workflow."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import COLUMN_TYPES, Json


class Base(DeclarativeBase):
    """Metadata of workflow's own tables."""

    type_annotation_map = COLUMN_TYPES


class Dossier(Base):
    """A dossier on its route: what the planner needs of it; nothing personal."""

    __tablename__ = "dossier"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    code: Mapped[str]
    route_code: Mapped[str]
    route_version: Mapped[int]
    procedure_code: Mapped[str]
    procedure_version: Mapped[int]
    calendar_code: Mapped[str]
    calendar_version: Mapped[int]
    field_code: Mapped[str]
    channel: Mapped[str]
    applicant_kind: Mapped[str]
    receiving_unit_code: Mapped[str]
    result_delivery: Mapped[str]
    attributes: Mapped[Json]
    accepted_at: Mapped[datetime]
    is_waiting_for_supplement: Mapped[bool]
    """The applicant was asked for something; legs stay where they are."""
    suspended_ground: Mapped[str | None]
    """Sla says so: the clock stands on this ground, and that of every leg with it that is not the span itself."""
    suspended_since: Mapped[datetime | None]
    unpaid_notices: Mapped[list[str]]
    paid_notices: Mapped[list[str]]
    n_legs: Mapped[int]
    """How many legs there are: who waited for the lock sees whether it missed one."""
    outcome: Mapped[str | None]
    completed_at: Mapped[datetime | None]


class Leg(Base):
    """A stretch handed over to an agency, or waiting for the applicant; with its hand-off data."""

    __tablename__ = "leg"
    __table_args__ = (
        # repository.inbox: open legs, near-breach first
        Index(
            "leg_open",
            "agency_code",
            "urgent_at",
            "dossier_id",
            "leg_no",
            postgresql_where=text("status IN ('offered', 'in_progress')"),
        ),
        # repository.inbox: legs that are over
        Index(
            "leg_over",
            "agency_code",
            "status",
            "urgent_at",
            "dossier_id",
            "leg_no",
            postgresql_where=text("status NOT IN ('offered', 'in_progress')"),
        ),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    leg_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int]
    step_code: Mapped[str]
    task: Mapped[str]
    holder: Mapped[str]
    agency_code: Mapped[str | None]
    status: Mapped[str]
    from_leg_no: Mapped[int | None]
    """The leg it came from: who handed it over, or sent it back."""
    excluded_ground: Mapped[str | None]
    limit_minutes: Mapped[int | None]
    """Working minutes in the calendar of the receiving unit."""
    offered_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    urgent_at: Mapped[datetime]
    """The due instant, or the end of days while there is none: what the inbox is ordered by."""
    acknowledged_at: Mapped[datetime | None]
    officer: Mapped[str | None]
    completed_at: Mapped[datetime | None]
    """When it was over, in whatever way."""
    outcome: Mapped[str | None]
    reason_code: Mapped[str | None]
    note: Mapped[str]
    """The officer's words; they stay here and are never published."""
    data: Mapped[Json]
    """What came with the outcome, such as the tax notices."""


class SupplementProposal(Base):
    """What an agency would have the one-stop unit ask of the applicant; the words stay here."""

    __tablename__ = "supplement_proposal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    leg_no: Mapped[int] = mapped_column(SmallInteger)
    ground: Mapped[str]
    component_codes: Mapped[list[str]]
    note: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]


class Exchange(Base):
    """What outside systems are told of one dossier, from its submission on; its lanes number what each is told."""

    __tablename__ = "exchange"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(index=True)
    picture: Mapped[Json]
    """``domain.picture.Picture``; nothing personal."""
    lanes: Mapped[Json]
    """By system: ``{"last_no": 7, "done_no": 5}``; what is between waits, in order."""


class Delivery(Base):
    """One change that one system is to be told, with its immutable payload; the first not taken is its lane's head."""

    __tablename__ = "delivery"
    __table_args__ = (
        # repository.exchange.lease: heads of lanes that are due
        Index("delivery_due", "system", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        # repository.exchange.open_deliveries: what a system has not taken yet
        Index("delivery_open", "system", "made_at", postgresql_where=text("state <> 'done'")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    event_id: Mapped[UUID]
    """The fact that made it."""
    fact: Mapped[str]
    payload: Mapped[bytes]
    """JSON, exactly as it is handed to the adapter."""
    payload_hash: Mapped[str]
    state: Mapped[str]
    made_at: Mapped[datetime]
    """Real time, like all instants below: leases and pauses do not follow a simulated clock."""
    next_try_at: Mapped[datetime | None]
    """Set for the head of a lane while an adapter may lease it."""
    leased_until: Mapped[datetime | None]
    fence: Mapped[int]
    """Grows with each lease: who holds an older one can not answer any more."""
    n_tries: Mapped[int]
    reason_code: Mapped[str]
    message: Mapped[str]
    """What the system answered last; words of a machine, shown to ops only."""
    acknowledged_at: Mapped[datetime | None]
    """When the system took it; null also if a person said so in its place."""
    result: Mapped[Json | None]
    resulted_at: Mapped[datetime | None]


class Standing(Base):
    """How one dossier stands in one system: what it has taken, and what was seen of it there."""

    __tablename__ = "standing"
    __table_args__ = (
        # repository.observing.lease_looks: what was taken and not seen since, before all that is due
        Index("standing_due", "system", "is_fresh", "look_at", postgresql_where=text("look_at IS NOT NULL")),
        # repository.observing.looks_due: handed out, and nothing came back
        Index("standing_unseen", "system", "due_since", postgresql_where=text("due_since IS NOT NULL")),
        # repository.observing.n_diverged
        Index("standing_diverged", "system", "since", postgresql_where=text("verdict = 'diverged'")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    told_no: Mapped[int]
    """The last change that it has taken; while the lane stands before it, changes are told again."""
    told_at: Mapped[datetime | None]
    """When it had taken it, by the business clock; all instants below but ``observed_at`` are real time."""
    acknowledged_at: Mapped[datetime | None]
    fence: Mapped[int]
    """Grows with each change that is taken and each look that is handed out: what was seen before says nothing."""
    is_fresh: Mapped[bool]
    """It has taken something, and was not seen since."""
    look_at: Mapped[datetime | None]
    """When it is looked at next; null while changes are told again, or if the system has no read."""
    due_since: Mapped[datetime | None]
    """Since when a look that was handed out is due: null once it is seen; what is not understood stays due."""
    verdict: Mapped[str]
    since: Mapped[datetime]
    """Since when the verdict is this one."""
    well_at: Mapped[datetime | None]
    """When nothing contradicted last: what a person accepted before is forgotten."""
    observed: Mapped[Json | None]
    """The fields that were seen; null if the dossier was not there."""
    observed_hash: Mapped[str | None]
    observed_at: Mapped[datetime | None]
    """By the business clock of who looked."""
    how: Mapped[str | None]
    received_at: Mapped[datetime | None]
    in_step_no: Mapped[int | None]
    """The last change that was seen to be there as it was told, and the hash of what was seen then."""
    in_step_hash: Mapped[str | None]
    n_repairs: Mapped[int]
    n_tries: Mapped[int]
    """Repairs since it was last in step."""
    repaired_at: Mapped[datetime | None]
    repaired_from: Mapped[int | None]
    """The change from which on it was told again."""


class Inbound(Base):
    """What an outside system said, once: its own id and a hash of the content tell repeats."""

    __tablename__ = "inbound"
    __table_args__ = (
        # repository.exchange.messages
        Index("inbound_status", "system", "status", "received_at", "message_id"),
    )

    system: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[str]
    kind: Mapped[str]
    dossier_code: Mapped[str]
    dossier_id: Mapped[UUID | None]
    at: Mapped[datetime]
    data: Mapped[Json]
    status: Mapped[str]
    detail: Mapped[str]
    received_at: Mapped[datetime]


class Incident(Base):
    """A difference that a machine may not settle, with both sides."""

    __tablename__ = "incident"
    __table_args__ = (
        # repository.exchange.open_incident
        Index(
            "incident_open",
            "dossier_id",
            "system",
            "kind",
            "delivery_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        # repository.observing.accepted, log_of: what a person decided of a dossier
        Index("incident_decided", "dossier_id", "system", postgresql_where=text("action IS NOT NULL")),
        # repository.observing.last_brake
        Index("incident_brake", "system", "id", postgresql_where=text("kind = 'brake'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID | None]
    """None: the brake, which is of the whole system."""
    system: Mapped[str]
    kind: Mapped[str]
    detail: Mapped[str]
    delivery_id: Mapped[UUID | None]
    base: Mapped[Json | None]
    ours: Mapped[Json | None]
    theirs: Mapped[Json | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    """The subject of a person, or ``observation``."""
    action: Mapped[str | None]
    note: Mapped[str]
