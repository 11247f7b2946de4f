"""Fixtures: the real engines, once a run; an issuer; databases cut from migrated templates."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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


# `make test` shares the tests between two processes: one starts whole systems and mostly waits, the other mostly works.
TESTS = Path(__file__).parent
WHOLE_SYSTEMS = {"e2e", "chaos", "conformance", "deploy", "desync", "adapters"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share engines and databases in one process."""
    for item in items:
        rooms = item.path.relative_to(TESTS).parts[:-1]
        item.add_marker(pytest.mark.xdist_group("works" if WHOLE_SYSTEMS.isdisjoint(rooms) else "waits"))
