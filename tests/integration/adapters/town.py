"""A town for the tests of adapters: real intake and workflow, the real sandbox, a real adapter, all over real HTTP."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text

from deploy.local.serving import serving
from services.workflow.adapters.assembly import make_app as make_adapter
from services.workflow.adapters.config import Common, Own, Settings
from shared.service import Service
from tests.integration.notify.town import PRIVATE, SUBMISSION, UNIT
from tests.integration.sandbox.partners import Partner, partner
from tests.support import Databases, Holds, Issuer, World, eventually, free_port, world

INNER = ("intake", "workflow")
SECRET = "bi-mat-chung-de-thu"  # noqa: S105 - invented for the tests
QUICK = {
    "poll_seconds": 0.05, "first_pause_seconds": 0.05, "longest_pause_seconds": 0.2, "call_seconds": 0.6,
    "look_poll_seconds": 0.05, "looks_at_once": 0,
}  # fmt: skip
"""Nobody looks, unless a test is about looking: a switch for the next call means the next delivery."""
BIRTH = {
    "procedure_code": "LT.01",
    "attributes": {"child_name": "Nguyễn Văn Bé", "born_on": "2026-11-01", "wants_health_card": True},
    "components": [{"code": code, "n_originals": 1} for code in ("TK-KS", "GCS")],
}


@dataclass
class Door:
    """The door of workflow: it can be shut, and counts the messages that came through."""

    is_shut: bool = False
    n_messages: int = 0


def front(workflow: FastAPI, door: Door) -> FastAPI:
    """Return the real workflow app behind a door."""
    app = FastAPI()

    @app.middleware("http")
    async def pass_through(request: Request, go_on: Any) -> Any:
        if door.is_shut:
            return JSONResponse({}, 503)
        door.n_messages += request.url.path.endswith("/messages")
        return await go_on(request)

    app.mount("/", workflow)
    return app


@dataclass
class Town:
    """Everything a test touches."""

    world: World
    client: httpx.AsyncClient
    front_url: str
    door: Door
    bhxh: Partner
    vbdlis: Partner
    tags: dict[UUID, str] = field(default_factory=dict)

    @property
    def workflow(self) -> Service:
        return self.world.service("workflow")

    # Dossiers

    async def accept(self, **changes: Any) -> tuple[UUID, str]:
        """Hand a dossier in and accept it; return its id and its code. It is on its route then."""
        body = {**SUBMISSION, **changes}
        made = await self._intake("POST", "/v1/dossiers", "portal", body)
        dossier_id = UUID(made.json()["id"])
        accepted = await self._command(dossier_id, made.headers["ETag"], "accept")
        await self.bring(dossier_id)
        return dossier_id, accepted["code"]

    async def for_bhxh(self) -> tuple[UUID, str]:
        """Have a dossier whose leg at social insurance was just offered."""
        dossier_id, code = await self.accept(**BIRTH)
        await self.work(dossier_id, "civil-status", "registered")
        return dossier_id, code

    async def _intake(self, method: str, path: str, role: str, body: Any = None, **headers: str) -> httpx.Response:
        token = self.world.issuer.token(role, agency=UNIT if role == "officer" else None)
        headers = {"Idempotency-Key": str(uuid4()), **headers}
        done = await self.world.call("intake", method, path, token=token, json=body, headers=headers)
        assert done.status_code in {200, 201}, done.text
        return done

    async def _command(self, dossier_id: UUID, tag: str, verb: str, body: Any = None) -> dict[str, Any]:
        path = f"/v1/dossiers/{dossier_id}/{verb}"
        done = await self._intake("POST", path, "officer", body, **{"If-Match": tag})
        self.tags[dossier_id] = done.headers["ETag"]
        found: dict[str, Any] = done.json()
        return found

    async def lose_people(self, dossier_id: UUID) -> None:
        """Let intake be without the particulars of a dossier, as after a restore."""
        async with self.world.service("intake").sessions.begin() as session:
            await session.execute(text("DELETE FROM applicant WHERE dossier_id = :id"), {"id": dossier_id})

    async def give_people(self, dossier_id: UUID) -> None:
        """Ask the applicant again and key it in."""
        people = {"applicant": {**SUBMISSION["applicant"], "full_name": "Nguyễn Thị Nói Lại"}}  # type: ignore[dict-item]
        path = f"/v1/dossiers/{dossier_id}/applicant"
        await self._intake("PUT", path, "officer", people, **{"If-Match": self.tags[dossier_id]})

    async def retry(self, dossier_id: UUID) -> None:
        """Decide that what was refused is told again."""
        items = (await self._workflow("GET", "/v1/incidents", "ops")).json()["items"]
        [incident] = [one for one in items if one["dossier_id"] == str(dossier_id)]
        body = {"action": "retry", "note": "đã hỏi lại người nộp"}
        await self._workflow("POST", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)

    async def command(self, dossier_id: UUID, verb: str, body: Any = None) -> None:
        """Do something at the counter, and let workflow hear of it."""
        await self._command(dossier_id, self.tags[dossier_id], verb, body)
        await self.bring(dossier_id)

    async def bring(self, dossier_id: UUID) -> None:
        """Let workflow apply everything intake has published about a dossier."""
        events = (await self.workflow.peers.pull("intake", [(dossier_id, 1)])).events
        await self.workflow.inbox.apply(events, trusted=True)

    async def work(self, dossier_id: UUID, step: str, outcome: str) -> None:
        """Take over and complete an open leg."""
        path = f"/v1/dossiers/{dossier_id}"
        legs = (await self._workflow("GET", path, "ops")).json()["legs"]
        leg = next(one for one in legs if one["step_code"] == step and one["status"] in {"offered", "in_progress"})
        at, agency = f"{path}/legs/{leg['leg_no']}", leg["agency_code"]
        if leg["status"] == "offered":
            leg = (await self._workflow("POST", f"{at}/acknowledge", "officer", agency, version=leg["version"])).json()
        body = {"outcome": outcome, "data": {}}
        await self._workflow("POST", f"{at}/complete", "officer", agency, version=leg["version"], json=body)

    async def _workflow(self, method: str, path: str, role: str, agency: str | None = None, **more: Any) -> Any:
        token = self.world.issuer.token(role, agency=agency)
        headers = {"If-Match": f'"{more.pop("version")}"'} if "version" in more else {}
        done = await self.world.call("workflow", method, path, token=token, headers=headers, **more)
        assert done.status_code == 200, done.text
        return done

    # What became of it

    async def lane(self, system: str, dossier_id: UUID) -> list[dict[str, Any]]:
        """Return what a system is told of a dossier."""
        found = await self._workflow("GET", f"/v1/systems/{system}/dossiers/{dossier_id}", "ops")
        deliveries: list[dict[str, Any]] = found.json()["deliveries"]
        return deliveries

    async def settled(self, system: str, dossier_id: UUID, no: int = 1, state: str = "done") -> dict[str, Any]:
        """Wait until a delivery is in *state*."""

        async def there() -> dict[str, Any] | None:
            found = (await self.lane(system, dossier_id))[no - 1]
            return found if found["state"] == state else None

        reached: dict[str, Any] = await eventually(there)
        return reached

    async def heard(self, system: str, code: str) -> list[dict[str, Any]]:
        """Return what a system said of a dossier and what became of it, in the order in which it came."""
        found = await self._workflow("GET", f"/v1/systems/{system}/messages?limit=200", "ops")
        items: list[dict[str, Any]] = found.json()["items"]
        return sorted((one for one in items if one["dossier_code"] == code), key=lambda one: one["received_at"])

    async def legs(self, dossier_id: UUID) -> dict[str, str]:
        """Return step → status of the legs of a dossier, the newest of each step."""
        found = await self._workflow("GET", f"/v1/dossiers/{dossier_id}", "ops")
        return {leg["step_code"]: leg["status"] for leg in found.json()["legs"]}

    async def looks(self, dossier_id: UUID) -> list[tuple[str, str, int]]:
        """Return who looked at the people of a dossier, what for, at which version."""
        async with self.world.service("intake").sessions() as session:
            query = text(
                "SELECT subject, purpose, version FROM applicant_look WHERE dossier_id = :id ORDER BY looked_at"
            )
            return [tuple(row) for row in await session.execute(query, {"id": dossier_id})]

    async def look_now(self, system: str, dossier_id: UUID) -> None:
        """Let the next look at a dossier be due."""
        async with self.workflow.sessions.begin() as session:
            query = "UPDATE standing SET look_at = clock_timestamp() WHERE dossier_id = :id AND system = :system"
            await session.execute(text(query), {"id": dossier_id, "system": system})

    async def time_passes(self) -> None:
        """Let every lease run out and every pause end."""
        async with self.workflow.sessions.begin() as session:
            await session.execute(
                text("UPDATE delivery SET next_try_at = clock_timestamp() WHERE next_try_at IS NOT NULL")
            )

    # The adapter

    @contextlib.asynccontextmanager
    async def adapter(self, system: str, **own: Any) -> AsyncIterator[str]:
        """Run the adapter of a system; return its address, to which the sandbox calls back."""
        issuer, port = self.world.issuer, free_port()
        intake_url = own.pop("intake_url", self.world.settings["intake"].url("intake"))
        services: dict[str, Any] = {"workflow_url": self.front_url, "intake_url": intake_url}
        more: dict[str, Any] = {"token_url": f"{issuer.url}/token", "client_secret": issuer.secret(system)}
        common = Common(mode="local", sandbox_url=str(self.client.base_url).rstrip("/"), **services, **more)
        settings = Settings(system, common, Own(callback_secret=SECRET, **{**QUICK, **own}))
        async with serving(make_adapter(settings), port) as url:
            found = {"bhxh": self.bhxh, "vbdlis": self.vbdlis}[system]
            body = {"url": f"{url}/callbacks", "secret": SECRET, "check_calls": True, "first_pause_seconds": 0.05}
            assert (await found.put("callback", {**body, "longest_pause_seconds": 0.2})).status_code == 200
            yield url
            await found.put("callback", {})


@contextlib.asynccontextmanager
async def town(databases: Databases, issuer: Issuer, clock: str = "", **given: Any) -> AsyncIterator[Town]:
    """Build the town, with settings for its services; tests drive the consumer of workflow."""
    async with (
        partner("vbdlis", clock=clock) as vbdlis,
        world(databases, issuer, services=INNER, role="api", holds=Holds.ALL, clock=clock, **given) as running,
    ):
        door = Door()
        async with serving(front(running.apps["workflow"], door), free_port()) as url:
            yield Town(running, vbdlis.client, url, door, Partner("bhxh", vbdlis.client), vbdlis)


def holds_nobody(rows: Any) -> bool:
    """Say whether no particulars of the applicant are in what was stored."""
    stored = json.dumps(rows, ensure_ascii=False, default=str)
    return not any(private in stored for private in PRIVATE)
