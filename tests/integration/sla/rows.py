"""What sla has stored and said of a dossier, in a form that tests compare."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from services.sla.models import Clock
from shared.service import Service
from shared.tables import EventRow

TABLES = ("clock", "fact", "suspension", "leg_clock", "timer", "holding")
_JOURNAL = text("""
    SELECT counts_on, measure, verdict, ending, judged_by, channel, sum(n) AS n FROM entry WHERE dossier_id = :id
    GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0 ORDER BY 1, 2, 3
""")


async def said(service: Service, dossier_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Return the published facts as (name, data), in order."""
    query = select(EventRow).where(EventRow.dossier_id == dossier_id).order_by(EventRow.seq)
    async with service.sessions() as session:
        rows = list(await session.scalars(query))
    return [(row.type.split(".")[2], json.loads(row.data)) for row in rows]


def names(facts: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in facts]


def instants(data: dict[str, Any], *keys: str) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(data[key]) for key in keys)


async def clock(service: Service, dossier_id: UUID) -> Clock:
    async with service.sessions() as session:
        return await session.get_one(Clock, dossier_id)


async def counted(service: Service, dossier_id: UUID) -> list[tuple[Any, ...]]:
    """Return what a dossier counts for, all its entries added up; they differ by the order of what became known."""
    async with service.sessions() as session:
        return [tuple(row) for row in await session.execute(_JOURNAL, {"id": dossier_id})]


async def stored(service: Service, dossier_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Return every row about a dossier, table by table."""
    found = {}
    async with service.sessions() as session:
        for table in TABLES:
            query = text(f"SELECT to_jsonb(t) AS row FROM {table} t WHERE dossier_id = :id ORDER BY to_jsonb(t)::text")
            found[table] = [row for (row,) in await session.execute(query, {"id": dossier_id})]
    return found
