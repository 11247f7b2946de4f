"""Writes everything a transaction changed in one statement: a round trip costs more than what is in it.

Handlers work on mapped objects; before the commit new ones become INSERTs, changed ones UPDATEs and deleted ones
DELETEs, all of them common table expressions of one statement. A command writes a few rows, and always the same
columns: it sends values. A batch (*uniform*) writes whole rows, one array a column, so that the text, and with it the
server's prepared statement, depends on the tables alone, not on how many rows or what of them changed. Only public
SQLAlchemy interfaces are used.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from sqlalchemy import ARRAY, Column, inspect
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from shared.db import Sessions

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]

Values = dict[str, Any]


@asynccontextmanager
async def transaction(sessions: Sessions, *, uniform: bool = False) -> AsyncIterator[AsyncSession]:
    """Open a transaction whose changes are written as one before it commits; a relay beside it starts at once."""
    async with sessions.begin() as session:
        yield session
        await write_as_one(session, uniform=uniform)
    if session.info.get("published") and (wake := session.info.get("wake")) is not None:
        wake()


async def write_as_one(session: AsyncSession, *, uniform: bool = False) -> None:
    """Write what is new, changed or deleted in *session* in one round trip; its objects are detached afterwards.

    A row is changed under its dossier's lock only: columns that did not change may be written again. Raises
    StaleDataError if a row that was read is gone.
    """
    statement = _Statement(uniform)
    for table, new in _by_table(session.new):
        for columns, rows in _by_columns(table.defaults | _values(one) for one in new):
            statement.insert(table, columns, rows)
    changed = {one: names for one in session.dirty if (names := _changed(one))}
    for table, ones in _by_table(changed):
        rows = [_values(one) for one in ones]
        touched = table.others if uniform else set().union(*(changed[one] for one in ones))
        statement.update(table, sorted(name for name in touched if all(name in row for row in rows)), rows)
    for table, gone in _by_table(session.deleted):
        statement.delete(table, [_values(one) for one in gone])
    if statement.is_empty:
        return
    connection = await session.connection()
    n_met = (await connection.exec_driver_sql(statement.sql(), tuple(statement.parameters))).scalar_one()
    if n_met != statement.n_expected:
        msg = "a row that was read and locked is gone"
        raise StaleDataError(msg)
    session.expunge_all()


@dataclass(frozen=True)
class _Column:
    """How one mapped attribute is bound: the type of its parameter, how it is read from ``n``, what prepares it."""

    name: str
    kind: str
    value: str
    process: Callable[[Any], Any] | None


def _column(column: Column[Any]) -> _Column:
    name, kind = f'"{column.name}"', column.type.compile(_DIALECT)
    if isinstance(column.type, ARRAY):  # unnest would flatten arrays of arrays
        elements = f"ARRAY(SELECT json_array_elements_text(n.{name}::json))::{kind}"
        return _Column(name, "TEXT", f"CASE WHEN n.{name} IS NOT NULL THEN {elements} END", _as_json)
    return _Column(name, kind, f"n.{name}", column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT))


def _as_json(values: list[Any] | None) -> str | None:
    return None if values is None else json.dumps(values, default=str)


@dataclass(frozen=True)
class _Table:
    """What has to be known of a mapped class to write its rows."""

    mapper: Mapper[Any]

    @cached_property
    def name(self) -> str:
        return f'"{self.mapper.local_table.name}"'  # type: ignore[attr-defined]

    @cached_property
    def columns(self) -> dict[str, _Column]:
        return {attribute: _column(column) for attribute, column in self.mapper.c.items()}

    @cached_property
    def keys(self) -> list[str]:
        return [self.mapper.get_property_by_column(column).key for column in self.mapper.primary_key]

    @cached_property
    def others(self) -> list[str]:
        return [name for name in self.columns if name not in self.keys]

    @cached_property
    def defaults(self) -> Values:
        found = ((name, column.default) for name, column in self.mapper.c.items())
        return {name: default.arg for name, default in found if isinstance(default, ScalarElementColumnDefault)}


@cache
def _table(kind: type) -> _Table:
    return _Table(inspect(kind))


def _by_table(ones: Iterable[Any]) -> list[tuple[_Table, list[Any]]]:
    """Group objects by table, in the order of their names: one set of tables, one text."""
    groups: dict[type, list[Any]] = defaultdict(list)
    for one in ones:
        groups[type(one)].append(one)
    return sorted(((_table(kind), found) for kind, found in groups.items()), key=lambda pair: pair[0].name)


def _by_columns(rows: Iterable[Values]) -> list[tuple[list[str], list[Values]]]:
    """Group new rows by the columns they have; the others take the server's defaults."""
    groups: dict[tuple[str, ...], list[Values]] = defaultdict(list)
    for row in rows:
        groups[tuple(sorted(row))].append(row)
    return [(list(columns), group) for columns, group in sorted(groups.items())]


def _values(one: Any) -> Values:
    state, columns = inspect(one), _table(one.__class__).columns
    return {name: value for name, value in state.dict.items() if name in columns}


def _changed(one: Any) -> set[str]:
    state = inspect(one)
    touched = set(state.mapper.c.keys()) - state.unmodified
    return {name for name in touched if state.attrs[name].history.has_changes()}


class _Statement:
    """One statement in the making."""

    def __init__(self, uniform: bool) -> None:
        self._uniform = uniform
        self.parameters: list[Any] = []
        self.n_expected = 0
        self._parts: list[str] = []
        self._counted: list[int] = []

    @property
    def is_empty(self) -> bool:
        return not self._parts

    def insert(self, table: _Table, columns: Sequence[str], rows: Sequence[Values]) -> None:
        names, values = (
            ", ".join(getattr(table.columns[name], part) for name in columns) for part in ("name", "value")
        )
        source = self._rows(table, columns, rows)
        self._parts.append(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {source}")  # noqa: S608

    def update(self, table: _Table, columns: Sequence[str], rows: Sequence[Values]) -> None:
        what = ", ".join(f"{table.columns[name].name} = {table.columns[name].value}" for name in columns)
        source = self._rows(table, [*table.keys, *columns], rows)
        self._count(f"UPDATE {table.name} AS t SET {what} FROM {source} WHERE {_same(table)} RETURNING 1", rows)  # noqa: S608

    def delete(self, table: _Table, rows: Sequence[Values]) -> None:
        source = self._rows(table, table.keys, rows)
        self._count(f"DELETE FROM {table.name} AS t USING {source} WHERE {_same(table)} RETURNING 1", rows)  # noqa: S608

    def _count(self, part: str, rows: Sequence[Values]) -> None:
        self._counted.append(len(self._parts))
        self._parts.append(part)
        self.n_expected += len(rows)

    def _rows(self, table: _Table, names: Sequence[str], rows: Sequence[Values]) -> str:
        """Return the rows as a table ``n``; for the single one of a command arrays are not worth it."""
        columns = {name: table.columns[name] for name in names}
        if len(rows) == 1 and not self._uniform:
            values = ", ".join(self._bind(rows[0][name], column) for name, column in columns.items())
            source = f"(VALUES ({values}))"
        else:
            arrays = (self._bind_all([row[name] for row in rows], column) for name, column in columns.items())
            source = f"unnest({', '.join(arrays)})"
        return f"{source} AS n({', '.join(column.name for column in columns.values())})"

    def _bind(self, value: Any, column: _Column) -> str:
        self.parameters.append(column.process(value) if column.process else value)
        return f"${len(self.parameters)}::{column.kind}"

    def _bind_all(self, values: list[Any], column: _Column) -> str:
        self.parameters.append([column.process(value) for value in values] if column.process else values)
        return f"${len(self.parameters)}::{column.kind}[]"

    def sql(self) -> str:
        """Return the statement; it answers how many rows were changed or deleted."""
        ctes = ", ".join(f"w{at} AS ({part})" for at, part in enumerate(self._parts))
        counts = " + ".join(f"(SELECT count(*) FROM w{at})" for at in self._counted) or "0"  # noqa: S608
        return f"WITH {ctes} SELECT {counts}"


def _same(table: _Table) -> str:
    return " AND ".join(f"t.{table.columns[key].name} = n.{table.columns[key].name}" for key in table.keys)
