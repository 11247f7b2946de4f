"""Fixtures of the spine's tests: two services that say and hear things."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.shared.spine import Spine, spine
from tests.support import Databases, Issuer


@pytest.fixture
async def pair(databases: Databases, issuer: Issuer) -> AsyncIterator[Spine]:
    """Intake and workflow, each over a fresh database."""
    async with spine(databases, issuer) as running:
        yield running
