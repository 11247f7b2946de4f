"""When each event was applied: a trigger notes every head that moves, in the benchmark's own databases only.

An event's instant is its row's ``recorded_at``, an application's that of the statement that wrote the head; each is
followed by its commit and by nothing else, so that the two commits cancel out.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.settings import SERVICES

_COLUMNS = ", ".join(f"{source}_seq" for source in SERVICES)
BEGIN = f"""
    CREATE UNLOGGED TABLE bench_seen AS
        SELECT dossier_id, {_COLUMNS}, clock_timestamp() AS at FROM head WITH NO DATA;
    CREATE FUNCTION bench_see() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO bench_seen SELECT dossier_id, {_COLUMNS}, clock_timestamp() FROM moved;
        RETURN NULL;
    END $$;
    CREATE TRIGGER bench_new AFTER INSERT ON head REFERENCING NEW TABLE AS moved
        FOR EACH STATEMENT EXECUTE FUNCTION bench_see();
    CREATE TRIGGER bench_moved AFTER UPDATE ON head REFERENCING NEW TABLE AS moved
        FOR EACH STATEMENT EXECUTE FUNCTION bench_see();
"""
END = """
    DROP TRIGGER bench_new ON head; DROP TRIGGER bench_moved ON head;
    DROP FUNCTION bench_see; DROP TABLE bench_seen;
"""
Key = tuple[UUID, str]
Delays = dict[str, list[float]]


class Watch:
    """Notes applications in all four databases between ``begin`` and ``end``."""

    def __init__(self, postgres_url: str) -> None:
        self._url = postgres_url
        self._open: dict[str, asyncpg.Connection] = {}
        self._began_at: datetime | None = None

    async def begin(self) -> None:
        """Put the triggers in."""
        for name in SERVICES:
            self._open[name] = await asyncpg.connect(self._url, database=f"lienthong_{name}")
            await self._open[name].execute(BEGIN)
        self._began_at = await self._open["intake"].fetchval("SELECT clock_timestamp()")

    async def end(self) -> Delays:
        """Take the triggers out; return seconds from commit to applied, by reader and in the slowest of them."""
        events = {name: await self._events(name) for name in SERVICES}
        seen = {name: await self._seen(name) for name in SERVICES}
        for connection in self._open.values():
            await connection.execute(END)
            await connection.close()
        return _delays(events, seen)

    async def _events(self, name: str) -> list[tuple[UUID, int, datetime]]:
        query = "SELECT dossier_id, seq, recorded_at FROM event WHERE recorded_at > $1"
        return [tuple(row) for row in await self._open[name].fetch(query, self._began_at)]

    async def _seen(self, name: str) -> dict[Key, list[tuple[int, datetime]]]:
        seen: dict[Key, list[tuple[int, datetime]]] = defaultdict(list)
        for dossier_id, *seqs, at in await self._open[name].fetch("SELECT * FROM bench_seen ORDER BY at"):
            for source, seq in zip(SERVICES, seqs, strict=True):
                if not seen[dossier_id, source] or seen[dossier_id, source][-1][0] < seq:
                    seen[dossier_id, source].append((seq, at))
        return seen


def _delays(
    events: dict[str, list[tuple[UUID, int, datetime]]], seen: dict[str, dict[Key, list[tuple[int, datetime]]]]
) -> Delays:
    delays: Delays = {"applied everywhere else": [], **{f"applied in {reader}": [] for reader in SERVICES}}
    for source, told in events.items():
        for dossier_id, seq, recorded_at in told:
            found = {
                reader: (_first(seen[reader][dossier_id, source], seq) - recorded_at).total_seconds()
                for reader in SERVICES
                if reader != source
            }
            for reader, delay in found.items():
                delays[f"applied in {reader}"].append(delay)
            delays["applied everywhere else"].append(max(found.values()))
    return delays


def _first(steps: Iterable[tuple[int, datetime]], seq: int) -> datetime:
    """Return when a head first stood at *seq* or later."""
    listed = list(steps)
    return listed[bisect_left(listed, seq, key=lambda step: step[0])][1]
