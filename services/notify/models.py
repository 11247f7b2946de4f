"""The tables of notify; none of them holds anything of a person but the fact that there is no e-mail address."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import COLUMN_TYPES, NOW, Json


class Base(DeclarativeBase):
    """Metadata of notify's own tables."""

    type_annotation_map = COLUMN_TYPES


class Dossier(Base):
    """What notify has to know of a dossier to write about it and to choose who is told."""

    __tablename__ = "dossier"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str | None]
    procedure_code: Mapped[str | None]
    procedure_version: Mapped[int | None]
    receiving_unit_code: Mapped[str | None]
    channel: Mapped[str | None]
    result_delivery: Mapped[str | None]
    applicant_version: Mapped[int] = mapped_column(default=1)
    no_email_in_version: Mapped[int | None]
    """This version of the applicant was read once and has no e-mail address: it is not read again for that."""
    has_ended: Mapped[bool] = mapped_column(default=False)
    """Refused, withdrawn or stopped: final."""


class Subscription(Base):
    """A system that is told by webhook; its secret is kept because it signs, and is answered once."""

    __tablename__ = "subscription"
    __table_args__ = (
        # repository.list_subscriptions
        Index("subscription_created_by", "created_by", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    event_types: Mapped[list[str]]
    description: Mapped[str]
    scope: Mapped[str]
    agency_code: Mapped[str | None]
    created_by: Mapped[str]
    status: Mapped[str]
    """``active``, ``gone`` (the receiver said 410) or ``deleted``."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    n_failures: Mapped[int] = mapped_column(default=0)
    """In a row, over all dossiers."""
    paused_until: Mapped[datetime | None]
    """Real time: while it rests nothing is sent to it."""


class Message(Base):
    """Something to tell somebody about one fact; its id is its key, the same for every repeat of the fact.

    ``next_try_at`` is real time and set only for the first pending message of a lane: the others wait behind it.
    """

    __tablename__ = "message"
    __table_args__ = (
        # repository.claim_emails, repository.claim_webhooks
        Index("message_email_due", "next_try_at", postgresql_where=text("status = 'pending' AND channel = 'email'")),
        Index(
            "message_webhook_due",
            "subscription_id",
            "next_try_at",
            postgresql_where=text("status = 'pending' AND channel = 'webhook'"),
        ),
        # repository.settle_lanes
        Index("message_lane", "lane", "event_time", "id", postgresql_where=text("status = 'pending'")),
        # repository.messages_of
        Index("message_dossier", "dossier_id", "event_time", "id"),
        # repository.deliveries
        Index("message_subscription", "subscription_id", "event_time", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    lane: Mapped[UUID]
    channel: Mapped[str]
    template: Mapped[str]
    template_version: Mapped[int]
    recipient_kind: Mapped[str]
    recipient: Mapped[str] = mapped_column(default="")
    """Masked, once it is known."""
    subscription_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    event_time: Mapped[datetime]
    correlation_id: Mapped[str]
    data: Mapped[Json]
    """What is said, fixed when the fact came: a webhook's public data, an e-mail's words without the person."""
    status: Mapped[str]
    next_try_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    """Real time: a worker is sending it."""
    n_tries: Mapped[int] = mapped_column(default=0)
    """Also the fence: a worker whose lease ran out does not record."""
    n_failures: Mapped[int] = mapped_column(default=0)
    """In a row, since it was made or asked for again: decides the back-off."""
    n_redeliveries: Mapped[int] = mapped_column(default=0)
    reason_code: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]


class Attempt(Base):
    """One try to send a message; never what was said or to which address."""

    __tablename__ = "attempt"

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    outcome: Mapped[str]
    reason_code: Mapped[str]
    status_code: Mapped[int | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
