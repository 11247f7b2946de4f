"""The database edge: engine, sessions, and which errors only mean *try again*."""

import socket
from typing import Any

import asyncpg
import sqlalchemy.exc
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shared.clock import Clock

LONGEST_TRANSACTION_SECONDS = 10
"""PostgreSQL ends a longer one; the recent sweep's overlap is longer than this."""

Sessions = async_sessionmaker[AsyncSession]


def make_engine(url: URL, *, pool_size: int = 10, name: str = "lienthong") -> AsyncEngine:
    """Return an engine whose transactions are bounded; every transaction ends explicitly, so no reset on return."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={
            "prepared_statement_cache_size": 200,
            "server_settings": {
                "application_name": name,
                "transaction_timeout": f"{LONGEST_TRANSACTION_SECONDS}s",
                "jit": "off",
            },
        },
    )


def make_sessions(engine: AsyncEngine, service: str, clock: Clock, **info: Any) -> Sessions:
    """Return the session factory; ``session.info`` names the service and its clock for ``publish``."""
    return async_sessionmaker(
        engine, expire_on_commit=False, autoflush=False, info={"service": service, "clock": clock, **info}
    )


def autocommit(sessions: Sessions) -> Sessions:
    """Return the same factory for work whose statements each stand alone: without BEGIN and COMMIT, two trips less."""
    bound = dict(sessions.kw)
    engine: AsyncEngine = bound.pop("bind")
    return async_sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"), **bound)


_TRANSIENT = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionTimeoutError,
    asyncpg.exceptions.InterfaceError,
    asyncpg.exceptions.InternalClientError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    sqlalchemy.exc.TimeoutError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
)


def is_transient(error: BaseException) -> bool:
    """Say whether *error* is of the connection, deadlock or serialization kind: retried without end, never parked."""
    if isinstance(error, InterfaceError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    causes: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(causes) < 8:
        causes.append(seen)
        seen = seen.__cause__ or getattr(seen, "orig", None)
    return any(isinstance(cause, _TRANSIENT) for cause in causes)


def is_conflict(error: DBAPIError) -> bool:
    """Say whether the whole transaction was undone by another one and may simply run again."""
    if isinstance(error, IntegrityError):
        return "idempotency_key" in str(error.orig)
    return any(
        isinstance(cause, (asyncpg.exceptions.SerializationError, asyncpg.exceptions.DeadlockDetectedError))
        for cause in (error.orig, getattr(error.orig, "__cause__", None))
    )
