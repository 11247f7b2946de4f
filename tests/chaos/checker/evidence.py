"""What the checker looks at: all rows of all databases, the outside systems' own storages, what callers were told."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

Row = dict[str, Any]
SERVICES = ("intake", "workflow", "sla", "notify")
SYSTEMS = ("vbdlis", "tax", "bhxh", "dvcqg")
PAGE = 200
TABLES = {
    "intake": ("event", "head", "hold", "parked", "dossier", "timeline_event", "payment_notice"),
    "workflow": (
        "event",
        "head",
        "hold",
        "parked",
        "dossier",
        "leg",
        "exchange",
        "delivery",
        "inbound",
        "incident",
        "standing",
    ),
    "sla": ("event", "head", "hold", "parked", "clock", "leg_clock"),
    "notify": ("event", "head", "hold", "parked", "dossier", "message", "subscription"),
}

STAYS = {"accept", "dismiss", "taken"}
"""What a person decides so that a difference stays as it is."""


@dataclass(frozen=True)
class Told:
    """A command and the answer its caller got."""

    command: str
    service: str
    dossier_id: str
    leg_no: int
    key: str
    body: Row


@dataclass
class Evidence:
    """Everything there is to look at once the dust has settled."""

    tables: dict[str, dict[str, list[Row]]]
    """By service, then by table."""
    told: list[Told] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    """Paths of commands that never had an answer: each happened once or not at all."""
    deeds: list[tuple[str, str, str]] = field(default_factory=list)
    """(system, dossier code, action) that an outside system acknowledged to its clerk."""
    outside: dict[str, dict[str, Row]] = field(default_factory=dict)
    """By system, then by its dossier code, as the system itself has it."""
    calls: dict[str, list[Row]] = field(default_factory=dict)
    """By system: the log of the calls that took effect, oldest first."""
    waiting_callbacks: int = 0
    mails: list[Row] = field(default_factory=list)
    webhooks: list[Row] = field(default_factory=list)
    _indexes: dict[tuple[str, str], dict[str, list[Row]]] = field(default_factory=dict)

    def ledger(self, service: str) -> dict[str, list[Row]]:
        """Return a service's events by dossier, in the order of their numbers."""
        return self.by_dossier(service, "event")

    def by_dossier(self, service: str, table: str, key: str = "dossier_id") -> dict[str, list[Row]]:
        """Return the rows of a table by dossier, in the order of their numbers if they have some."""
        if (service, table) not in self._indexes:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in sorted(self.rows(service, table), key=lambda row: row.get("seq", 0)):
                found[str(row[key])].append(row)
            self._indexes[service, table] = dict(found)
        return self._indexes[service, table]

    def rows(self, service: str, table: str) -> list[Row]:
        """Return the rows of a table."""
        return self.tables[service][table]

    @property
    def n_events(self) -> int:
        """Return how many events all ledgers hold."""
        return sum(len(self.rows(service, "event")) for service in SERVICES)

    @property
    def size(self) -> tuple[int, ...]:
        """Return how much there is of everything that grows: equal in two readings, nothing happened in between."""
        journals = (self.mails, self.webhooks, *self.calls.values())
        return (self.n_events, len(self.rows("workflow", "delivery")), *map(len, journals))

    @property
    def incidents(self) -> set[tuple[str, str]]:
        """Return the (dossier, system) pairs of which a person can see, or has settled, that something is wrong.

        What was told again, or was seen to be in step, has to be in step. A brake speaks for all that has diverged.
        """
        braked = {row["system"] for row in self._known if row["dossier_id"] is None}
        found = {(str(row["dossier_id"]), row["system"]) for row in self._known}
        wrong = [row for row in self.rows("workflow", "standing") if row["verdict"] == "diverged"]
        return found | {(str(row["dossier_id"]), row["system"]) for row in wrong if row["system"] in braked}

    @property
    def odd_logs(self) -> set[tuple[str, str]]:
        """Return the (dossier, system) pairs of which a person can see that the log is in another order."""
        return {(str(row["dossier_id"]), row["system"]) for row in self._known if row["kind"] == "log"}

    @property
    def _known(self) -> list[Row]:
        return [row for row in self.rows("workflow", "incident") if not row["closed_at"] or row["action"] in STAYS]


async def collect(postgres_url: str, sandbox_url: str, sandbox_folder: Path, told: list[Told]) -> Evidence:
    """Read everything, with plain SQL and HTTP."""
    tables = {service: await _tables(postgres_url, service) for service in SERVICES}
    seen = Evidence(tables, told)
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False, timeout=30) as http:
        for system in SYSTEMS:
            seen.outside[system] = {
                row["code"]: row async for row in _pages(http, f"/sandbox/{system}/dossiers", "code")
            }
            log = [row async for row in _pages(http, f"/sandbox/{system}/calls", "no")]
            seen.calls[system] = [row for row in log if row["direction"] == "call" and row["took_effect"]]
            seen.waiting_callbacks += await waiting_callbacks(http, system)
    seen.mails, seen.webhooks = (_journal(sandbox_folder / f"{name}.jsonl") for name in ("mail", "webhooks"))
    return seen


async def _tables(url: str, service: str) -> dict[str, list[Row]]:
    connection = await asyncpg.connect(url, database=f"lienthong_{service}", timeout=30)
    try:
        return {
            table: [dict(row) for row in await connection.fetch(f'SELECT * FROM "{table}"')]
            for table in TABLES[service]
        }
    finally:
        await connection.close()


async def waiting_callbacks(http: httpx.AsyncClient, system: str) -> int:
    """Return how many callbacks of a system were not heard yet."""
    return sum([row["state"] == "waiting" async for row in _pages(http, f"/sandbox/{system}/callbacks", "no")])


async def _pages(http: httpx.AsyncClient, path: str, key: str) -> AsyncIterator[Row]:
    after: dict[str, Any] = {}
    while True:
        items = (await http.get(path, params={"limit": PAGE, **after})).json()["items"]
        for item in items:
            yield item
        if len(items) < PAGE:
            return
        after = {"after": items[-1][key]}


def _journal(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
