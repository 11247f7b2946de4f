"""Statements: what SQLAlchemy words once, as asyncpg takes it, and how its records become mapped objects and rows."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Select, bindparam, inspect, select
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]

Values = Mapping[str, Any]
Process = Callable[[Any], Any]
Key = tuple[type, tuple[Any, ...]]


class Identities(Protocol):
    """Where a row that was read before is found again."""

    known: dict[Key, Any]


@dataclass(frozen=True)
class Table:
    """What has to be known of a mapped class to read and to write its rows; ``table_of`` keeps one of each."""

    kind: type

    @cached_property
    def mapper(self) -> Mapper[Any]:
        """The mapping."""
        return inspect(self.kind)

    @cached_property
    def name(self) -> str:
        """The quoted name of the table."""
        return f'"{self.mapper.local_table.name}"'  # type: ignore[attr-defined]

    @cached_property
    def columns(self) -> dict[str, Column[Any]]:
        """The columns by attribute, in the order in which a statement selects them."""
        return {attribute.key: cast(Column[Any], attribute.columns[0]) for attribute in self.mapper.column_attrs}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The attributes."""
        return tuple(self.columns)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return tuple(self.mapper.get_property_by_column(column).key for column in self.mapper.primary_key)

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Where the primary key stands among ``names``."""
        return tuple(self.names.index(key) for key in self.keys)

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The attributes beside the key."""
        return tuple(name for name in self.names if name not in self.keys)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The constant defaults of the mapping."""
        found = ((name, column.default) for name, column in self.columns.items())
        return {name: default.arg for name, default in found if isinstance(default, ScalarElementColumnDefault)}

    @cached_property
    def by_key(self) -> Select[Any]:
        """The statement that reads one row."""
        keys = self.mapper.primary_key
        return select(self.kind).where(*(key == bindparam(key.name, type_=key.type) for key in keys))

    @cached_property
    def by_key_locked(self) -> Select[Any]:
        """The statement that reads one row and locks it."""
        return self.by_key.with_for_update()

    def make(self, values: Iterable[Any]) -> Any:
        """Return a mapped object that holds *values* (of ``names``) as read: later changes are noticed."""
        one = self.mapper.class_manager.new_instance()
        one.__dict__.update(zip(self.names, values, strict=True))
        return one


_TABLES: dict[type, Table] = {}


def table_of(kind: type) -> Table:
    """Return what has to be known of a mapped class."""
    if kind not in _TABLES:
        _TABLES[kind] = Table(kind)
    return _TABLES[kind]


def bind_process(kind: TypeEngine[Any]) -> Process | None:
    """Return what makes a parameter of a type ready for the driver, None where nothing is to be done."""
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One ``$n``."""

    name: str
    default: Any
    process: Process | None

    def value(self, given: Values) -> Any:
        """Return what is sent."""
        value = given.get(self.name, self.default)
        return value if self.process is None else self.process(value)


Read = Callable[[Any, Identities], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement ready to run."""

    sql: str
    parameters: tuple[Parameter, ...]
    read: tuple[Read, ...]
    """One for each thing that is selected; none for words of our own (``text``)."""
    row: Callable[[Iterable[Any]], Any] | None

    def arguments(self, given: Values) -> list[Any]:
        """Return the values of ``$1``, ``$2`` …"""
        return [parameter.value(given) for parameter in self.parameters]

    def firsts(self, records: Sequence[Any], known: Identities) -> list[Any]:
        """Return the first thing of each row."""
        if not self.read:
            return [record[0] for record in records]
        first = self.read[0]
        return [first(record, known) for record in records]

    def rows(self, records: Sequence[Any], known: Identities) -> list[Any]:
        """Return named tuples of what was selected."""
        if not records:
            return []
        row = self.row or _row_of(tuple(records[0].keys()))
        if not self.read:
            return [row(record) for record in records]
        return [row(read(record, known) for read in self.read) for record in records]


_PLANS: WeakKeyDictionary[Executable, Plan] = WeakKeyDictionary()


def plan_of(statement: Executable, given: Values) -> Plan:
    """Return the plan of *statement*, made once; one whose text depends on how many values come is made each time."""
    plan = _PLANS.get(statement)
    if plan is None:
        compiled = cast(Any, statement).compile(dialect=DIALECT)
        if compiled.post_compile_params or compiled.literal_execute_params:
            return _expanded(statement, compiled, given)
        defaults = {**compiled.construct_params(_check=False), **_defaults(compiled)}
        plan = _PLANS[statement] = _plan(statement, str(compiled), compiled.positiontup, defaults, compiled.binds)
    return plan


def _expanded(statement: Executable, compiled: SQLCompiler, given: Values) -> Plan:
    state = compiled.construct_expanded_state(dict(given))
    binds = dict(compiled.binds)
    for name, parts in state.parameter_expansion.items():
        binds |= dict.fromkeys(parts, binds[name])
    return _plan(statement, state.statement, state.positiontup, state.parameters, binds)


def _plan(
    statement: Executable, sql: str, names: Iterable[str] | None, defaults: Values, binds: Mapping[str, Any]
) -> Plan:
    parameters = (Parameter(name, defaults.get(name), bind_process(binds[name].type)) for name in names or ())
    selected = _selected(statement)
    row = _row_of(tuple(one["name"] for one in selected)) if selected else None
    return Plan(sql, tuple(parameters), tuple(_readers(selected)), row)


def _defaults(compiled: SQLCompiler) -> dict[str, Any]:
    """Return the constant defaults of an INSERT, which the engine would fill in."""
    found = ((column.name, column.default) for column in compiled.insert_prefetch)
    return {name: default.arg for name, default in found if isinstance(default, ScalarElementColumnDefault)}


def _selected(statement: Executable) -> list[Any]:
    if isinstance(statement, Select):
        return list(statement.column_descriptions)
    return _returned(statement) if isinstance(statement, UpdateBase) else []


def _returned(statement: UpdateBase) -> list[Any]:
    """Describe what INSERT, UPDATE or DELETE return: the mapped object if all its columns are, else columns."""
    columns = list(statement.exported_columns)
    entity = statement.entity_description.get("entity")
    if entity is not None and tuple(column.key for column in columns) == table_of(entity).names:
        return [{"name": entity.__name__, "entity": entity, "expr": entity}]
    return [{"name": column.key, "entity": None, "expr": column} for column in columns]


def _readers(selected: Iterable[Any]) -> Iterable[Read]:
    at = 0
    for one in selected:
        entity = one.get("entity")
        if entity is None or one["expr"] is not entity:
            yield _scalar(at)
            at += 1
            continue
        table = table_of(inspect(entity).mapper.class_)
        yield _entity(table, at)
        at += len(table.names)


def _scalar(at: int) -> Read:
    return lambda record, _: record[at]


def _entity(table: Table, begin: int) -> Read:
    """Return the reader of a mapped object: the one that is known by its key, or a new one; None of an outer join."""
    end, kind = begin + len(table.names), table.kind
    places = tuple(begin + place for place in table.key_places)

    def read(record: Any, known: Identities) -> Any:
        key = kind, tuple([record[place] for place in places])
        found = known.known.get(key)
        if found is None and None not in key[1]:
            found = known.known[key] = table.make(record[begin:end])
        return found

    return read


@cache
def _row_of(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], Any] = row._make
    return make
