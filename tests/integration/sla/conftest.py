"""Fixtures of sla's integration tests."""

from collections.abc import AsyncIterator

import pytest

from shared.service import Service
from tests.integration.sla.story import on_a_monday, sla_on
from tests.support import Databases, Issuer, World


@pytest.fixture(scope="module")
async def sla(databases: Databases) -> AsyncIterator[Service]:
    """Sla on one database a module: every test tells of dossiers of its own."""
    async with sla_on(databases) as service:
        yield service


@pytest.fixture(scope="module")
async def running(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla on the clock of Monday 9 March 2026, 9:00."""
    async with on_a_monday(databases, issuer) as made:
        yield made
