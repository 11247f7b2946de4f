"""Figures as districts published them, from facts through the real inbox: form 06 prints the counts exactly."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.sla import handlers, jobs, repository
from services.sla.schemas.reports import Report06Ask
from shared.auth import Principal, Role
from shared.clock import Clock
from shared.service import Service
from tests.integration.sla.published import Kind, early, late, on_time, pending, told
from tests.integration.sla.story import sla_on
from tests.support import Databases

LEADER = Principal("leader", frozenset({Role.LEADER}))
PORTION = 1_500


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Service]:
    async with sla_on(databases) as service:
        yield service


async def live(service: Service, kinds: list[Kind], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a service apply the facts of all *kinds* and miss the deadlines that have passed *now*."""
    service.clock = service.sessions.info["clock"] = Clock(now, datetime(2100, 1, 1, tzinfo=UTC))
    waiting = []
    for events in told(kinds, service.references.get("calendar", "VN", 1)):
        waiting += events
        if len(waiting) >= PORTION:
            assert await service.inbox.apply(waiting, trusted=True) == len(waiting)
            waiting = []
    assert await service.inbox.apply(waiting, trusted=True) == len(waiting)
    monkeypatch.setattr(jobs, "complete", lambda _, __, ___: True)
    while await jobs.fire_timers(service):
        pass
    for _ in range(2):
        async with service.sessions.begin() as session:
            await repository.fold(session)


async def printed(service: Service, from_on: str, to_on: str) -> Any:
    ask = Report06Ask.model_validate({"from": from_on, "to": to_on})
    async with service.sessions() as session:
        return handlers.read_06(await handlers.print_06(session, ask, LEADER)).total


CAN_DUOC = [
    # carried over into 2022
    Kind(9_000, "counter", date(2021, 12, 20), date(2021, 12, 31), on_time),
    Kind(3_977, "counter", date(2021, 12, 27), date(2021, 12, 31), early),
    # new: 16,586 online and 15,845 over the counter and by post
    Kind(10_000, "online", date(2022, 1, 4), date(2022, 10, 14), early),
    Kind(5_657, "counter", date(2022, 1, 4), date(2022, 10, 14), early),
    Kind(4_386, "online", date(2022, 1, 4), date(2022, 10, 14), on_time),
    Kind(10_127, "post", date(2022, 1, 4), date(2022, 10, 14), on_time),
    Kind(61, "counter", date(2022, 1, 4), date(2022, 10, 14), late),
    Kind(10, "online", date(2022, 1, 4), date(2022, 10, 14), late),
    Kind(185, "online", date(2022, 9, 5), date(2022, 10, 14), pending),
    Kind(2_005, "online", date(2022, 11, 2), date(2022, 11, 14), pending),
]
"""1 January to 14 November 2022; which of them came by which channel is our choice, the sums are the published ones."""


@pytest.mark.timeout(900)  # 136,000 events
async def test_can_duoc_2022(empty: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(empty, CAN_DUOC, datetime(2022, 11, 14, 17, tzinfo=UTC), monkeypatch)
    total = await printed(empty, "2022-01-01", "2022-11-14")
    assert (total.received, total.online, total.counter_post, total.carried_over) == (45_408, 16_586, 15_845, 12_977)
    assert (total.resolved, total.early, total.on_time, total.late) == (43_218, 19_634, 23_513, 71)
    assert (total.early_percent, total.on_time_percent, total.late_percent) == (45.43, 54.41, 0.16)
    assert (total.pending, total.in_time, total.overdue) == (2_190, 2_005, 185)
    assert round(total.online_percent, 1) == 51.1


LONG_THANH_TRUNG = [
    Kind(481, "counter", date(2020, 1, 4), date(2020, 9, 12), early, weekdays=(5,)),
    Kind(3_098, "counter", date(2020, 1, 2), date(2020, 9, 10), on_time),
]


async def test_long_thanh_trung_2020(empty: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(empty, LONG_THANH_TRUNG, datetime(2020, 9, 30, 10, tzinfo=UTC), monkeypatch)
    total = await printed(empty, "2020-01-01", "2020-09-30")
    assert (total.received, total.resolved, total.late, total.pending) == (3_579, 3_579, 0, 0)
    assert (total.saturday_received, total.saturday_resolved) == (481, 481)
