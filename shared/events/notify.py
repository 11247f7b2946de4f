"""Facts that notify publishes: what was sent, to which kind of recipient, by which channel; never the address."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.events.base import Code, Fact

MessageChannel = Literal["email", "webhook", "sms", "zalo"]


class NotifyFact(Fact):
    """A fact whose source is notify."""

    source: ClassVar[str] = "notify"


class MessageSent(NotifyFact):
    """A message was handed to its channel, with this key."""

    message_id: UUID
    template: Code
    channel: MessageChannel
    recipient: Literal["applicant", "submitter", "officer", "subscriber"]


class MessageFailed(NotifyFact):
    """A message can not be delivered and no further try is made."""

    message_id: UUID
    template: Code
    channel: MessageChannel
    recipient: Literal["applicant", "submitter", "officer", "subscriber"]
    reason_code: Code
