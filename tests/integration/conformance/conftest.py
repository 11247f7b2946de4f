"""One town for the example and all its mutants; whoever comes next finds nothing left to tell or to look at."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from deploy.conformance.town import Town
from deploy.conformance.town import town as build
from deploy.local.engines import Engines


@pytest.fixture(scope="package")
async def built(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with build(engines.postgres_url, tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture
async def town(built: Town) -> Town:
    async with built.workflow.sessions.begin() as session:
        await session.execute(text("UPDATE delivery SET next_try_at = NULL WHERE next_try_at IS NOT NULL"))
        await session.execute(text("UPDATE standing SET look_at = NULL"))  # our runtime would see that all is gone
    built.door.passages.clear()
    await built.register("DELETE", "/dossiers")
    return built
