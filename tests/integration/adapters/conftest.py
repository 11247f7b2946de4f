"""One town for each module of tests; every test finds the sandbox empty and well, and the door open."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.adapters.town import Door, Town
from tests.integration.adapters.town import town as build
from tests.support import Databases, Issuer


@pytest.fixture(scope="module")
async def built(databases: Databases, issuer: Issuer) -> AsyncIterator[Town]:
    async with build(databases, issuer) as running:
        yield running


@pytest.fixture
async def town(built: Town) -> Town:
    for one in (built.bhxh, built.vbdlis):
        await one.reset()
    vars(built.door).update(vars(Door()))
    return built
