"""A workflow service on a database of its own, the facts of intake as real events, and officers with real tokens."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import URL, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.tokens import Grant, sign
from services.workflow.app import definition, load
from services.workflow.config import WorkflowSettings
from shared import migrate
from shared.events import FACTS, Fact
from shared.events.base import Limit
from shared.events.intake import DossierAccepted, DossierSubmitted
from shared.outbox import new_dossier_id
from shared.reference import read_folder, store
from shared.service import Service, make_app
from shared.tables import EventRow, HeadRow
from shared.timeline import Draft, Event, record
from tests.simulation.memory import MemoryHead
from tests.support import PROVINCE, Issuer

NOW = "2026-10-05T08:00:00+07:00"
"""A Monday; the clock of the tests starts here and runs as fast as the real one."""


where: dict[str, Any] = {}
"""The engines of this run, as settings; filled by the fixture that makes the template."""


class Here(WorkflowSettings):
    """Settings of a service on a database of the tests."""

    database: str = "lt_wf_template"

    def database_url(self, service: str) -> URL:
        return super().database_url(service).set(database=self.database)


def settings(database: str, now: str = NOW, **more: Any) -> Here:
    real = datetime.now().astimezone().isoformat()
    return Here(mode="local", clock=f"{now}@{real}x1", database=database, **where, **more)


async def run(statement: str) -> None:
    """Run one statement of administration."""
    url = WorkflowSettings(**where).database_url("workflow").set(database="postgres")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def make_template(name: str) -> None:
    """Make a migrated database with the sample province in it."""
    await run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await run(f"CREATE DATABASE {name}")
    for now in (NOW, "2022-03-01T08:00:00+07:00"):
        await migrate.upgrade("workflow", settings(name, now))
    service = Service(definition, settings(name))
    async with service.sessions.begin() as session:
        for data in read_folder(PROVINCE / "calendars"):
            await store(session, ("calendar", data["code"], data["version"]), data, owned=False)
    await load(service, str(PROVINCE))
    await service.stop()


class Unattached(Grant):
    """A grant that the local issuer refuses, as another provider may give it: an officer of no agency."""

    def __post_init__(self) -> None:
        """Let it pass."""


@dataclass
class World:
    """Everything a test needs."""

    app: FastAPI
    service: Service
    issuer: Issuer
    http: httpx.AsyncClient
    peers: dict[UUID, MemoryHead] = field(default_factory=dict)
    others: dict[tuple[str, UUID], MemoryHead] = field(default_factory=dict)
    """What sla and notify know of dossiers."""
    said: list[Event] = field(default_factory=list)
    """Every fact of intake."""

    @classmethod
    async def start(cls, here: Here, issuer: Issuer) -> tuple[Self, Any]:
        app = make_app(definition, here, "api")
        lifespan = app.router.lifespan_context(app)
        await lifespan.__aenter__()
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://workflow")
        return cls(app, app.state.service, issuer, http), lifespan

    async def amend(self, code: str, **changes: Any) -> None:
        """Publish a further version of an agency."""
        latest = self.service.references.latest("agency", code)
        data = {**latest.model_dump(mode="json"), "version": latest.version + 1, **changes}
        async with self.service.sessions.begin() as session:
            await store(session, ("agency", code, data["version"]), data, owned=True)
        await self.service.references.refresh()

    async def add(self, kind: str, data: dict[str, Any]) -> None:
        """Publish reference data of this test's own."""
        key = (kind, data["code"], data["version"])
        async with self.service.sessions.begin() as session:
            await store(session, key, data, owned=self.service.references.owned(kind))
        await self.service.references.refresh()

    # Facts of intake

    def submit(self, **attributes: Any) -> UUID:
        dossier_id = new_dossier_id(self.service.clock.now())
        self.peers[dossier_id] = MemoryHead(dossier_id)
        return dossier_id

    def say(self, dossier_id: UUID, fact: Fact) -> Event:
        """Record *fact* as intake would, and return the event."""
        draft = Draft(uuid4(), fact.type_name(), fact.encode())
        event = record("intake", self.peers[dossier_id], draft, self.service.clock.now())
        self.said.append(event)
        return event

    async def apply(self, *events: Event) -> int:
        return await self.service.inbox.apply(list(events), trusted=True)

    async def tell(self, dossier_id: UUID, *facts: Fact) -> None:
        """Let intake see what workflow published so far, then say *facts* and have them applied."""
        await self.catch_up(dossier_id)
        events = [self.say(dossier_id, fact) for fact in facts]
        assert await self.apply(*events) == len(events), await self.rows("SELECT * FROM parked")

    async def tell_as(self, source: str, dossier_id: UUID, fact: Fact) -> None:
        """Have a fact of sla or notify applied."""
        draft = Draft(uuid4(), fact.type_name(), fact.encode())
        head = self.others.setdefault((source, dossier_id), MemoryHead(dossier_id))
        head.step("intake", self.peers[dossier_id].entry("intake"), self.service.clock.now())
        assert await self.apply(record(source, head, draft, self.service.clock.now())) == 1

    async def catch_up(self, dossier_id: UUID) -> None:
        async with self.service.sessions() as session:
            head = await session.get(HeadRow, dossier_id)
        if head is not None and head.time is not None:
            self.peers[dossier_id].step("workflow", head.entry("workflow"), head.time)

    async def hand_in(self) -> UUID:
        """Have a dossier submitted, and nothing more."""
        dossier_id = self.submit()
        submitted = DossierSubmitted(
            procedure="DD.01@3", field_code="dat-dai", channel="online", receiving_unit_code="H99.01",
            applicant_kind="citizen", applicant_version=1, result_delivery="counter",
        )  # fmt: skip
        await self.tell(dossier_id, submitted)
        return dossier_id

    async def accept(self, procedure: str = "DD.01@3", *, unit: str = "H99.01", **more: Any) -> UUID:
        """Have a dossier accepted; it is on its route then."""
        dossier_id = self.submit()
        channel, attributes = more.pop("channel", "online"), more.pop("attributes", {})
        common: dict[str, Any] = {
            "procedure": procedure, "field_code": "dat-dai", "channel": channel, "receiving_unit_code": unit,
            "applicant_kind": "citizen", "result_delivery": "counter", "attributes": attributes,
        }  # fmt: skip
        accepted = DossierAccepted(
            code=f"{unit}-{dossier_id.hex[-6:]}", calendar="VN@1", limit=Limit(amount=8, unit="working_days"),
            appointment_at=self.service.clock.now() + timedelta(days=12), **common, **more,
        )  # fmt: skip
        await self.tell(dossier_id, DossierSubmitted(applicant_version=1, **common), accepted)
        return dossier_id

    # Officers

    def token(self, role: str, agency: str | None) -> str:
        if role == "officer" and agency is None:
            return sign(self.issuer.folder, Unattached(role, "officer-unattached"), self.issuer.url, 3600)
        return self.issuer.token(role, agency=agency, subject="vbdlis" if role == "system" else None)

    async def call(self, method: str, path: str, role: str, agency: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(role, agency)}", **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    async def see(self, dossier_id: UUID, role: str = "ops", agency: str | None = None) -> dict[str, Any]:
        answer = await self.call("GET", f"/v1/dossiers/{dossier_id}", role, agency)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def open_legs(self, dossier_id: UUID) -> dict[str, dict[str, Any]]:
        legs = (await self.see(dossier_id))["legs"]
        return {leg["step_code"]: leg for leg in legs if leg["status"] in {"offered", "in_progress"}}

    async def act(self, dossier_id: UUID, leg: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
        """Do *verb* as an officer of the leg's agency, with the version in *leg*; an option overrides either."""
        version, agency = body.pop("seen", leg["version"]), body.pop("agency", leg["agency_code"])
        path = f"/v1/dossiers/{dossier_id}/legs/{leg['leg_no']}/{verb}"
        more = {"json": body} if body else {}
        return await self.call("POST", path, "officer", agency, headers={"If-Match": f'"{version}"'}, **more)

    async def work(self, dossier_id: UUID, code: str, outcome: str, **data: Any) -> dict[str, Any]:
        """Acknowledge and complete an open leg."""
        leg = (await self.open_legs(dossier_id))[code]
        taken = await self.act(dossier_id, leg, "acknowledge")
        assert taken.status_code == 200, taken.text
        done = await self.act(dossier_id, taken.json(), "complete", outcome=outcome, data=data)
        assert done.status_code == 200, done.text
        body: dict[str, Any] = done.json()
        return body

    # What is in the database

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.service.sessions() as session:
            return list(await session.execute(text(query), values))

    async def facts(self, dossier_id: UUID) -> list[Fact]:
        """Return what workflow published about a dossier, in order."""
        async with self.service.sessions() as session:
            query = select(EventRow).where(EventRow.dossier_id == dossier_id).order_by(EventRow.seq)
            rows = list(await session.scalars(query))
        assert [row.seq for row in rows] == list(itertools.islice(itertools.count(1), len(rows)))
        assert [row.time for row in rows] == sorted(row.time for row in rows)
        return [FACTS[row.type].model_validate(json.loads(row.data)) for row in rows]

    async def names(self, dossier_id: UUID) -> list[str]:
        return [type(fact).__name__ for fact in await self.facts(dossier_id)]
