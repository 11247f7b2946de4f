"""Form 06 over a million dossiers: how long a print takes for any period, and what keeping the sums costs."""

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from functools import partial
from unittest.mock import patch

import asyncpg
import uvloop
from sqlalchemy import text

from services.sla import handlers, repository
from services.sla.handlers import clocks
from services.sla.repository.entries import ADD_FOLDED
from services.sla.schemas.reports import PeriodAsk, Report06Ask
from shared.auth import Principal, Role
from shared.service import Service
from tests.bench import consumer
from tests.bench.history import told
from tests.bench.inside import one_service, running_engines
from tests.bench.table import Row
from tests.support import Databases

N_DOSSIERS = 1_000_000
LAST_ON = date(2026, 8, 20)
"""Dossiers were received in the three years before; what is not resolved by then is pending."""
N_UNITS, N_FIELDS = 150, 30


def _ask(from_on: str, to_on: str, **given: str) -> Report06Ask:
    return Report06Ask.model_validate({"from": from_on, "to": to_on, **given})


ASKED: dict[str, Report06Ask] = {
    "form 06 of a day": _ask("2026-03-12", "2026-03-12"),
    "form 06 of a month": _ask("2026-03-01", "2026-03-31"),
    "form 06, 15th to 14th": _ask("2026-02-15", "2026-03-14"),
    "form 06 of a year": _ask("2025-01-01", "2025-12-31"),
    "form 06 of a year up to a day, by field": _ask("2025-09-10", "2026-08-17", by="field"),
    "form 06 of a month of one unit, by field": _ask("2026-03-01", "2026-03-31", agency="U003", by="field"),
    "form 06 of a year as known on 14 January, and now": _ask("2025-01-01", "2025-12-31", known_until="2026-01-14"),
    "form 06, 15th to 14th, as known on the 20th, and now": _ask("2026-02-15", "2026-03-14", known_until="2026-03-20"),
}

FILL = f"""
    INSERT INTO entry (dossier_id, counts_on, known_on, measure, verdict, ending, judged_by,
        unit_code, field_code, procedure_code, channel, n, is_folded)
    WITH one AS (
        SELECT gen_random_uuid() AS id, received_on, received_on + days AS finished_on, days, unit, field,
            (ARRAY['online', 'online', 'assisted', 'counter', 'counter', 'post'])[1 + floor(random() * 6)::int]
                AS channel,
            CASE WHEN days > 12 THEN 'late' WHEN days = 12 THEN 'on_time' ELSE 'early' END AS verdict,
            CASE WHEN chance < 0.02 THEN 'not_granted' WHEN chance < 0.05 THEN 'withdrawn' ELSE 'granted' END AS ending,
            CASE WHEN random() < 0.02 THEN floor(random() * 20)::int ELSE 0 END AS delay
        FROM (
            SELECT $1::date - (1095 * (1 - at / $2::float))::int AS received_on,
                floor(power(random(), 2) * 16)::int AS days,
                format('U%s', to_char(floor(power(random(), 2) * {N_UNITS})::int, 'FM000')) AS unit,
                format('field-%s', floor(power(random(), 2) * {N_FIELDS})::int) AS field, random() AS chance
            FROM generate_series(1, $2) AS at
        ) AS drawn
    )
    SELECT id, counts_on, counts_on + delay, measure, kind, CASE measure WHEN 'resolved' THEN ending ELSE '' END, '',
        unit, field, 'P', channel, n, true
    FROM one CROSS JOIN LATERAL (VALUES
        (received_on, 'received', '', 1), (finished_on, 'resolved', verdict, 1),
        (CASE WHEN days > 12 THEN received_on + 12 END, 'overdue', '', 1),
        (CASE WHEN days > 12 THEN finished_on END, 'overdue', '', -1)
    ) AS written (counts_on, measure, kind, n)
    WHERE counts_on <= $1
"""
AGAIN = text("""
    INSERT INTO entry (dossier_id, counts_on, known_on, measure, verdict, ending, judged_by,
        unit_code, field_code, procedure_code, channel, n)
    SELECT dossier_id, counts_on, known_on, measure, verdict, ending, judged_by, unit_code, field_code, procedure_code,
        channel, n FROM entry WHERE is_folded ORDER BY id DESC LIMIT 100000
""")
SUM_UP = f"WITH folded AS (SELECT * FROM entry), {ADD_FOLDED} SELECT 1"


LEGS_FROM, LEGS_TO = date(2026, 2, 1), date(2026, 4, 30)
FILL_LEGS = f"""
    INSERT INTO leg_clock (dossier_id, leg_no, step_code, agency_code, limit_minutes, due_at, offered_at, counted_from,
        ended_at, minutes, status)
    SELECT gen_random_uuid(), no, 'step', format('A%s', floor(random() * {N_UNITS})::int), 900,
        begun + interval '3 days', begun, begun, begun + random() * interval '5 days', floor(random() * 3000)::int,
        (ARRAY['completed', 'completed', 'completed', 'returned'])[1 + floor(random() * 4)::int]
    FROM generate_series(1, 4) AS no CROSS JOIN generate_series(1, $2::int * 89 / 1095) AS at
        CROSS JOIN LATERAL (SELECT $1::date + random() * interval '89 days') AS one (begun)
"""
FILL_HOLDINGS = f"""
    INSERT INTO holding (dossier_id, agency_code, unit_code, finished_on, minutes, suspended_minutes, late_minutes)
    SELECT gen_random_uuid(), format('A%s', floor(random() * {N_UNITS})::int), 'U001',
        $1::date + floor(random() * 89)::int, 900, 0, floor(random() * 2)::int * 60
    FROM generate_series(1, $2::int * 3 * 89 / 1095) AS at
"""
LEADER = Principal("leader", frozenset({Role.LEADER}))


def measure(runs: int, share: float) -> list[Row]:
    """Return how long each print takes, how fast entries are folded, and what a consumer pays for them."""
    n = int(N_DOSSIERS * share)
    with running_engines() as found:
        databases = Databases(found)
        printed, folded = uvloop.run(_prints(databases, runs, n))
        consumed = uvloop.run(_consumed(databases, runs, int(consumer.N_LIFECYCLES * max(share, 0.5))))
    rows = [Row(f"{n:,} dossiers: {what}", seen, "{:,.0f} ms", "< 300 ms") for what, seen in printed.items()]
    return [*rows, Row("entries folded per second", folded), *_consumer_rows(consumed)]


async def _prints(databases: Databases, runs: int, n: int) -> tuple[dict[str, list[float]], list[float]]:
    async with one_service(databases, "sla") as service:
        await _fill(service, n)
        asked = {what: _asker(service, ask) for what, ask in ASKED.items()}
        asked["attribution of a month"] = partial(_attribute, service)
        printed = {what: [await _milliseconds(look) for _ in range(runs)] for what, look in asked.items()}
        return printed, [await _fold(service) for _ in range(runs)]


async def _fill(service: Service, n: int) -> None:
    url = service.sessions.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    await connection.execute("SET work_mem = '256MB'")
    await connection.execute(FILL, LAST_ON, n)
    await connection.execute(SUM_UP)
    await connection.execute(FILL_LEGS, LEGS_FROM, n)
    await connection.execute(FILL_HOLDINGS, LEGS_FROM, n)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _asker(service: Service, ask: Report06Ask) -> Callable[[], Awaitable[object]]:
    async def look() -> object:
        async with service.sessions() as session:
            return handlers.read_06(await handlers.print_06(session, ask, LEADER)).model_dump_json()

    return look


async def _attribute(service: Service) -> object:
    ask = PeriodAsk.model_validate({"from": "2026-03-01", "to": "2026-03-31"})
    async with service.sessions() as session:
        return (await handlers.attribute(session, ask, LEADER)).model_dump_json()


async def _milliseconds(look: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    assert await look()
    return (time.perf_counter() - began) * 1000


async def _fold(service: Service) -> float:
    async with service.sessions() as session:
        await session.execute(AGAIN)
    began, n = time.perf_counter(), 0
    while True:
        async with service.sessions.begin() as session:
            taken = await repository.fold(session)
        if not taken:
            return n / (time.perf_counter() - began)
        n += taken


async def _consumed(databases: Databases, runs: int, n_lifecycles: int) -> dict[str, list[consumer.Seen]]:
    """Let sla apply the same events with its journal and without, by turns."""
    history = await told(databases)
    seen: dict[str, list[consumer.Seen]] = {"with": [], "without": []}
    for _ in range(runs):
        seen["with"].append(await consumer._run(databases, "sla", history, n_lifecycles))
        with patch.multiple(clocks, enter=_nothing, keep_holdings=_nothing):
            seen["without"].append(await consumer._run(databases, "sla", history, n_lifecycles))
    return seen


def _nothing(*_: object) -> None:
    """Keep no journal."""


def _consumer_rows(seen: dict[str, list[consumer.Seen]]) -> Iterator[Row]:
    for how, found in seen.items():
        yield Row(f"consumer sla {how} entries and holdings: events/s", [one.per_second for one in found])
        yield Row(f"… {how}: CPU per event in its process", [one.cpu_ms for one in found], "{:.3f} ms")
