"""Fixtures of sla's integration tests."""

from collections.abc import AsyncIterator

import pytest

from shared.service import Service
from tests.integration.sla.story import sla_on
from tests.support import Databases


@pytest.fixture(scope="module")
async def sla(databases: Databases) -> AsyncIterator[Service]:
    """Sla on one database a module: every test tells of dossiers of its own."""
    async with sla_on(databases) as service:
        yield service
