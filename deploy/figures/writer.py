"""Lives written as the services would: each fact through the services' own ``publish``, at its instant, and relayed."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from sqlalchemy import text

from deploy.figures.lives import Life
from deploy.figures.place import Place
from shared import reference
from shared.events.base import Limit
from shared.events.intake import DossierAccepted, DossierSubmitted
from shared.events.workflow import LegOffered, RouteCompleted
from shared.inbox import lock_heads
from shared.outbox import birth, new_dossier_id, publish
from shared.service import Service
from shared.settings import Settings
from shared.timeline import Event, advance

CHUNK = 500
UNSENT = text("SELECT EXISTS (SELECT FROM event WHERE published_at IS NULL)")
DATED = {"version": 1, "valid_from": "2018-01-01", "valid_to": None}
ACCEPTED_AFTER = timedelta(seconds=30)


class Writer:
    """Intake and workflow as far as a figure needs them: their ledgers, their relays, their reference data."""

    def __init__(self, settings: Settings, calendar: str = "VN") -> None:
        self._calendar = calendar
        self.intake, self.workflow = (
            Service(import_module(f"services.{name}.app").definition, settings) for name in ("intake", "workflow")
        )
        self.held: list[tuple[UUID, str]] = []
        """Dossiers that an agency holds at the end, with that agency."""
        self._n = 0
        self._relays: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Writer":
        for service in (self.intake, self.workflow):
            self._relays.append(asyncio.create_task(service.relay.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for relay in self._relays:
            relay.cancel()
            with suppress(asyncio.CancelledError):
                await relay
        await self.intake.stop()
        await self.workflow.stop()

    async def introduce(self, place: Place) -> None:
        """Publish the agencies and procedures of a place as reference data."""
        named = [unit.model_dump(include={"code", "name", "kind", "level"}) for unit in place.units]
        await _own(self.workflow, "agency", [{**each, **DATED, "calendar_code": place.calendar} for each in named])
        await _own(self.intake, "procedure", _procedures(place))

    async def write(self, lives: Sequence[Life], done: Callable[[int], None]) -> None:
        """Write dossiers, some at a time, each service's part in a transaction of its own; *done* hears how many are.

        What intake said is with the broker before workflow goes on: nobody answers here who would fill a gap.
        """
        for start in range(0, len(lives), CHUNK):
            chunk = lives[start : start + CHUNK]
            told = await self._receive(chunk)
            await _until_sent(self.intake)
            await self._work_on(chunk, told)
            done(start + len(chunk))

    async def _receive(self, chunk: Sequence[Life]) -> list[list[Event]]:
        async with self.intake.sessions.begin() as session:
            told = []
            for number, life in enumerate(chunk):
                head = birth(session, new_dossier_id(life.received_at - ACCEPTED_AFTER))
                at = life.received_at - ACCEPTED_AFTER
                submitted = publish(session, head, _submitted(life), at)
                accepted = _accepted(life, f"{life.slot.unit_code}-{self._n + number:06}", f"{self._calendar}@1")
                told.append([submitted, publish(session, head, accepted, life.received_at)])
            self._n += len(chunk)
        return told

    async def _work_on(self, chunk: Sequence[Life], told: list[list[Event]]) -> None:
        """Let workflow know the dossiers, and publish what became of those that it did something for."""
        ids = sorted(events[0].dossier_id for events in told)
        async with self.workflow.sessions.begin() as session:
            heads = await lock_heads(session, ids)
            for life, events in zip(chunk, told, strict=True):
                head = heads[events[0].dossier_id]
                for event in events:
                    advance(head, event)
                if life.holder_code is not None:
                    publish(session, head, _offered(life.holder_code), life.received_at + timedelta(hours=1))
                    self.held.append((head.dossier_id, life.holder_code))
                if life.ended_at is not None:
                    outcome = "granted" if life.slot.is_granted else "not_granted"
                    publish(session, head, RouteCompleted.model_validate({"outcome": outcome}), life.ended_at)


async def _until_sent(service: Service) -> None:
    async with service.sessions() as session:
        while await session.scalar(UNSENT):  # noqa: ASYNC110 - another process may be the one that sends
            await asyncio.sleep(0.01)


async def _own(service: Service, kind: str, rows: list[dict[str, Any]]) -> None:
    """Store reference data as its owner does, and send it."""
    async with service.sessions.begin() as session:
        for row in rows:
            service.references.parse(kind, row)
            await reference.store(session, (kind, row["code"], row["version"]), row, owned=True)
    while await reference.publish_owned(service.sessions, service.publisher):
        pass


def _procedures(place: Place) -> list[dict[str, Any]]:
    common = {
        **DATED, "level": "district", "service_level": "full", "citation": "giả định", "components": [],
        "attributes_schema": {}, "limit": {"amount": 10, "unit": "working_days"},
    }  # fmt: skip
    return [
        {**common, "code": code, "name": f"{field.name}, thủ tục {n} (giả định)",
         "field_code": field.code, "field_name": field.name}
        for field in place.fields for n, code in enumerate(field.procedure_codes, start=1)
    ]  # fmt: skip


def _common(life: Life) -> dict[str, Any]:
    return {
        "procedure": f"{life.procedure_code}@1",
        "field_code": life.field_code,
        "channel": life.slot.channel,
        "receiving_unit_code": life.slot.unit_code,
        "applicant_kind": "citizen",
        "result_delivery": "counter",
    }


def _submitted(life: Life) -> DossierSubmitted:
    return DossierSubmitted.model_validate({**_common(life), "applicant_version": 1})


def _accepted(life: Life, code: str, calendar: str) -> DossierAccepted:
    limit = Limit(amount=life.limit_days, unit="working_days")
    more = {"code": code, "calendar": calendar, "limit": limit, "appointment_at": life.due_at}
    return DossierAccepted.model_validate({**_common(life), **more})


def _offered(agency_code: str) -> LegOffered:
    return LegOffered(leg_no=1, step_code="held", task="Giải quyết hồ sơ", agency_code=agency_code)
