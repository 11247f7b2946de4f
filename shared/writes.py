"""Writes everything a transaction changed in one statement: a round trip costs more than what is in it.

New rows become INSERTs, changed ones UPDATEs and deleted ones DELETEs, all of them common table expressions of one
statement. A command writes a few rows, and always the same columns: it sends values. A batch (*uniform*) writes whole
rows, one array a column, so that the text, and with it the server's prepared statement, depends on the tables alone,
not on how many rows or what of them changed. Each text is made once.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal

from sqlalchemy import ARRAY, Column
from sqlalchemy.orm.attributes import instance_dict, instance_state
from sqlalchemy.orm.exc import StaleDataError

from shared.statements import DIALECT, Process, Table, Values, bind_process, table_of

Verb = Literal["insert", "update", "delete"]


@dataclass(slots=True)
class Changes:
    """What a session is going to write."""

    new: dict[type, list[Values]] = field(default_factory=lambda: defaultdict(list))
    changed: dict[type, list[Any]] = field(default_factory=lambda: defaultdict(list))
    touched: dict[type, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Which attributes of the changed rows are others than they were read."""
    gone: dict[type, list[Any]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class Write:
    """One statement with its parameters; it answers how many rows it changed or deleted."""

    sql: str
    parameters: list[Any]
    n_expected: int

    def check(self, n_met: int) -> None:
        """Raise StaleDataError if a row that was read is gone."""
        if n_met != self.n_expected:
            msg = "a row that was read and locked is gone"
            raise StaleDataError(msg)


def write(changes: Changes, *, uniform: bool) -> Write | None:
    """Return the statement that writes *changes*, None if there are none.

    A row is changed under its dossier's lock only: columns that did not change may be written again.
    """
    parts = [*_inserts(changes), *_updates(changes, uniform=uniform), *_deletes(changes)]
    if not parts:
        return None
    shape: list[_Shape] = []
    parameters: list[Any] = []
    for verb, table, names, rows in parts:
        is_single = len(rows) == 1 and not uniform
        shape.append((verb, table, names, is_single))
        for name in names:
            process = _bound(table, name).process
            values = [row[name] for row in rows] if process is None else [process(row[name]) for row in rows]
            parameters.append(values[0] if is_single else values)
    n_expected = sum(len(rows) for verb, _, _, rows in parts if verb != "insert")
    return Write(_text(tuple(shape)), parameters, n_expected)


_Part = tuple[Verb, Table, tuple[str, ...], Sequence[Values]]
_Shape = tuple[Verb, Table, tuple[str, ...], bool]


def _sorted(by_kind: Mapping[type, list[Any]]) -> list[tuple[Table, list[Any]]]:
    """Return tables in the order of their names: one set of tables, one text."""
    return sorted(((table_of(kind), ones) for kind, ones in by_kind.items() if ones), key=lambda pair: pair[0].name)


def _inserts(changes: Changes) -> Iterable[_Part]:
    for table, new in _sorted(changes.new):
        groups: dict[frozenset[str], list[Values]] = defaultdict(list)
        for values in new:
            row = {**table.defaults, **values} if table.defaults else values
            groups[frozenset(row)].append(row)
        for names, rows in sorted((tuple(sorted(names)), rows) for names, rows in groups.items()):
            yield "insert", table, names, rows


def _updates(changes: Changes, *, uniform: bool) -> Iterable[_Part]:
    for table, ones in _sorted(changes.changed):
        rows = [instance_dict(one) for one in ones]
        touched = set(table.others) if uniform else changes.touched[table.kind]
        names = sorted(touched.intersection(*rows))
        if names:
            yield "update", table, (*table.keys, *names), rows


def _deletes(changes: Changes) -> Iterable[_Part]:
    for table, ones in _sorted(changes.gone):
        yield "delete", table, table.keys, [values_of(one) for one in ones]


def values_of(one: Any) -> Values:
    """Return what a mapped object holds."""
    return {name: value for name, value in instance_dict(one).items() if name[0] != "_"}


def changed(one: Any) -> set[str]:
    """Return the attributes of a mapped object that were set to another value since it was read."""
    state = instance_state(one)
    if not state.modified:
        return set()
    present = instance_dict(one)
    return {name for name, before in state.committed_state.items() if name in present and before != present[name]}


# The text


@dataclass(frozen=True, slots=True)
class _Bound:
    """How one column is bound: the type of its parameter, how it is read from ``n``, what prepares it."""

    name: str
    kind: str
    value: str
    process: Process | None


@cache
def _bound(table: Table, attribute: str) -> _Bound:
    column: Column[Any] = table.columns[attribute]
    name, kind = f'"{column.name}"', column.type.compile(DIALECT)
    if isinstance(column.type, ARRAY):  # unnest would flatten arrays of arrays
        elements = f"ARRAY(SELECT json_array_elements_text(n.{name}::json))::{kind}"
        return _Bound(name, "TEXT", f"CASE WHEN n.{name} IS NOT NULL THEN {elements} END", _as_json)
    return _Bound(name, kind, f"n.{name}", bind_process(column.type))


def _as_json(values: list[Any] | None) -> str | None:
    return None if values is None else _ENCODER.encode(values)


_ENCODER = json.JSONEncoder(default=str)


@lru_cache(maxsize=2_000)
def _text(shape: tuple[_Shape, ...]) -> str:
    parts, counted, n_bound = [], [], 0
    for at, (verb, table, names, is_single) in enumerate(shape):
        columns = [_bound(table, name) for name in names]
        parts.append(_VERBS[verb](table, columns, _rows(columns, n_bound, is_single=is_single)))
        counted += [at] if verb != "insert" else []
        n_bound += len(names)
    ctes = ", ".join(f"w{at} AS ({part})" for at, part in enumerate(parts))
    counts = " + ".join(f"(SELECT count(*) FROM w{at})" for at in counted) or "0"  # noqa: S608
    return f"WITH {ctes} SELECT {counts}"


def _rows(columns: Sequence[_Bound], n_bound: int, *, is_single: bool) -> str:
    """Return the rows as a table ``n``; for the single one of a command arrays are not worth it."""
    numbered = enumerate(columns, n_bound + 1)
    suffix = "" if is_single else "[]"
    values = ", ".join(f"${n}::{column.kind}{suffix}" for n, column in numbered)
    source = f"(VALUES ({values}))" if is_single else f"unnest({values})"
    return f"{source} AS n({', '.join(column.name for column in columns)})"


def _insert(table: Table, columns: Sequence[_Bound], source: str) -> str:
    names, values = (", ".join(getattr(column, part) for column in columns) for part in ("name", "value"))
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {source}"  # noqa: S608


def _update(table: Table, columns: Sequence[_Bound], source: str) -> str:
    what = ", ".join(f"{column.name} = {column.value}" for column in columns[len(table.keys) :])
    return f"UPDATE {table.name} AS t SET {what} FROM {source} WHERE {_same(table)} RETURNING 1"  # noqa: S608


def _delete(table: Table, _: Sequence[_Bound], source: str) -> str:
    return f"DELETE FROM {table.name} AS t USING {source} WHERE {_same(table)} RETURNING 1"  # noqa: S608


_VERBS = {"insert": _insert, "update": _update, "delete": _delete}


def _same(table: Table) -> str:
    keys = (_bound(table, key).name for key in table.keys)
    return " AND ".join(f"t.{key} = n.{key}" for key in keys)
