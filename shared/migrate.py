"""Migrations: each service's alembic history, and the partitions of its ledger."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.clock import Clock
from shared.session import Session, Sessions
from shared.settings import Settings
from shared.tables import SpineBase

MONTHS_AHEAD = 3
_FORGET = """
    DELETE FROM idempotency_key WHERE key_hash IN (
        SELECT key_hash FROM idempotency_key WHERE recorded_at < clock_timestamp() - interval '7 days' LIMIT 50000)
"""
# From the catalogue, as it is after the lock: to_regclass answers from a cache that a lock of this kind does not renew.
_IS_THERE = text("SELECT EXISTS (SELECT FROM pg_class WHERE relname = :name)")
ROOT = Path(__file__).resolve().parent.parent
SPINE = Path(__file__).with_name("spine")


def config(service: str) -> Config:
    """Return the alembic configuration of *service*."""
    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    settings.set_main_option("path_separator", os.pathsep)
    return settings


def spine(revision: str) -> list[str]:
    """Return the statements of one revision of the spine, for the migration of a service that takes it over."""
    return [part for part in (SPINE / f"{revision}.sql").read_text().split(";\n") if part.strip()]


async def upgrade(service: str, settings: Settings) -> None:
    """Bring the database of *service* to its newest revision and make the ledger's next partitions."""
    await asyncio.to_thread(_upgrade, service, settings)
    sessions = Sessions(settings.database_url(service), pool_size=1)
    await housekeep(sessions, Clock.parse(settings.clock).now())
    await sessions.close()


def _upgrade(service: str, settings: Settings) -> None:
    here = config(service)
    here.attributes["url"] = settings.database_url(service)
    command.upgrade(here, "head")


def run_env(metadata: MetaData) -> None:
    """What every ``migrations/env.py`` does: run the revisions over asyncpg, in one transaction each."""
    url = context.config.attributes["url"]

    def run(connection: Connection) -> None:
        context.configure(
            connection=connection,
            target_metadata=[metadata, SpineBase.metadata],
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()

    async def connect() -> None:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(4911)"))
            await connection.commit()
            await connection.run_sync(run)
            await connection.commit()
        await engine.dispose()

    asyncio.run(connect())


async def housekeep(sessions: Sessions, now: datetime) -> None:
    """Make the ledger's partitions for the months around *now*, and forget old idempotency keys."""
    for year, month in months(now):
        async with sessions.begin() as session:
            await _make_partition(session, *partition(year, month))
    async with sessions() as session:
        await session.execute(text(_FORGET))


async def _make_partition(session: Session, name: str, first: UUID, last: UUID) -> None:
    """Make one partition; rows of its month that came before it are moved out of the default partition."""
    if await session.scalar(_IS_THERE, {"name": name}):
        return
    await session.execute(text("SELECT pg_advisory_xact_lock(4912)"))
    if await session.scalar(_IS_THERE, {"name": name}):  # another worker made it while this one waited
        return
    await session.execute(text(f"CREATE TABLE {name} (LIKE event INCLUDING ALL)"))
    move = (
        "WITH moved AS (DELETE FROM event_default WHERE dossier_id >= :first AND dossier_id < :last RETURNING *) "  # noqa: S608 - a name made of two numbers
        f"INSERT INTO {name} SELECT * FROM moved"
    )
    await session.execute(text(move), {"first": first, "last": last})
    # ATTACH takes a lighter lock than CREATE … PARTITION OF: commands go on meanwhile.
    attach = f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{last}')"
    await session.execute(text(attach))


def months(now: datetime) -> list[tuple[int, int]]:
    """Return the present month and those ahead as (year, month)."""
    first = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    return [((first + ahead) // 12, (first + ahead) % 12 + 1) for ahead in range(MONTHS_AHEAD + 1)]


def partition(year: int, month: int) -> tuple[str, UUID, UUID]:
    """Return name and bounds of the partition of the dossiers submitted in a month (UTC)."""
    following = (year + month // 12, month % 12 + 1)
    bounds = [_lowest_uuid7(datetime(y, m, 1, tzinfo=UTC)) for y, m in ((year, month), following)]
    return f"event_{year}_{month:02}", bounds[0], bounds[1]


def _lowest_uuid7(instant: datetime) -> UUID:
    return UUID(int=int(instant.timestamp() * 1000) << 80)
