"""The town of notify's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.notify.town import Town, town
from tests.support import Databases, Issuer


@pytest.fixture
async def here(databases: Databases, issuer: Issuer) -> AsyncIterator[Town]:
    """Real intake, notify and sandbox; the test drives notify's consumer and jobs."""
    async with town(databases, issuer) as running:
        yield running


@pytest.fixture
async def lively(databases: Databases, issuer: Issuer) -> AsyncIterator[Town]:
    """The same with all workers running, over real Kafka."""
    async with town(databases, issuer, role="all") as running:
        yield running
