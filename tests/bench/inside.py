"""Services inside the benchmark's own process: over fresh databases on the engines of the run."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI

from deploy.local.engines import Engines, engines
from deploy.local.topics import make_topics
from shared.reference import catch_up
from shared.service import Service
from shared.settings import SERVICES
from tests.bench.wire import Answer
from tests.support import Databases, Holds, World, definition_of, issuing, world


@contextlib.contextmanager
def running_engines() -> Iterator[Engines]:
    """PostgreSQL and Kafka: those named in the environment, or started for this benchmark."""
    with tempfile.TemporaryDirectory() as folder, engines(Path(folder)) as found:
        yield found


@contextlib.asynccontextmanager
async def one_service(databases: Databases, name: str) -> AsyncIterator[Service]:
    """One service with empty tables, all reference data and topics of its own; none of its workers runs."""
    prefix = await databases.cut(name, holds=Holds.ALL)
    await make_topics(databases.engines.kafka, prefix=prefix)
    service = Service(definition_of(name), databases.settings(prefix, name, kafka_prefix=prefix))
    await service.references.refresh()
    try:
        yield service
    finally:
        await service.stop()
        await databases.drop(prefix, name)


@dataclass(frozen=True)
class Town:
    """A world of services as players see it."""

    world: World

    def url(self, name: str) -> str:
        """Return the address of a service."""
        return self.world.settings[name].url(name)

    def token(self, role: str, *, agency: str | None = None) -> str:
        """Return a token."""
        return self.world.issuer.token(role, agency=agency)


@contextlib.asynccontextmanager
async def town(databases: Databases, role: str) -> AsyncIterator[World]:
    """All four services in *role*, ready, with an issuer of their own."""
    with tempfile.TemporaryDirectory() as folder:
        async with issuing(Path(folder)) as issuer, world(databases, issuer, role=role) as found:
            for name in SERVICES:
                await furnished(found.service(name))
            yield found


async def furnished(service: Service) -> None:
    """Wait until a service has all its replicas."""
    while service.references.missing_kinds():
        await catch_up(service.references, service.sessions, service.peers)
        await asyncio.sleep(0.1)


async def bring_in_step(found: World, dossier_id: UUID) -> None:
    """Do once by hand what the workers do all the time: everybody reads the ledgers of all others."""
    for reader in SERVICES:
        parts = found.service(reader)
        pulled = [await parts.peers.pull(source, [(dossier_id, 1)]) for source in SERVICES if source != reader]
        events = sorted((event for part in pulled for event in part.events), key=lambda event: event.order)
        await parts.inbox.apply(events, trusted=True)


@dataclass(frozen=True)
class Within:
    """Calls an app without a network: what is left is the service's own work."""

    app: FastAPI

    async def call(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:
        """Return status, headers and the parsed body."""
        content = b"" if body is None else json.dumps(body).encode()
        given = {"authorization": f"Bearer {token}", "content-type": "application/json"} | {
            name.replace("_", "-").lower(): value for name, value in headers.items()
        }
        given["content-length"] = str(len(content))
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(_scope(method, path, given), receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], answered, json.loads(text) if text else None


def _scope(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
