"""A small town for the tests of notify: real intake, real notify, real PostgreSQL, the real sandbox as receiver."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from deploy.local.serving import serving
from deploy.sandbox.app import make_app as make_sandbox
from deploy.sandbox.system import Place
from services.notify import jobs
from services.notify.app import send_emails
from shared.events import Fact
from shared.service import Service
from shared.settings import SERVICES
from shared.tables import HeadRow
from shared.timeline import Draft, Entry, Event, record
from tests.support import Databases, Holds, Issuer, World, free_port, world

UNIT, OTHER_UNIT = "H99.01", "H99.02"
PRIVATE = ("Nguyễn Văn Thử", "nguoi.thu@vidu.example", "0900000001", "001099000001", "12 đường Thử Nghiệm")
SUBMISSION = {
    "procedure_code": "DD.01",
    "channel": "online",
    "receiving_unit_code": UNIT,
    "applicant": {
        "kind": "citizen",
        "full_name": PRIVATE[0],
        "email": PRIVATE[1],
        "phone": PRIVATE[2],
        "identity_number": PRIVATE[3],
        "address": PRIVATE[4],
    },
    "result_delivery": "electronic",
    "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
    "components": [{"code": code, "n_originals": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
}


@dataclass
class Town:
    """Everything a test touches."""

    world: World
    sandbox_url: str
    foreign_heads: dict[tuple[str, UUID], HeadRow] = field(default_factory=dict)
    tags: dict[UUID, str] = field(default_factory=dict)

    @property
    def notify(self) -> Service:
        return self.world.service("notify")

    async def call(self, service: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        role, agency = arguments.pop("role", "ops"), arguments.pop("agency", None)
        subject = arguments.pop("subject", None)
        token = self.world.issuer.token(role, agency=agency, subject=subject)
        return await self.world.call(service, method, path, token=token, **arguments)

    async def sandbox(self, method: str, path: str, **arguments: Any) -> Any:
        answer = await self.world.client.request(method, self.sandbox_url + path, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def submit(self, *, email: str | None = PRIVATE[1], **changes: Any) -> UUID:
        body = {**SUBMISSION, **changes}
        body["applicant"] = {**SUBMISSION["applicant"], "email": email}  # type: ignore[dict-item]
        role = "portal" if body["channel"] == "online" else "officer"
        made = await self.call(
            "intake", "POST", "/v1/dossiers", role=role, agency=UNIT, json=body,
            headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert made.status_code == 201, made.text
        dossier_id = UUID(made.json()["id"])
        self.tags[dossier_id] = made.headers["ETag"]
        return dossier_id

    async def do(self, dossier_id: UUID, verb: str, body: dict[str, Any] | None = None, **how: Any) -> Any:
        path = f"/v1/dossiers/{dossier_id}/{verb}"
        headers = {"If-Match": self.tags[dossier_id], "Idempotency-Key": str(uuid4())}
        how = {"role": "officer", "agency": UNIT, **how}
        done = await self.call("intake", "POST", path, json=body, headers=headers, **how)
        assert done.status_code == 200, done.text
        self.tags[dossier_id] = done.headers["ETag"]
        return done.json()

    async def intake_events(self, dossier_id: UUID) -> list[Event]:
        return (await self.notify.peers.pull("intake", [(dossier_id, 1)])).events

    async def bring(self, dossier_id: UUID) -> None:
        """Let notify apply everything intake has published about a dossier."""
        await self.notify.inbox.apply(await self.intake_events(dossier_id), trusted=True)

    async def foreign(self, source: str, dossier_id: UUID, *facts: Fact) -> list[Event]:
        """Return facts as another service, having applied all of intake's, would publish them."""
        last = (await self.intake_events(dossier_id))[-1]
        key = (source, dossier_id)
        if key not in self.foreign_heads:
            zeros = {f"{one}_{part}": 0 for one in SERVICES for part in ("seq", "chain")}
            self.foreign_heads[key] = HeadRow(dossier_id=dossier_id, time=None, frozen_at=None, **zeros)
        head = self.foreign_heads[key]
        head.step("intake", Entry(last.seq, last.chain), last.time)
        drafts = [Draft(uuid4(), fact.type_name(), fact.encode()) for fact in facts]
        return [record(source, head, draft, self.notify.clock.now()) for draft in drafts]

    async def foreign_applied(self, source: str, dossier_id: UUID, *facts: Fact) -> list[Event]:
        events = await self.foreign(source, dossier_id, *facts)
        await self.notify.inbox.apply(events, trusted=True)
        return events

    async def subscribe(self, name: str, *types: str, **who: Any) -> dict[str, Any]:
        body = {"url": f"{self.sandbox_url}/webhooks/{name}", "event_types": list(types)}
        who = {"role": "portal", "subject": f"portal-{name}", **who}
        made = await self.call(
            "notify", "POST", "/v1/subscriptions", json=body, headers={"Idempotency-Key": str(uuid4())}, **who
        )
        assert made.status_code == 201, made.text
        subscription: dict[str, Any] = made.json()
        await self.sandbox("PUT", f"/webhooks/{name}", json={"secret": subscription["secret"]})
        return subscription

    async def send(self) -> None:
        """Run the sending jobs until nothing is due."""
        while await send_emails(self.notify) or await jobs.send_webhooks(self.notify):
            pass

    async def messages(self, dossier_id: UUID, **who: Any) -> list[dict[str, Any]]:
        answer = await self.call("notify", "GET", f"/v1/dossiers/{dossier_id}/messages", **who)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def emails(self, dossier_id: UUID) -> dict[str, str]:
        """Return template → status of the e-mails about a dossier."""
        return {m["template"]: m["status"] for m in await self.messages(dossier_id) if m["channel"] == "email"}

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        async with self.notify.sessions.begin() as session:
            result = await session.execute(text(statement), values)
            return [row._asdict() for row in result]

    async def time_passes(self) -> None:
        """Let leases run out, pauses end and waiting messages fall due."""
        await self.sql(
            "UPDATE message SET next_try_at = clock_timestamp(), leased_until = NULL WHERE next_try_at IS NOT NULL"
        )
        await self.sql("UPDATE subscription SET paused_until = NULL")


@contextlib.asynccontextmanager
async def town(databases: Databases, issuer: Issuer, role: str = "api") -> AsyncIterator[Town]:
    """Build the town; with role ``api`` the test drives the consumer and the jobs."""
    sandbox_port, smtp_port = free_port(), free_port()
    given = {"smtp_port": smtp_port, "smtp_from": "mot-cua@mau.example"}
    async with (
        serving(make_sandbox(Place(smtp_port=smtp_port)), sandbox_port) as sandbox_url,
        world(databases, issuer, services=("intake", "notify"), role=role, holds=Holds.ALL, **given) as running,
    ):
        yield Town(running, sandbox_url)
