"""One town with all four systems, whose dossiers are looked at at once; every test finds it empty and well."""

from collections.abc import AsyncIterator

import pytest

from tests.desync.town import Town
from tests.integration.adapters.town import town as build
from tests.support import Databases, Issuer


@pytest.fixture(scope="package")
async def built(databases: Databases, issuer: Issuer) -> AsyncIterator[Town]:
    async with build(databases, issuer, look_first_seconds=0.2) as running:
        yield Town(**vars(running))


@pytest.fixture
async def town(built: Town) -> Town:
    await built.forget()
    return built
