"""Request and response bodies of notify."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.notify.domain import EVENT_TYPES
from shared.web import Body, Instant, LocalInstant, Read

EventType = Literal[EVENT_TYPES]  # type: ignore[valid-type]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000, pattern=r"^https?://\S+$")]


class SubscriptionCreate(Body):
    """Where to send what."""

    url: Url
    event_types: Annotated[list[EventType], Field(min_length=1, max_length=len(EVENT_TYPES))]
    description: Annotated[str, StringConstraints(max_length=200)] = ""


class SubscriptionRead(Read):
    """A subscription as its owner sees it; never its secret."""

    id: UUID
    url: str
    event_types: list[str]
    description: str
    scope: str
    agency_code: str | None
    created_by: str
    status: str
    created_at: LocalInstant
    ended_at: LocalInstant | None
    n_failures: int
    paused_until: LocalInstant | None


class SubscriptionMade(SubscriptionRead):
    """The answer to its creation, and the only one that holds the secret (Standard Webhooks, ``whsec_…``)."""

    secret: str


class SubscriptionPage(Read):
    """A page of subscriptions."""

    items: list[SubscriptionRead]
    next: str | None


class AttemptRead(Read):
    """One try."""

    attempt_no: int
    at: LocalInstant
    outcome: str
    reason_code: str
    status_code: int | None


class MessageRead(Read):
    """A message, to whom (masked), and what became of it."""

    id: UUID
    dossier_id: UUID
    channel: str
    template: str
    template_version: int
    recipient_kind: str
    recipient: str
    subscription_id: UUID | None
    event_id: UUID
    event_type: str
    event_time: LocalInstant
    status: str
    reason_code: str
    n_tries: int
    n_redeliveries: int
    next_try_at: LocalInstant | None
    sent_at: LocalInstant | None
    attempts: list[AttemptRead]


class MessagePage(Read):
    """Messages with their attempts."""

    items: list[MessageRead]
    next: str | None


class RedeliveryAsk(Body):
    """Which messages to send again, with the keys they had: one, or all whose facts are not older than *since*."""

    message_id: UUID | None = None
    since: Instant | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.message_id is None) == (self.since is None):
            msg = "exactly one of message_id and since"
            raise ValueError(msg)
        return self


class RedeliveryRead(Read):
    """How many messages are on their way again; with *next_since* ask once more from there."""

    n_messages: int
    next_since: LocalInstant | None
