"""What one outside system remembers: an SQLite file if there is a data folder, else memory.

A transaction is committed before the answer leaves (WAL, ``synchronous=NORMAL``: survives kill -9, not a power cut).
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS dossier (
    code TEXT PRIMARY KEY, state TEXT NOT NULL, document TEXT NOT NULL, touched REAL NOT NULL);
CREATE INDEX IF NOT EXISTS dossier_state ON dossier (state, touched);
CREATE TABLE IF NOT EXISTS call (
    no INTEGER PRIMARY KEY, at TEXT NOT NULL, direction TEXT NOT NULL, call TEXT NOT NULL, dossier TEXT NOT NULL,
    body_sha256 TEXT NOT NULL, status INTEGER, answer TEXT, took_effect INTEGER NOT NULL, faults TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS callback (
    no INTEGER PRIMARY KEY, event TEXT NOT NULL, dossier TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL,
    due_at REAL NOT NULL, held_until REAL, n_attempts INTEGER NOT NULL DEFAULT 0, n_repeats INTEGER NOT NULL,
    answer TEXT);
CREATE INDEX IF NOT EXISTS callback_waiting ON callback (held_until, dossier, no) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS callback_done ON callback (dossier, no) WHERE state = 'done';
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass
class Dossier:
    """One dossier as this system knows it: *fields* in its own words, *progress* oldest first."""

    code: str
    state: str
    fields: dict[str, Any]
    progress: list[dict[str, Any]] = field(default_factory=list)
    touched: float = 0.0
    """Real time of the last change (seconds since 1970)."""


class Storage:
    """The tables of one system; used from one event loop, a transaction never awaits."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._open: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the file, make what is missing."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        self._open = sqlite3.connect(self._file or ":memory:", isolation_level=None, check_same_thread=False)
        self._open.row_factory = sqlite3.Row
        self._open.execute("PRAGMA journal_mode=WAL")
        self._open.execute("PRAGMA synchronous=NORMAL")
        self._open.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def run(self, statement: str, given: Iterable[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        if self._open is None:
            msg = "the sandbox has not started"
            raise RuntimeError(msg)
        return self._open.execute(statement, given if isinstance(given, dict) else tuple(given))

    def find(self, code: str) -> Dossier | None:
        """Return a dossier, if this system has it."""
        row = self.run("SELECT * FROM dossier WHERE code = ?", [code]).fetchone()
        return _dossier(row) if row else None

    def save(self, dossier: Dossier) -> None:
        """Write a dossier, new or changed."""
        dossier.touched = time.time()
        document = json.dumps({"fields": dossier.fields, "progress": dossier.progress}, ensure_ascii=False)
        values = [dossier.code, dossier.state, document, dossier.touched]
        self.run("INSERT OR REPLACE INTO dossier (code, state, document, touched) VALUES (?, ?, ?, ?)", values)

    def erase(self, code: str) -> None:
        """Delete a dossier."""
        self.run("DELETE FROM dossier WHERE code = ?", [code])

    def wipe(self) -> None:
        """Forget everything but the settings."""
        for statement in ("DELETE FROM dossier", "DELETE FROM call", "DELETE FROM callback"):
            self.run(statement)

    def newest(self, limit: int) -> list[Dossier]:
        """Return the dossiers changed last."""
        rows = self.run("SELECT * FROM dossier ORDER BY touched DESC, code LIMIT ?", [limit])
        return [_dossier(row) for row in rows]

    def by_code(self, after: str, limit: int) -> list[Dossier]:
        """Return dossiers in the order of their codes, behind *after*."""
        rows = self.run("SELECT * FROM dossier WHERE code > ? ORDER BY code LIMIT ?", [after, limit])
        return [_dossier(row) for row in rows]

    def resting(self, states: Iterable[str], before: float, limit: int = 50) -> list[Dossier]:
        """Return dossiers in one of *states* that nobody touched since *before* (real time)."""
        wanted = json.dumps(sorted(states))
        rows = self.run(
            "SELECT * FROM dossier WHERE state IN (SELECT value FROM json_each(?)) AND touched <= ?"
            " ORDER BY touched LIMIT ?",
            [wanted, before, limit],
        )
        return [_dossier(row) for row in rows]

    def count(self) -> int:
        """Return how many dossiers there are."""
        return int(self.run("SELECT count(*) FROM dossier").fetchone()[0])

    def setting(self, name: str) -> Any:
        """Return a setting, None if it was never set."""
        row = self.run("SELECT value FROM setting WHERE name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def set(self, name: str, value: Any) -> None:
        """Keep a setting."""
        self.run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", [name, json.dumps(value)])

    def next_number(self, name: str) -> int:
        """Return the next number of a counter, from 1, without gaps except by roll-back."""
        number = int(self.setting(name) or 0) + 1
        self.set(name, number)
        return number


def _dossier(row: sqlite3.Row) -> Dossier:
    return Dossier(row["code"], row["state"], **json.loads(row["document"]), touched=row["touched"])
