"""A new version that ends before the deadline of some clock: that one is left and named, and stops no other."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.service import Service
from shared.worktime import Calendar
from tests.integration.sla.rows import clock, names, said
from tests.integration.sla.story import at, on_a_monday, told
from tests.integration.sla.test_api import ask, id_of
from tests.integration.sla.test_calendars import change, progress, work
from tests.support import Databases, Issuer, World

LAST = "2027-12-31T17:00:00+07:00"
"""The close of the last day that VN covers."""


@pytest.fixture
async def running(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla on a database of its own, on the clock of Monday 9 March 2026, 9:00."""
    async with on_a_monday(databases, issuer) as made:
        yield made


async def told_of_the_last_day(running: World) -> str:
    """Return the path of a dossier that is due on the last day that the calendar covers: one day off is too many."""
    calendar: Calendar = running.service("sla").references.latest("calendar", "VN")
    end = calendar.close_of_day(calendar.data.covers_to)
    return await told(running, days=calendar.n_working_days_to(end) - calendar.n_working_days_to(at("2 09:00")))


async def versions(service: Service, *paths: str) -> list[int]:
    return [(await clock(service, id_of(path))).calendar_version for path in paths]


async def left(running: World, answer: httpx.Response) -> list[dict[str, Any]]:
    path = f"/v1/recalculations/{answer.json()['id']}/left"
    found: list[dict[str, Any]] = (await ask(running, "GET", path, role="ops")).json()["items"]
    return found


async def test_a_clock_that_a_version_does_not_reach_stops_no_other(running: World) -> None:
    service = running.service("sla")
    paths = [await told(running), await told_of_the_last_day(running), await told(running)]
    asked = await change(running)
    await work(service)
    done = await progress(running, asked)
    assert [done[name] for name in ("n_open", "n_moved", "n_left")] == [3, 2, 1]
    assert done["finished_at"] is not None
    assert await versions(service, *paths) == [2, 1, 2]
    assert await left(running, asked) == [{"dossier_id": str(id_of(paths[1])), "stays_at": LAST}]
    assert names(await said(service, id_of(paths[1]))) == ["ClockStarted"]
    moved = await ask(running, "GET", f"/v1/recalculations/{done['id']}/moved", role="ops")
    assert {item["dossier_id"] for item in moved.json()["items"]} == {str(id_of(paths[0])), str(id_of(paths[2]))}


async def test_a_dry_run_says_which_clocks_a_version_does_not_reach(running: World) -> None:
    paths = [await told_of_the_last_day(running), await told(running)]
    asked = await change(running, query="?dry_run=true")
    await work(running.service("sla"))
    done = await progress(running, asked)
    assert ([done[name] for name in ("n_open", "n_moved", "n_left")], done["finished_at"] is None) == ([2, 1, 1], False)
    assert await left(running, asked) == [{"dossier_id": str(id_of(paths[0])), "stays_at": LAST}]


async def test_a_whole_page_of_such_clocks_keeps_nobody_waiting(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sla.handlers.calendars.PAGE", 2)
    service = running.service("sla")
    short = [await told_of_the_last_day(running) for _ in range(3)]
    behind = await told(running)
    asked = await change(running)
    await work(service)
    assert await versions(service, *short, behind) == [1, 1, 1, 2]
    assert (await progress(running, asked))["n_left"] == 3


async def test_the_next_version_that_reaches_further_brings_them_along(running: World) -> None:
    service = running.service("sla")
    path = await told_of_the_last_day(running)
    await change(running)
    await work(service)
    longer = await change(running, {"document": "15/QĐ (giả định)", "covers_to": "2028-12-31"})
    assert longer.status_code == 202, longer.text
    await work(service)
    assert await versions(service, path) == [3]
    assert (await progress(running, longer))["n_left"] == 0
    # Fri 31/12/2027 is used up by the day off in March; 1/1/2028 is a Saturday.
    assert (await ask(running, "GET", f"{path}/clock")).json()["deadline_at"] == "2028-01-03T17:00:00+07:00"
