"""Intake alone, on a database of its own for each module of tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.intake.test_reception import intake_alone
from tests.support import Databases, Issuer, World


@pytest.fixture(scope="module")
async def intake(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    async with intake_alone(databases, issuer) as running:
        yield running
