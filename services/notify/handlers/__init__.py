"""The use cases of notify: lock, decide, write, publish; one function each."""

from services.notify.handlers.again import AGAIN
from services.notify.handlers.messages import (
    Tried,
    address_rule,
    change_applicant,
    close_ended,
    create_subscription,
    delete_subscription,
    open_batch,
    record_tries,
    redeliver,
    tell,
    write_batch,
)

__all__ = [
    "AGAIN",
    "Tried",
    "address_rule",
    "change_applicant",
    "close_ended",
    "create_subscription",
    "delete_subscription",
    "open_batch",
    "record_tries",
    "redeliver",
    "tell",
    "write_batch",
]
