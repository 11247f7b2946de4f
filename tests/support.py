"""What tests build a system from: databases cut from templates, a real issuer, services on free ports."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from deploy.local.engines import Engines
from deploy.local.issuer import make_app as make_issuer
from deploy.local.serving import serving
from deploy.local.tokens import Grant, client_secrets, sign
from deploy.local.topics import make_topics
from shared import migrate, outgoing
from shared.clock import Clock
from shared.reference import FOLDERS, read_folder, store
from shared.service import Definition, Service, make_app
from shared.settings import SERVICES, Settings

PROVINCE = Path(__file__).resolve().parent.parent / "deploy" / "province"
_numbers = itertools.count(1)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def stand(service: Service, at: datetime) -> None:
    """Let the clock of a service stand at an instant."""
    service.clock = Clock(at, datetime(2100, 1, 1, tzinfo=UTC))
    service.sessions.info["clock"] = service.clock


def definition_of(service: str) -> Definition:
    """Return the definition of a service."""
    found: Definition = import_module(f"services.{service}.app").definition
    return found


@dataclass
class Issuer:
    """The local issuer, its keys and clients in a folder of the test run."""

    folder: Path
    url: str

    def token(self, role: str, *, agency: str | None = None, subject: str | None = None) -> str:
        """Return a token of *role*."""
        system = subject if role == "system" else None
        grant = Grant(role, subject or f"{role}-{agency or 'test'}", agency, system)
        return sign(self.folder, grant, self.url, 3600)

    def secret(self, client: str) -> str:
        """Return the secret of a client."""
        return client_secrets(self.folder)[client]


@contextlib.asynccontextmanager
async def issuing(folder: Path) -> AsyncIterator[Issuer]:
    """Run the local issuer."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with serving(make_issuer(folder, url), port):
        yield Issuer(folder, url)


class Holds(StrEnum):
    """What a fresh database holds of the sample province."""

    NOTHING = "nothing"
    OWN = "own"
    ALL = "all"


@dataclass
class Databases:
    """Cuts databases from templates, one per service and what it holds."""

    engines: Engines
    ready: set[str] = field(default_factory=set)

    async def template(self, service: str, holds: Holds = Holds.NOTHING) -> str:
        """Return the name of a template of *service*, made at the first call."""
        name = f"lt_{holds}_{os.getpid()}_{service}"
        if name not in self.ready:
            base = "" if holds is Holds.NOTHING else f' TEMPLATE "{await self.template(service, _BEFORE[holds])}"'
            await self._execute(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"{base}')
            await _FILLED[holds](service, self.settings(name.removesuffix(service), service))
            self.ready.add(name)
        return name

    async def cut(self, *services: str, holds: Holds = Holds.NOTHING) -> str:
        """Create fresh databases for *services* and return their common prefix."""
        prefix = f"lt_{os.getpid()}_{next(_numbers)}_"
        for service in services:
            template = await self.template(service, holds)
            await self._execute(f'CREATE DATABASE "{prefix}{service}" TEMPLATE "{template}"')
        return prefix

    async def drop(self, prefix: str, *services: str) -> None:
        """Drop the databases of a prefix."""
        await self._execute(*(f'DROP DATABASE IF EXISTS "{prefix}{service}" WITH (FORCE)' for service in services))

    def settings(self, prefix: str, service: str = "", **given: Any) -> Settings:
        """Return settings (of *service*, if one is named) that point at the engines and a prefix."""
        kind: type[Settings] = import_module(f"services.{service}.app").settings if service else Settings
        where: dict[str, Any] = {
            "postgres_url": self.engines.postgres_url,
            "kafka": self.engines.kafka,
            "database_prefix": prefix,
            "start_check_seconds": 0,
        }
        return kind(mode="local", **{**where, **given})

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.engines.postgres_url, database="postgres")
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@dataclass
class World:
    """Services on free ports over fresh databases."""

    issuer: Issuer
    settings: dict[str, Settings]
    apps: dict[str, FastAPI]
    client: httpx.AsyncClient

    def service(self, name: str) -> Service:
        """Return the parts of a running service."""
        found: Service = self.apps[name].state.service
        return found

    async def call(
        self, service: str, method: str, path: str, *, token: str | None = None, **arguments: Any
    ) -> httpx.Response:
        """Send one request to a service."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **arguments.pop("headers", {})}
        url = self.settings[service].url(service) + path
        return await self.client.request(method, url, headers=headers, **arguments)


@contextlib.contextmanager
def statements(service: Service) -> Iterator[list[str]]:
    """Collect the SQL that a service sends in the meantime, without BEGIN and COMMIT.

    References are refreshed every two seconds besides, and asyncpg asks once for the arrays it meets: left out.
    """
    sent: list[str] = []
    besides = ("FROM reference", "typeinfo_tree", "current_setting('jit')")

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        text = query.query
        if text not in {"BEGIN", "COMMIT"} and not any(word in text for word in besides):
            sent.append(text)

    with service.sessions.told(note):
        yield sent


@contextlib.asynccontextmanager
async def world(
    databases: Databases,
    issuer: Issuer,
    *,
    services: tuple[str, ...] = SERVICES,
    role: str = "all",
    holds: Holds = Holds.OWN,
    **given: Any,
) -> AsyncIterator[World]:
    """Run *services* in this process, over real HTTP, PostgreSQL and Kafka, with the sample province loaded."""
    prefix = await databases.cut(*services, holds=holds)
    ports = {f"{name}_port": free_port() for name in SERVICES}
    urls = {f"{name}_url": f"http://127.0.0.1:{ports[f'{name}_port']}" for name in SERVICES}
    common = {"issuer": issuer.url, "jwks_url": f"{issuer.url}/jwks.json", "token_url": f"{issuer.url}/token"}
    settings = {
        name: databases.settings(
            prefix, name, kafka_prefix=prefix, **ports, **urls, **common, client_secret=issuer.secret(name), **given
        )
        for name in services
    }
    if role != "api":  # which neither reads nor relays
        await make_topics(databases.engines.kafka, prefix=prefix)
    apps = {name: make_app(definition_of(name), settings[name], role) for name in services}
    async with contextlib.AsyncExitStack() as stack:
        for name in services:
            await stack.enter_async_context(serving(apps[name], ports[f"{name}_port"]))
        client = await stack.enter_async_context(outgoing.client(timeout=30))
        yield World(issuer, settings, apps, client)
    await databases.drop(prefix, *services)


async def _load(name: str, settings: Settings) -> None:
    """Load the sample province's data that a service owns."""
    definition = definition_of(name)
    if definition.load is not None:
        service = Service(definition, settings)
        await definition.load(service, str(PROVINCE))
        await service.stop()


async def _replicate(name: str, settings: Settings) -> None:
    """Give a service the replicas of what others own of the sample province."""
    service = Service(definition_of(name), settings)
    async with service.sessions.begin() as session:
        for kind in service.references.kinds:
            if not service.references.owned(kind):
                for data in read_folder(PROVINCE / FOLDERS[kind]):
                    await store(session, (kind, data["code"], data["version"]), data, owned=False)
    await service.stop()


_BEFORE = {Holds.OWN: Holds.NOTHING, Holds.ALL: Holds.OWN}
_FILLED: dict[Holds, Callable[[str, Any], Awaitable[None]]] = {
    Holds.NOTHING: migrate.upgrade,
    Holds.OWN: _load,
    Holds.ALL: _replicate,
}


async def eventually(check: Any, *, seconds: float = 20.0) -> Any:
    """Return what *check* answers as soon as it is true; AssertionError after *seconds* at most."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, "not within the time"
        await asyncio.sleep(0.05)
