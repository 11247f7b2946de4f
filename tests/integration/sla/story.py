"""Histories for sla: facts of intake and workflow as those services would record them, at instants of our choice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat as uuids

from shared.events import Fact
from shared.events.base import Limit
from shared.events.intake import DossierAccepted, DossierSubmitted
from shared.events.workflow import LegCompleted, LegOffered, RouteCompleted
from shared.service import Service
from shared.timeline import Draft, Event, advance, record
from shared.worktime.calendar import LOCAL
from tests import support
from tests.simulation.memory import MemoryHead
from tests.support import Databases, Holds, Issuer, World, definition_of, world

UNIT, OFFICE, TAX = "H99.01", "H99.VPDK", "H99.THUE.01"


def at(text: str) -> datetime:
    """Return an instant of March 2026, "2 09:00"; the 2nd is a Monday, every day has 450 working minutes."""
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-03-{int(day):02} {clock}").replace(tzinfo=LOCAL).astimezone(UTC)


class Story:
    """One dossier's events; each source knows the others' only where it was told to ``hear`` them."""

    def __init__(self) -> None:
        self.dossier_id: UUID = uuids.uuid7()
        self.heads = {source: MemoryHead(self.dossier_id) for source in ("intake", "workflow")}
        self.events: list[Event] = []

    def say(self, when: str, fact: Fact) -> Event:
        """Let the source of *fact* say it, knowing what it has heard."""
        draft = Draft(uuids.uuid7(), fact.type_name(), fact.encode())
        event = record(fact.source, self.heads[fact.source], draft, at(when))
        self.events.append(event)
        return event

    def hear(self) -> None:
        """Let every source apply all that was said."""
        for source, head in self.heads.items():
            for event in sorted(self.events, key=lambda event: event.order):
                if event.source != source and event.seq == head.entry(event.source).seq + 1:
                    advance(head, event)

    def both(self, when: str, *facts: Fact) -> None:
        """Say facts one after the other, heard by all."""
        for fact in facts:
            self.say(when, fact)
            self.hear()

    def begin(
        self,
        when: str = "2 09:00",
        *,
        days: float = 8,
        unit: str = UNIT,
        channel: str = "online",
        limit: Limit | None = None,
    ) -> None:
        """Submit and accept: 8 working days from Mon 2 March 9:00 end on Thu 12 March 17:00."""
        common = {
            "procedure": "DD.01@3",
            "field_code": "dat-dai",
            "channel": "online" if channel == "assisted" else channel,
            "assisted": channel == "assisted",
            "receiving_unit_code": unit,
            "applicant_kind": "citizen",
            "result_delivery": "counter",
        }
        self.both(when, DossierSubmitted.model_validate({**common, "applicant_version": 1}))
        accepted = {
            "code": "H99.01-260302-0001",
            "calendar": "VN@1",
            "limit": limit or Limit(amount=days, unit="working_days"),
            "appointment_at": at("12 17:00"),
        }
        self.both(when, DossierAccepted.model_validate({**common, **accepted}))


def offered(leg_no: int, agency: str | None, ground: str | None = None, minutes: int | None = None) -> LegOffered:
    return LegOffered(
        leg_no=leg_no,
        step_code=f"step-{leg_no}",
        task="việc",
        holder="agency" if agency else "applicant",
        agency_code=agency,
        excluded_ground=ground,
        limit_minutes=minutes,
    )


def completed(leg_no: int) -> LegCompleted:
    return LegCompleted(leg_no=leg_no, outcome="done")


@asynccontextmanager
async def sla_on(databases: Databases, clock: str = "") -> AsyncIterator[Service]:
    """Return the parts of sla on a fresh database with the sample province's reference data."""
    prefix = await databases.cut("sla", holds=Holds.ALL)
    service = Service(definition_of("sla"), databases.settings(prefix, clock=clock))
    await service.references.refresh()
    yield service
    await service.stop()
    await databases.drop(prefix, "sla")


@asynccontextmanager
async def on_a_monday(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla over HTTP, on a database of its own and the clock of Monday 9 March 2026, 9:00; none of its workers runs."""
    clock = f"2026-03-09T09:00:00+07:00@{datetime.now(UTC).isoformat()}x1"
    async with world(databases, issuer, services=("sla",), role="api", holds=Holds.ALL, clock=clock) as made:
        yield made


async def told(running: World, *, agency: str = OFFICE, days: float = 8, ends: str = "") -> str:
    """Return the path of a dossier accepted on Mon 2 March 9:00, held by the land office; 8 days end on Thu 12."""
    story = Story()
    story.begin("2 09:00", days=days)
    story.both("3 08:00", offered(1, agency))
    if ends:
        story.both(ends, completed(1), RouteCompleted(outcome="granted"))
    await tell(running.service("sla"), story.events)
    return f"/v1/dossiers/{story.dossier_id}"


def stand(service: Service, when: str) -> None:
    """Let the clock of a service stand at an instant of March 2026: what it says becomes known then."""
    support.stand(service, at(when))


async def tell(service: Service, events: Sequence[Event]) -> None:
    """Apply *events* as if read from their ledgers."""
    applied = await service.inbox.apply(list(events), trusted=True)
    assert applied == len(events)
