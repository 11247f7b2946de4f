"""One sandbox for each module of tests; every test finds the portal empty and well."""

from collections.abc import AsyncIterator

import pytest

from services.workflow.adapters.dvcqg.portal import SessionPortal
from services.workflow.adapters.dvcqg.session import SessionAccess
from tests.integration.adapters.dvcqg.steps import CATALOGUE
from tests.integration.sandbox.partners import Partner, partner
from tests.unit.adapters.tale import Tale


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Partner]:
    async with partner("dvcqg") as started:
        yield started


@pytest.fixture
async def dvcqg(running: Partner) -> Partner:
    await running.reset()
    return running


@pytest.fixture
async def access(dvcqg: Partner) -> SessionAccess:
    url = f"{dvcqg.client.base_url}/dvcqg/a"
    return SessionAccess(url, "lienthong", "chi-de-thu", "H99", "VN:THU:1", timeout_seconds=1)


@pytest.fixture
async def portal(access: SessionAccess) -> AsyncIterator[SessionPortal]:
    started = SessionPortal(access, CATALOGUE)
    yield started
    await started.close()


@pytest.fixture
def tale() -> Tale:
    return Tale("dvcqg")
