"""A million clocks in sla: one dossier is told by its events as always, then its rows are multiplied."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from services.sla import handlers
from services.sla.jobs import LANES
from shared.service import Service
from tests.integration.sla.story import OFFICE, Story, offered, tell

COPY = """
    INSERT INTO {table} SELECT (jsonb_populate_record(r, {changes})).*
    FROM {table} r, many WHERE r.dossier_id = $1
"""
TABLES = {
    "head": "jsonb_build_object('dossier_id', many.id)",
    "clock": """jsonb_build_object('dossier_id', many.id, 'deadline_at', many.due_at,
        'announced_deadline_at', many.due_at)""",
    "timer": """jsonb_build_object('dossier_id', many.id, 'deadline_at', many.due_at, 'fired_at', NULL,
        'due_at', CASE r.kind WHEN 'breach' THEN many.due_at END)""",
    "fact": "jsonb_build_object('dossier_id', many.id)",
}
DEADLINE = datetime(2026, 3, 12, 10, tzinfo=UTC)
"""Of the dossier that is multiplied: Thu 12 March 17:00."""


async def connect(service: Service) -> asyncpg.Connection:
    """Open a connection to the database of *service*, beside its own."""
    settings, name = service.settings, service.definition.name
    return await asyncpg.connect(settings.postgres_url, database=f"{settings.database_prefix}{name}")


async def one_clock(service: Service) -> UUID:
    """Tell sla of one dossier that runs, held by the land registration office; return its id."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    await tell(service, story.events)
    return story.dossier_id


async def multiply(service: Service, pattern: UUID, n: int, due_from: datetime, apart: timedelta) -> None:
    """Add *n* dossiers like *pattern*, due one after another from *due_from* on, *apart* from each other."""
    connection = await connect(service)
    await connection.execute("DROP TABLE IF EXISTS many")
    await connection.execute(
        "CREATE TEMP TABLE many AS SELECT uuidv7() AS id, $2::timestamptz + (n * $3::interval) AS due_at"
        " FROM generate_series(0, $1 - 1) AS n", n, due_from, apart,
    )  # fmt: skip
    for table, changes in TABLES.items():
        await connection.execute(COPY.format(table=table, changes=changes), pattern)
    await connection.execute("DROP TABLE many")
    for table in TABLES:
        await connection.execute(f"VACUUM ANALYZE {table}")
    await connection.close()


async def fire_all(service: Service, now: datetime) -> int:
    """Fire every timer that is due, in as many lanes as the job has; return how many."""
    return sum(await asyncio.gather(*(_lane(service, now) for _ in range(LANES))))


async def _lane(service: Service, now: datetime) -> int:
    """Fire page by page as the job does: from the beginning, or behind a page of which nothing could be fired."""
    n, after = 0, None
    while True:
        async with service.sessions.begin() as session:
            fired = await handlers.fire_timers(session, now, lambda _, __: True, after)
        n, after = n + fired.n_fired, None if fired.n_fired else fired.last
        if not fired.n_fired and fired.last is None:
            return n
