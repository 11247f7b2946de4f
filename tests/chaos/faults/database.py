"""Faults of PostgreSQL: killed with -9, connections cut, deadlocks, serialization failures, a killed migration."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from deploy.local.postgres import make_databases
from tests.chaos.faults.fault import Place
from tests.chaos.points import SERVICES

TRANSIENT = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


async def connect(place: Place, service: str) -> Any:
    """Return a connection of our own."""
    url = place.town.stack.engines.postgres_url
    return await asyncpg.connect(url, database=f"lienthong_{service}", timeout=10, command_timeout=20)


@dataclass
class ServerKilled:
    """PostgreSQL killed with -9 and started again: what was committed is there, everybody finds it again."""

    async def inject(self, place: Place) -> str:
        """Kill it."""
        await asyncio.to_thread(place.town.stack.kill, "postgres")
        await place.hold(0.2, 3)
        return "postgres"

    async def heal(self, place: Place) -> None:
        """Start it again."""
        await asyncio.to_thread(place.town.stack.restart, "postgres")


@dataclass
class ConnectionsCut:
    """Every connection of some services is ended by the server, several times."""

    async def inject(self, place: Place) -> str:
        """Cut."""
        services = place.rng.sample(SERVICES, place.rng.randint(1, 4))
        n_cut = 0
        for _ in range(place.rng.randint(1, 4)):
            for service in services:
                connection = await connect(place, service)
                rows = await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                n_cut += len(rows)
                await connection.close()
            await place.hold(0.1, 1)
        return f"{n_cut} of {', '.join(services)}" if n_cut else ""

    async def heal(self, place: Place) -> None:
        """Nothing to do: they connect again."""


@dataclass
class Deadlocks:
    """A stranger locks heads in the opposite order, for a while."""

    async def inject(self, place: Place) -> str:
        """Lock the newest heads backwards again and again; count whom PostgreSQL ended."""
        service = place.rng.choice(SERVICES)
        connection = await connect(place, service)
        before = await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        end = time.monotonic() + place.rng.uniform(6, 9)
        while time.monotonic() < end:
            with suppress(asyncpg.exceptions.DeadlockDetectedError, asyncpg.exceptions.TransactionTimeoutError):
                await _backwards(connection)
        await connection.execute("SELECT pg_stat_force_next_flush()")
        after = await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        await connection.close()
        return f"{service}, {after - before} deadlocks" if after > before else ""

    async def heal(self, place: Place) -> None:
        """Nothing to do: the stranger has gone."""


async def _backwards(connection: Any) -> None:
    async with connection.transaction():
        newest = await connection.fetch("SELECT dossier_id FROM head ORDER BY time DESC NULLS LAST LIMIT 8")
        for n, one in enumerate(sorted((row[0] for row in newest), reverse=True)):
            await connection.execute("SELECT FROM head WHERE dossier_id = $1 FOR UPDATE", one)
            if n == 0:  # a batch now takes the lower ones and waits for this one
                await asyncio.sleep(0.6)


_SPOIL = """
CREATE OR REPLACE FUNCTION chaos_spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.15 THEN RAISE EXCEPTION 'chaos' USING ERRCODE = '40001'; END IF;
    IF random() < 0.15 THEN RAISE EXCEPTION 'chaos' USING ERRCODE = '40P01'; END IF;
    RETURN NEW;
END $$
"""
_BEFORE = """
CREATE OR REPLACE TRIGGER chaos_spoil BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION chaos_spoil()
"""


@dataclass
class Conflicts:
    """Serialization failures and deadlocks raised at random where a service writes, for a while."""

    _services: list[str] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Put a trigger before every change of a head."""
        self._services = place.rng.sample(SERVICES, place.rng.randint(1, 3))
        for service in self._services:
            await _insist(place, service, _SPOIL, _BEFORE)
        await place.hold(3, 6)
        return ", ".join(self._services)

    async def heal(self, place: Place) -> None:
        """Take it away."""
        for service in self._services:
            await _insist(place, service, "DROP TRIGGER IF EXISTS chaos_spoil ON head")


async def _insist(place: Place, service: str, *statements: str) -> None:
    """Run statements that need the table for themselves, until they get it."""
    for _ in range(60):
        try:
            connection = await connect(place, service)
            try:
                await connection.execute("SET lock_timeout = '500ms'")
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()
        except TRANSIENT:
            await asyncio.sleep(0.3)
        else:
            return
    msg = f"{service}: the trigger could not be set or removed"
    raise RuntimeError(msg)


_SHAPE = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public' AND table_name NOT LIKE 'event\\_2%' ORDER BY 1, 2
"""


@dataclass
class MigrationKilled:
    """A migration killed after one of its statements, on a database of its own; run again, it is whole."""

    async def inject(self, place: Place) -> str:
        """Kill it, run it again, and compare with the database that the town works on."""
        service, nth = place.rng.choice(SERVICES), place.rng.randint(1, 25)
        prefix = f"chaos_{place.rng.randrange(10**9)}_"
        await make_databases(place.town.stack.engines.postgres_url, [f"{prefix}{service}"])
        killed = await asyncio.to_thread(place.town.migrate, service, prefix, f"inside-migration:{nth}")
        again = await asyncio.to_thread(place.town.migrate, service, prefix, "")
        same = await _shape(place, f"{prefix}{service}") == await _shape(place, f"lienthong_{service}")
        if again != 0 or not same:
            msg = f"migration of {service} killed at statement {nth}: again {again}, same shape {same}"
            raise AssertionError(msg)
        return f"{service} after statement {nth}" if killed < 0 else ""

    async def heal(self, place: Place) -> None:
        """Nothing to do: it was run again."""


async def _shape(place: Place, database: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(place.town.stack.engines.postgres_url, database=database, timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch(_SHAPE)]
    finally:
        await connection.close()
