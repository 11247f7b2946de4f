"""One sandbox for each module of tests; every test finds its systems empty and well."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.partners import Partner, PostOffice, partner, post_office

NAMES = ("vbdlis", "tax", "bhxh", "dvcqg")


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Partner]:
    """The sandbox, in memory."""
    async with partner("vbdlis") as started:
        yield started


@pytest.fixture(scope="module")
async def post() -> AsyncIterator[PostOffice]:
    """A server for the receivers of callbacks."""
    async with post_office() as started:
        yield started


@pytest.fixture
async def fresh(running: Partner) -> dict[str, Partner]:
    """The four outside systems, without dossiers, switches, autopilots or callbacks."""
    found = {name: Partner(name, running.client) for name in NAMES}
    for one in found.values():
        await one.reset()
    return found


@pytest.fixture
async def vbdlis(fresh: dict[str, Partner]) -> Partner:
    """The land registry."""
    return fresh["vbdlis"]


@pytest.fixture
async def tax(fresh: dict[str, Partner]) -> Partner:
    """The tax gateway."""
    return fresh["tax"]


@pytest.fixture
async def bhxh(fresh: dict[str, Partner]) -> Partner:
    """Social insurance."""
    return fresh["bhxh"]


@pytest.fixture
async def dvcqg(fresh: dict[str, Partner]) -> Partner:
    """The national portal."""
    return fresh["dvcqg"]
