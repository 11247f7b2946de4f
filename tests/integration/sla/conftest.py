"""Fixtures of sla's integration tests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from shared.service import Service
from tests.integration.sla.story import on_a_monday, sla_on
from tests.support import Databases, Holds, Issuer, World, world


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


@pytest.fixture
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla with empty tables on a clock that stands at 2 March 2026; none of its workers runs."""
    clock = f"2026-03-02T08:00:00+07:00@{datetime(2100, 1, 1, tzinfo=UTC).isoformat()}x1"
    async with world(databases, issuer, services=("sla",), role="api", holds=Holds.ALL, clock=clock) as made:
        yield made
