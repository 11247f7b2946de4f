"""The whole system as `make run` starts it, on free ports and a clock that runs fast."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone

import httpx
import pytest

from deploy.demo.client import Client, fast_clock
from deploy.local.programs import ADAPTER_PORTS
from deploy.local.stack import Stack
from shared.clock import Clock

START = datetime(2026, 11, 19, 8, 0, tzinfo=timezone(timedelta(hours=7)))
SPEED = 20_000.0


@pytest.fixture(scope="session")
def clock_text() -> str:
    return fast_clock(START, SPEED)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, clock_text: str) -> Iterator[Stack]:
    """Engines of its own: these tests stop them. It ends with this package, not beside all later tests."""
    given = {name: os.environ.pop(name, None) for name in ("LIENTHONG_POSTGRES_URL", "LIENTHONG_KAFKA")}
    os.environ |= {f"LIENTHONG_{system.upper()}_POLL_SECONDS": "0.1" for system in ADAPTER_PORTS}
    with Stack(tmp_path_factory.mktemp("system"), ports="free", clock=clock_text) as running:
        yield running
    os.environ.update({name: value for name, value in given.items() if value})


@pytest.fixture
async def client(stack: Stack, clock_text: str) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(trust_env=False, timeout=15) as http:
        yield Client(stack, Clock.parse(clock_text), http)
