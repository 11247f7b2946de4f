"""One town for the sixteen; every test finds the sandbox empty and well, and nothing left to tell."""

from collections.abc import AsyncIterator

import pytest

from tests.desync.table import Table
from tests.desync.town import Town
from tests.integration.adapters.town import town as build
from tests.integration.sandbox.partners import PostOffice, post_office
from tests.support import Databases, Issuer


@pytest.fixture(scope="package")
async def built(databases: Databases, issuer: Issuer) -> AsyncIterator[Town]:
    async with build(databases, issuer, look_first_seconds=0.3) as running:
        yield Town(**vars(running))


@pytest.fixture
async def town(built: Town) -> Town:
    await built.forget()
    return built


@pytest.fixture(scope="package")
async def post() -> AsyncIterator[PostOffice]:
    async with post_office() as running:
        yield running


@pytest.fixture(scope="package")
def table() -> Table:
    return Table()
