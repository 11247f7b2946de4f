"""A town in one process: real intake and workflow on PostgreSQL, local issuer and sandbox, over real HTTP."""

import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from deploy.conformance.door import Door
from deploy.local.issuer import make_app as make_issuer
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.postgres import make_databases
from deploy.local.serving import serving
from deploy.local.tokens import Grant, client_secrets, sign
from deploy.sandbox.app import make_app as make_sandbox
from deploy.sandbox.system import Place
from shared import migrate, reference
from shared.service import Definition, Service, make_app
from shared.settings import Settings

PROVINCE = Path(__file__).resolve().parents[1] / "province"
SYSTEM, UNIT = "sample", "H99.01"
DEFINITION = Path(__file__).with_name("sample.json")
SERVICES = ("intake", "workflow")
REPLICAS = {"intake": ("agency", "calendar"), "workflow": ("calendar",)}
PRIVATE = {
    "full_name": "Nguyễn Thị Thử Nghiệm", "phone": "0900000017", "identity_number": "001099000017",
    "email": "thu.nghiem@vidu.example", "address": "17 đường Thử Nghiệm",
}  # fmt: skip
SUBMISSION = {
    "procedure_code": "LT.01", "channel": "online", "receiving_unit_code": UNIT, "result_delivery": "electronic",
    "applicant": {"kind": "citizen", **PRIVATE},
    "attributes": {"child_name": "Nguyễn Văn Bé Thử", "born_on": "2026-11-01", "wants_health_card": True},
    "components": [{"code": code, "n_originals": 1} for code in ("TK-KS", "GCS")],
}  # fmt: skip


quiet = partial(serving, log_level="error", timeout_graceful_shutdown=1)


@dataclass
class Dossier:
    """One that was handed in for a check."""

    id: str
    code: str
    tag: str


@dataclass
class Town:
    """What the checks touch: the counter, the ledger over HTTP, the sample register."""

    urls: dict[str, str]
    folder: Path
    client: httpx.AsyncClient
    workflow: Service
    door: Door = field(default_factory=Door)

    def token(self, role: str, agency: str | None = None, system: str | None = None) -> str:
        """Return a token of the town's issuer."""
        return sign(self.folder, Grant(role, f"{role}-{agency or 'suite'}", agency, system), self.urls["issuer"], 3600)

    async def call(self, service: str, method: str, path: str, role: str, **more: Any) -> Any:
        """Ask a service past the door; RuntimeError unless it says yes."""
        agency = UNIT if role == "officer" else None
        headers = {"Authorization": f"Bearer {self.token(role, agency)}", **more.pop("headers", {})}
        answer = await self.client.request(method, f"{self.urls[service]}{path}", headers=headers, **more)
        if answer.is_error:
            msg = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            raise RuntimeError(msg)
        return answer

    async def accept(self) -> Dossier:
        """Hand a dossier in and accept it: two changes for the sample register."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        made = await self.call("intake", "POST", "/v1/dossiers", "portal", json=SUBMISSION, headers=key)
        dossier = Dossier(made.json()["id"], "", made.headers["ETag"])
        dossier.code = (await self.command(dossier, "accept"))["code"]
        return dossier

    async def command(self, dossier: Dossier, verb: str, body: Any = None) -> Any:
        """Do something at the counter, and let workflow hear of it."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": dossier.tag}
        path = f"/v1/dossiers/{dossier.id}/{verb}"
        done = await self.call("intake", "POST", path, "officer", json=body, headers=headers)
        dossier.tag = done.headers["ETag"]
        events = (await self.workflow.peers.pull("intake", [(UUID(dossier.id), 1)])).events
        await self.workflow.inbox.apply(events, trusted=True)
        return done.json()

    async def lane(self, dossier: Dossier) -> list[dict[str, Any]]:
        """Return what the ledger says of each change of a dossier."""
        path = f"/v1/systems/{SYSTEM}/dossiers/{dossier.id}"
        found: list[dict[str, Any]] = (await self.call("workflow", "GET", path, "ops")).json()["deliveries"]
        return found

    async def messages(self, code: str) -> list[dict[str, Any]]:
        """Return what came of what the register said of a dossier."""
        path = f"/v1/systems/{SYSTEM}/messages?limit=200"
        items = (await self.call("workflow", "GET", path, "ops")).json()["items"]
        return [one for one in items if one["dossier_code"] == code]

    async def register(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox beside its contract; None if it does not know."""
        url = f"{self.urls['sandbox']}/sandbox/{SYSTEM}{path}"
        answer = await self.client.request(method, url, json=body)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def faults(self, *switches: dict[str, Any]) -> None:
        """Replace the fault switches of the register."""
        await self.register("PUT", "/faults", {"seed": 7, "switches": switches})

    async def written(self, dossier: Dossier) -> list[str]:
        """Return the ids of the changes that the register holds of a dossier, in its order."""
        found = await self.register("GET", f"/dossiers/{dossier.code}")
        return [one["id"] for one in found["fields"]["changes"]] if found else []

    async def log(self, code: str, direction: str = "call") -> list[dict[str, Any]]:
        """Return the register's log of a dossier, oldest first."""
        items = (await self.register("GET", f"/calls?dossier={code}&limit=1000"))["items"]
        return [one for one in items if one["direction"] == direction]


@contextlib.asynccontextmanager
async def town(postgres_url: str, folder: Path) -> AsyncIterator[Town]:
    """Build the town on a PostgreSQL server; its databases go when it goes."""
    prefix = f"lt_conformance_{os.getpid()}_"
    ports = dict(zip(("issuer", "intake", "workflow", "sandbox", "front", "smtp"), free_ports(6), strict=True))
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    await make_databases(postgres_url, [prefix + name for name in SERVICES])
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(quiet(make_issuer(folder, urls["issuer"]), ports["issuer"]))
            apps = {
                name: await _service(name, _settings(name, postgres_url, prefix, urls, folder)) for name in SERVICES
            }
            for name, app in apps.items():
                await stack.enter_async_context(quiet(app, ports[name]))
            sandbox = make_sandbox(Place(None, ports["smtp"]))
            await stack.enter_async_context(quiet(sandbox, ports["sandbox"]))
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=20))
            built = Town(urls, folder, client, apps["workflow"].state.service)
            await stack.enter_async_context(quiet(built.door.before(_both(apps)), ports["front"]))
            yield built
    finally:
        await _drop(postgres_url, [prefix + name for name in SERVICES])


def _both(apps: dict[str, FastAPI]) -> FastAPI:
    """Return both services at one address, each under its name: adapters are given two base addresses anyway."""
    both = FastAPI()
    for name, app in apps.items():
        both.mount(f"/{name}", app)
    return both


def _settings(name: str, postgres_url: str, prefix: str, urls: dict[str, str], folder: Path) -> Settings:
    kind: type[Settings] = import_module(f"services.{name}.app").settings
    return kind(
        mode="local", start_check_seconds=0, postgres_url=postgres_url, database_prefix=prefix,
        intake_url=urls["intake"], workflow_url=urls["workflow"],
        issuer=urls["issuer"], jwks_url=f"{urls['issuer']}/jwks.json",
        token_url=f"{urls['issuer']}/token", client_secret=client_secrets(folder)[name], log_level="ERROR",
    )  # fmt: skip


async def _service(name: str, settings: Settings) -> FastAPI:
    """Migrate and fill the database of a service and return its app; events are brought to it by hand."""
    definition: Definition = import_module(f"services.{name}.app").definition
    await migrate.upgrade(name, settings)
    service = Service(definition, settings)
    if definition.load is not None:
        await definition.load(service, str(PROVINCE))
    async with service.sessions.begin() as session:
        for kind in REPLICAS[name]:
            for data in reference.read_folder(PROVINCE / reference.FOLDERS[kind]):
                await reference.store(session, (kind, data["code"], data["version"]), data, owned=False)
        if name == "workflow":
            await reference.store(session, ("system", SYSTEM, 1), json.loads(DEFINITION.read_text()), owned=True)
    await service.stop()
    return make_app(definition, settings, "api")


async def _drop(url: str, names: list[str]) -> None:
    connection = await asyncpg.connect(url, database="postgres", timeout=10)
    try:
        for name in names:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
