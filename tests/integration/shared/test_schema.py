"""What the migrations make is what the mappings say."""

from importlib import import_module
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.settings import SERVICES
from shared.tables import SpineBase
from tests.support import Databases


def differences(connection: Connection, metadata: Any) -> list[Any]:
    """Return what alembic would change, partitions of the ledger aside: housekeeping makes those."""
    options = {"include_name": lambda name, kind, _: not (kind == "table" and str(name).startswith("event_"))}
    context = MigrationContext.configure(connection, opts={"compare_type": True, **options})
    return list(compare_metadata(context, metadata))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_migrated_database_has_no_drift_from_the_mappings(databases: Databases, service: str) -> None:
    prefix = await databases.cut(service)
    own = import_module(f"services.{service}.models").Base.metadata
    engine = create_async_engine(databases.settings(prefix).database_url(service), poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences, [own, SpineBase.metadata])
    await engine.dispose()
    await databases.drop(prefix, service)
    assert [change for change in found if change[0] != "remove_table" or change[1].name != "alembic_version"] == []
