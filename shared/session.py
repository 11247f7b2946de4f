"""Sessions: SQLAlchemy words the statements and maps the rows, asyncpg runs them, and what changed is written as one.

SQLAlchemy's own session costs a command four times as much as the database does (docs/adr/0005): here each call is one
round trip and nothing else. A session knows its objects by their keys, notices what is set on them, and writes it all
in one statement when its transaction ends. It never asks by itself: nothing is loaded that was not selected.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

import asyncpg
from pydantic_core import from_json
from sqlalchemy import URL
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from shared import db
from shared.statements import Key, Values, plan_of, table_of
from shared.writes import Changes, changed, values_of, write

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
R = TypeVar("R")

LONGEST_WAIT_SECONDS = 10.0
"""For a free connection; TimeoutError after it."""


class NoRow(LookupError):
    """Exactly one row was asked for, and there is none or there are several."""


class Rows(list[R], Generic[R]):
    """The rows of an answer."""

    def one_or_none(self) -> R | None:
        """Return the only row, None if there is none; NoRow if there are several."""
        if len(self) > 1:
            raise NoRow
        return self[0] if self else None

    def one(self) -> R:
        """Return the only row; NoRow if there is not exactly one."""
        if len(self) != 1:
            raise NoRow
        return self[0]


class Session:
    """One transaction (or, without one, statements that each stand alone) on one connection."""

    def __init__(self, connection: Any, info: dict[str, Any]) -> None:
        self.info = info
        """What the session's opener gave it: the service, its clock, its references; and notes of repositories."""
        self.known: dict[Key, Any] = {}
        self._connection = connection
        self._added: dict[int, Any] = {}
        self._inserts = Changes()
        self._gone: dict[int, Any] = {}

    # Reading

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Ts], given: Mapping[str, Any] | None = None
    ) -> Rows[tuple[*Ts]]: ...

    @overload
    async def execute(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Rows[Any]: ...

    async def execute(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Rows[Any]:
        """Run *statement*; return its rows as named tuples."""
        plan = plan_of(statement, given or {})
        return Rows(plan.rows(await self._connection.fetch(plan.sql, *plan.arguments(given or {})), self))

    @overload
    async def scalars(self, statement: TypedReturnsRows[T], given: Mapping[str, Any] | None = None) -> Rows[T]: ...

    @overload
    async def scalars(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Rows[Any]: ...

    async def scalars(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Rows[Any]:
        """Run *statement*; return the first thing of each row."""
        plan = plan_of(statement, given or {})
        return Rows(plan.firsts(await self._connection.fetch(plan.sql, *plan.arguments(given or {})), self))

    @overload
    async def scalar(self, statement: TypedReturnsRows[T], given: Mapping[str, Any] | None = None) -> T | None: ...

    @overload
    async def scalar(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Any: ...

    async def scalar(self, statement: Executable, given: Mapping[str, Any] | None = None) -> Any:
        """Run *statement*; return the first thing of the first row, None if there is none."""
        found: Rows[Any] = await self.scalars(statement, given)
        return found[0] if found else None

    async def get(self, kind: type[T], key: Any, *, lock: bool = False) -> T | None:
        """Return the row of *kind* with a primary key (a tuple if it has several columns), None if there is none."""
        values = key if isinstance(key, tuple) else (key,)
        if not lock and (found := self.known.get((kind, values))) is not None:
            return found  # type: ignore[no-any-return]
        table = table_of(kind)
        given = {column.name: value for column, value in zip(table.mapper.primary_key, values, strict=True)}
        return (await self.scalars(table.by_key_locked if lock else table.by_key, given)).one_or_none()

    async def get_one(self, kind: type[T], key: Any) -> T:
        """Return the row of *kind* with a primary key; NoRow if there is none."""
        found = await self.get(kind, key)
        if found is None:
            raise NoRow(f"{kind.__name__} {key}")
        return found

    # Writing

    def add(self, one: Any) -> None:
        """Add a new row; reading by its key finds it from now on."""
        self._added[id(one)] = one
        self.known[_key(one)] = one

    def insert(self, kind: type, values: Values) -> None:
        """Add a new row that nobody reads again in this transaction: cheaper than an object."""
        self._inserts.new[kind].append(values)

    def delete(self, one: Any) -> None:
        """Delete a row, or do not add it after all."""
        if self._added.pop(id(one), None) is None:
            self._gone[id(one)] = one
        self.known.pop(_key(one), None)

    def added(self) -> Iterator[Any]:
        """Yield the new rows that were not written yet."""
        return iter(self._added.values())

    async def flush(self, *, uniform: bool = False) -> None:
        """Write what is new, changed or deleted, in one round trip; what was read is read anew afterwards.

        Raises StaleDataError if a row that was read is gone.
        """
        statement = write(self._changes(), uniform=uniform)
        if statement is not None:
            statement.check(await self._connection.fetchval(statement.sql, *statement.parameters))
            self._added, self._gone, self._inserts, self.known = {}, {}, Changes(), {}

    def _changes(self) -> Changes:
        changes = self._inserts
        for one in self._added.values():
            changes.new[type(one)].append(values_of(one))
        for one in self.known.values():
            if id(one) not in self._added and (names := changed(one)):
                changes.changed[type(one)].append(one)
                changes.touched[type(one)] |= names
        for one in self._gone.values():
            changes.gone[type(one)].append(one)
        return changes


def _key(one: Any) -> Key:
    return type(one), tuple([getattr(one, key) for key in table_of(type(one)).keys])


class _Connection(asyncpg.Connection):
    """A connection that is given back as it is: every transaction ends explicitly, and nothing else is left behind."""

    def get_reset_query(self) -> str:
        """Return nothing: the round trip of a reset is dearer than a statement."""
        return ""


class Sessions:
    """Opens sessions on the connections of one database."""

    def __init__(self, url: URL, *, pool_size: int = 10, name: str = "lienthong", **info: Any) -> None:
        self.url = url
        self.info: dict[str, Any] = info
        self.pool_size = pool_size
        self._name = name
        self._pool: Any = None
        self._loggers: list[Any] = []

    @contextmanager
    def told(self, logger: Any) -> Iterator[None]:
        """Tell *logger* (one of asyncpg's query loggers) of every statement that is sent in the meantime."""
        self._loggers.append(logger)
        try:
            yield
        finally:
            self._loggers.remove(logger)

    @asynccontextmanager
    async def begin(self, *, uniform: bool = False, isolation: str = "") -> AsyncIterator[Session]:
        """Open a transaction; what changed in its session is written as one before it commits.

        *uniform*: see ``shared.writes``. A relay beside it is woken if something was published.
        """
        async with self._connected() as connection:
            session = Session(connection, dict(self.info))
            await connection.execute(f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN")
            try:
                yield session
                await session.flush(uniform=uniform)
                done = await connection.execute("COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise
            if done != "COMMIT":
                raise asyncpg.exceptions.InFailedSQLTransactionError(done)
        if session.info.get("published") and (wake := session.info.get("wake")) is not None:
            wake()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Session]:
        """Open a session whose statements each stand alone: without BEGIN and COMMIT, two trips less."""
        async with self._connected() as connection:
            session = Session(connection, dict(self.info))
            yield session
            await session.flush()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        pool = await self._opened()
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            connection = await pool.acquire()
        loggers = list(self._loggers)
        for logger in loggers:
            connection.add_query_logger(logger)
        try:
            yield connection
        finally:
            for logger in loggers:
                connection.remove_query_logger(logger)
            await pool.release(connection)

    async def _opened(self) -> Any:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self.url.set(drivername="postgresql").render_as_string(hide_password=False),
                min_size=0,
                max_size=self.pool_size,
                init=self._prepare,
                connection_class=_Connection,
                statement_cache_size=300,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings={
                    "application_name": self._name,
                    "transaction_timeout": f"{db.LONGEST_TRANSACTION_SECONDS}s",
                    "jit": "off",
                },
            )
        return self._pool

    async def _prepare(self, connection: Any) -> None:
        """JSON goes to the server as text, as SQLAlchemy's types make it, and comes back parsed."""
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=from_json)

    async def close(self) -> None:
        """Close all connections; those in use are given a moment."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await pool.close()


async def _roll_back(connection: Any) -> None:
    """Undo; a connection on which even that fails is closed by its pool."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        await connection.execute("ROLLBACK")
