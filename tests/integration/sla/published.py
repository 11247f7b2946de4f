"""Dossiers as districts and wards published them: so many of each kind, told as facts on real days."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from shared.events import Fact
from shared.events.base import Limit as SaidLimit
from shared.events.intake import DossierAccepted, DossierSubmitted
from shared.events.workflow import RouteCompleted
from shared.outbox import new_dossier_id
from shared.timeline import Draft, Event, advance, record
from shared.worktime import Calendar, Limit, Unit, at_local, due_at
from tests.integration.sla.story import UNIT
from tests.simulation.memory import MemoryHead

LIMIT = Limit(amount=Decimal(10), unit=Unit.WORKING_DAYS)
Ends = Callable[[datetime, datetime], datetime | None]
"""From reception and deadline to the end of processing; None: pending."""


@dataclass(frozen=True)
class Kind:
    """*n* dossiers received from one day to another by turns on every day that *is_open* allows."""

    n: int
    channel: str
    from_on: date
    to_on: date
    ends: Ends
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)


def early(received_at: datetime, deadline_at: datetime) -> datetime:
    """Return the hour of reception, a week later."""
    return received_at + timedelta(days=7)


def on_time(received_at: datetime, deadline_at: datetime) -> datetime:
    """Return an hour before the deadline."""
    return deadline_at - timedelta(hours=1)


def late(received_at: datetime, deadline_at: datetime) -> datetime:
    """Return the day after the deadline's."""
    return deadline_at + timedelta(days=1)


def pending(received_at: datetime, deadline_at: datetime) -> None:
    """Return no end."""


def told(kinds: list[Kind], calendar: Calendar) -> Iterator[list[Event]]:
    """Yield the events of one dossier after the other."""
    for kind in kinds:
        every = [kind.from_on + timedelta(days=n) for n in range((kind.to_on - kind.from_on).days + 1)]
        days = [day for day in every if day.weekday() in kind.weekdays]
        for number in range(kind.n):
            received_at = at_local(days[number % len(days)], time(9, number % 60))
            yield list(_dossier(kind, received_at, calendar, number))


def _dossier(kind: Kind, received_at: datetime, calendar: Calendar, number: int) -> Iterator[Event]:
    common = {
        "procedure": "DD.01@1",
        "field_code": f"field-{number % 12:02}",
        "channel": kind.channel,
        "receiving_unit_code": UNIT,
        "applicant_kind": "citizen",
        "result_delivery": "counter",
    }
    deadline_at = due_at(received_at, LIMIT, calendar).due_at
    accepted = {
        "code": f"X-{received_at:%y%m%d}-{number:05}",
        "calendar": calendar.reference,
        "limit": SaidLimit(amount=10, unit="working_days"),
        "appointment_at": deadline_at,
    }
    intake = MemoryHead(new_dossier_id(received_at))
    said = [
        _say(intake, DossierSubmitted.model_validate({**common, "applicant_version": 1}), received_at),
        _say(intake, DossierAccepted.model_validate({**common, **accepted}), received_at),
    ]
    yield from said
    ends_at = kind.ends(received_at, deadline_at)
    if ends_at is not None:
        workflow = MemoryHead(intake.dossier_id)
        for event in said:
            advance(workflow, event)
        yield _say(workflow, RouteCompleted(outcome="granted"), ends_at)


def _say(head: MemoryHead, fact: Fact, at: datetime) -> Event:
    return record(fact.source, head, Draft(new_dossier_id(at), fact.type_name(), fact.encode()), at.astimezone(UTC))
