"""A database per test, copied from a migrated template."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from deploy.local.engines import Engines
from tests.integration.workflow.support import NOW, World, make_template, run, settings, where
from tests.support import Issuer

TEMPLATE = f"lt_wf_template_{uuid4().hex[:8]}"


@pytest.fixture(scope="session")
async def template(engines: Engines) -> AsyncIterator[str]:
    where.update(postgres_url=engines.postgres_url, kafka=engines.kafka, start_check_seconds=0)
    await make_template(TEMPLATE)
    yield TEMPLATE
    await run(f"DROP DATABASE {TEMPLATE} WITH (FORCE)")


@pytest.fixture
async def world(template: str, issuer: Issuer, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    database = f"lt_wf_{uuid4().hex[:12]}"
    await run(f"CREATE DATABASE {database} TEMPLATE {template}")
    own = settings(database, getattr(request, "param", NOW), issuer=issuer.url, jwks_url=f"{issuer.url}/jwks.json")
    here, lifespan = await World.start(own, issuer)
    try:
        yield here
    finally:
        await here.http.aclose()
        await lifespan.__aexit__(None, None, None)
        await run(f"DROP DATABASE {database} WITH (FORCE)")
