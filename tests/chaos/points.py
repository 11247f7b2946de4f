"""The named points at which a process can be made to kill itself, and the bad broker a reader can be given."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

SERVICES = ("intake", "workflow", "sla", "notify")
ADAPTERS = ("vbdlis", "tax", "bhxh", "dvcqg")
COMMANDED = ("intake", "workflow")


@dataclass(frozen=True)
class Point:
    """A function of the product, before or after which the process dies; in which programs it is passed."""

    target: str
    when: Literal["before", "after"]
    programs: tuple[str, ...]
    most: int = 10
    """The latest passing that is worth waiting for."""
    needs: str = ""
    """A distortion without which it is hardly ever passed."""


POINTS = {
    "committed-before-sent": Point("shared.kafka:Publisher.send", "before", SERVICES),
    "sent-before-marked": Point("shared.relay:Relay._mark", "before", SERVICES),
    "lease-taken": Point("shared.relay:Relay._lease", "after", SERVICES),
    "applied-before-offset": Point("shared.reader:Reader._apply", "after", SERVICES),
    "head-stepped-before-commit": Point("shared.inbox:_write_holds", "after", SERVICES),
    "written-before-commit": Point("shared.session:Session.flush", "after", COMMANDED, 40),
    "answer-stored-before-commit": Point("shared.idempotency:Claim.remember", "after", COMMANDED),
    "committed-before-answered": Point("shared.web:_in_transaction", "after", COMMANDED, 30),
    "pulled-before-applied": Point("shared.fetch:Fetch._pull", "after", SERVICES, 3, "loses"),
    "inside-recent-sweep": Point("shared.audit:RecentSweep._compare", "after", SERVICES, 3),
    "inside-full-sweep": Point("shared.full_sweep:FullSweep._compare", "after", SERVICES, 3),
    "inside-partitioning": Point("shared.migrate:_make_partition", "after", SERVICES, 4),
    "started-before-ready": Point("shared.service:Service.start", "after", SERVICES, 1),
    "timer-fired-before-commit": Point("services.sla.handlers.timers:fire", "after", ("sla",), 1),
    "mail-claimed-before-sent": Point("services.notify.jobs.email:send", "before", ("notify",)),
    "mail-sent-before-recorded": Point("services.notify.jobs:_record", "before", ("notify",)),
    "webhook-claimed-before-sent": Point("services.notify.jobs.webhook:send", "before", ("notify",)),
    "delivery-leased-before-sent": Point("services.workflow.adapters.runtime:Runtime._said", "before", ADAPTERS, 3),
    "delivered-before-recorded": Point("services.workflow.adapters.ledger:Ledger.answer", "before", ADAPTERS, 3),
    "heard-before-answered": Point(
        "services.workflow.adapters.ledger:Ledger.say", "after", ("vbdlis", "tax", "bhxh"), 2
    ),
}
MIGRATION = Point("alembic.ddl.impl:DefaultImpl._exec", "after", SERVICES, 25)
"""One statement of a migration was sent; struck on databases of its own, since those of the town are made."""


def loses(events: Iterable[Any]) -> Iterator[Any]:
    """Lose every third message."""
    yield from (event for n, event in enumerate(events) if n % 3 != 2)


def repeats(events: Iterable[Any]) -> Iterator[Any]:
    """Bring everything, and then everything again."""
    known = list(events)
    yield from (*known, *known)


def swaps(events: Iterable[Any]) -> Iterator[Any]:
    """Bring each batch backwards."""
    yield from reversed(list(events))


def alters(events: Iterable[Any]) -> Iterator[Any]:
    """Bring every third message with other bytes than its writer wrote."""
    yield from (event if n % 3 != 2 else event._replace(data=event.data + b" ") for n, event in enumerate(events))


DISTORTIONS: dict[str, Callable[[Iterable[Any]], Iterator[Any]]] = {
    "loses": loses,
    "repeats": repeats,
    "swaps": swaps,
    "alters": alters,
}
DISTORTED = "shared.reader:_decode"
"""Where messages come out of the broker."""
