"""How long a transaction may take, and which errors of the database only mean *try again*."""

import socket

import asyncpg

LONGEST_TRANSACTION_SECONDS = 10
"""PostgreSQL ends a longer one; the recent sweep's overlap is longer than this."""

_TRANSIENT = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionTimeoutError,
    asyncpg.exceptions.InvalidCachedStatementError,
    asyncpg.exceptions.InterfaceError,
    asyncpg.exceptions.InternalClientError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
)
_UNDONE = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.InvalidCachedStatementError,
)


def is_transient(error: BaseException) -> bool:
    """Say whether *error* is of the connection, deadlock or serialization kind: retried without end, never parked."""
    causes: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(causes) < 8:
        causes.append(seen)
        seen = seen.__cause__
    return any(isinstance(cause, _TRANSIENT) for cause in causes)


def is_conflict(error: asyncpg.PostgresError) -> bool:
    """Say whether the whole transaction was undone by another one and may simply run again."""
    if isinstance(error, asyncpg.exceptions.UniqueViolationError):
        return "idempotency_key" in str(error)
    return isinstance(error, _UNDONE)
