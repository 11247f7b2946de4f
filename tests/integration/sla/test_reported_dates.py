"""Five wrong due dates that users of an existing one-stop system reported, told to sla as they happened."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from shared.events.base import Limit
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.service import Service
from shared.worktime.calendar import LOCAL
from tests.integration.sla.rows import clock, instants, names, said
from tests.integration.sla.story import Story, at, on_a_monday, tell, told
from tests.integration.sla.test_api import id_of
from tests.integration.sla.test_calendars import change, work
from tests.support import Databases, Issuer, World

ASKED = SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["GCN"])


@pytest.fixture
async def running(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla on a database of its own, on the clock of Monday 9 March 2026, 9:00."""
    async with on_a_monday(databases, issuer) as made:
        yield made


async def due_at(sla: Service, when: str, limit: Limit) -> datetime | None:
    story = Story()
    story.begin(when, limit=limit)
    await tell(sla, story.events)
    return (await clock(sla, story.dossier_id)).deadline_at


async def test_a_deadline_on_a_holiday_is_that_of_the_next_working_day(sla: Service) -> None:
    # 2 March + 56 days is Monday 27 April, off for the Hùng Kings' day: Tue 28.
    found = await due_at(sla, "2 09:00", Limit(amount=56, unit="calendar_days"))
    assert found == datetime(2026, 4, 28, 17, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("received", "due"),
    [("2 09:00", "2 17:00"), ("2 14:59:59", "2 17:00"), ("2 15:00:01", "3 17:00"), ("6 16:00", "9 17:00")],
)
async def test_a_limit_of_zero_days_is_the_same_day_or_after_15_00_the_next(
    sla: Service, received: str, due: str
) -> None:
    assert await due_at(sla, received, Limit(amount=0, unit="working_days")) == at(due)


async def test_two_hours_over_lunch_do_not_run_at_lunch(sla: Service) -> None:
    # 10:30 – 11:30 is one hour, 13:30 – 14:30 the other.
    assert await due_at(sla, "2 10:30", Limit(amount=2, unit="working_hours")) == at("2 14:30")


async def test_a_supplement_on_the_last_day_brings_a_whole_limit_again(sla: Service) -> None:
    story = Story()
    story.begin()  # due on Thu 12 17:00
    story.both("12 16:59", ASKED)
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).deadline_at is None
    story.both("16 08:00", SupplementReceived(request_no=1))
    await tell(sla, story.events[-1:])
    # Mon 16 does not count: 17 18 19 20 (4), 23 24 25 26 (8).
    assert (await clock(sla, story.dossier_id)).deadline_at == at("26 17:00")
    (move,) = [data for name, data in await said(sla, story.dossier_id) if name == "DeadlineMoved"]
    assert (instants(move, "from_at", "to_at"), move["reason"]) == ((at("12 17:00"), at("26 17:00")), "supplement")


async def test_a_changed_calendar_moves_what_was_promised_and_says_so(running: World) -> None:
    service, path, ended = running.service("sla"), await told(running), await told(running, ends="6 10:00")
    await change(running)  # Wed 11 is off
    await work(service)
    assert (await clock(service, id_of(path))).deadline_at == at("13 17:00")
    assert names(await said(service, id_of(path)))[-2:] == ["ClockRecalculated", "DeadlineMoved"]
    assert (await clock(service, id_of(ended))).deadline_at == at("12 17:00")
