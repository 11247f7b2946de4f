"""Writes everything a command changed in one statement: a round trip costs more than what is in it.

A handler works on mapped objects; at the edge, before the commit, new ones become INSERTs and changed ones UPDATEs,
all of them common table expressions of a single statement. Only public SQLAlchemy interfaces are used; what this
does not know (deletes) is left to the ordinary flush.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Dialect, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

Row = dict[Column[Any], Any]


async def write_as_one(session: AsyncSession) -> None:
    """Write what is new or changed in *session* in one round trip; its objects are detached afterwards."""
    if session.deleted:
        return
    dirty = [found for found in (_changes(one) for one in session.dirty) if found[1]]
    fresh = [_values(one) for one in session.new]
    if not fresh and not dirty:
        return
    connection = await session.connection()
    statement = _Statement(connection.dialect)
    for table, columns, rows in _grouped(fresh):
        statement.insert(table, columns, rows)
    for key, changes in dirty:
        statement.update(key, changes)
    n_updated = await connection.exec_driver_sql(statement.sql(), tuple(statement.parameters))
    if n_updated.scalar_one() != len(dirty):
        msg = "a row that was read and locked is gone"
        raise StaleDataError(msg)
    session.expunge_all()


def _values(one: Any) -> Row:
    state = inspect(one)
    defaults = {
        column: column.default.arg
        for name, column in state.mapper.c.items()
        if name not in state.dict and column.default is not None and column.default.is_scalar
    }
    return {column: state.dict[name] for name, column in state.mapper.c.items() if name in state.dict} | defaults


def _changes(one: Any) -> tuple[Row, Row]:
    """Return the primary key and the changed columns of a mapped object."""
    state = inspect(one)
    key = dict(zip(state.mapper.primary_key, state.identity, strict=True))
    changed = (name for name, column in state.mapper.c.items() if state.attrs[name].history.has_changes())
    return key, {state.mapper.c[name]: state.dict[name] for name in changed}


def _grouped(rows: Iterable[Row]) -> Iterable[tuple[str, Sequence[Column[Any]], list[Row]]]:
    groups: dict[tuple[Column[Any], ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row)].append(row)
    return [(columns[0].table.name, columns, group) for columns, group in groups.items()]


class _Statement:
    """One statement in the making; the server infers each parameter's type from its column."""

    def __init__(self, dialect: Dialect) -> None:
        self.parameters: list[Any] = []
        self._parts: list[str] = []
        self._updates: list[int] = []
        self._dialect = dialect

    def insert(self, table: str, columns: Sequence[Column[Any]], rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{column.name}"' for column in columns)
        values = ", ".join(f"({', '.join(self._bind(column, row[column]) for column in columns)})" for row in rows)
        self._parts.append(f'INSERT INTO "{table}" ({names}) VALUES {values}')  # noqa: S608 - names of our own tables

    def update(self, key: Row, changes: Row) -> None:
        table = next(iter(key)).table
        what = ", ".join(f'"{column.name}" = {self._bind(column, value)}' for column, value in changes.items())
        where = " AND ".join(f'"{column.name}" = {self._bind(column, value)}' for column, value in key.items())
        self._updates.append(len(self._parts))
        self._parts.append(f'UPDATE "{table}" SET {what} WHERE {where} RETURNING 1')  # noqa: S608 - our own names

    def _bind(self, column: Column[Any], value: Any) -> str:
        process = column.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        self.parameters.append(process(value) if process is not None else value)
        return f"${len(self.parameters)}"

    def sql(self) -> str:
        """Return the statement; it answers how many rows were updated."""
        ctes = ", ".join(f"w{at} AS ({part})" for at, part in enumerate(self._parts))
        counts = " + ".join(f"(SELECT count(*) FROM w{at})" for at in self._updates) or "0"  # noqa: S608
        return f"WITH {ctes} SELECT {counts}"
