"""Fixtures: the real engines, once a run; an issuer; databases cut from migrated templates."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.local.engines import Engines
from deploy.local.engines import engines as run_engines
from tests.support import Databases, Issuer, issuing

# A timing never fails a test: another process may have the cores for a while.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """PostgreSQL and Kafka: started for this run, or those named in the environment."""
    with run_engines(tmp_path_factory.mktemp("engines")) as running:
        yield running


@pytest.fixture(scope="session")
async def databases(engines: Engines) -> Databases:
    """Databases on the engines."""
    return Databases(engines)


@pytest.fixture(scope="session")
async def issuer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuer]:
    """The local issuer."""
    folder: Path = tmp_path_factory.mktemp("issuer")
    async with issuing(folder) as running:
        yield running


class ByRoom(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Shares the rooms of `make test` between its processes; what a room's tests build together stays in one."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share by room. Groups of marks would do, but pytest-xdist 3.8 loses them with pytest 9.2 (its issue 1386)."""
    return ByRoom(config, log)
