"""A new version goes through the open clocks page by page, each behind the last: none is skipped, none done twice."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from services.sla import handlers, jobs
from services.sla.models import Clock, Recalculation
from shared.service import Service
from tests.integration.sla.rows import names, said
from tests.integration.sla.story import OFFICE, Story, offered, on_a_monday, tell, told
from tests.integration.sla.test_api import id_of
from tests.integration.sla.test_calendars import change, progress, work
from tests.support import Databases, Issuer, World, definition_of


@pytest.fixture
async def running(databases: Databases, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Sla on a database of its own, on the clock of Monday 9 March 2026, 9:00; two clocks are a page."""
    monkeypatch.setattr("services.sla.handlers.calendars.PAGE", 2)
    async with on_a_monday(databases, issuer) as made:
        yield made


async def five(running: World) -> list[UUID]:
    """Return five dossiers whose clocks run, in their order."""
    return sorted([id_of(await told(running)) for _ in range(5)])


async def versions(service: Service) -> dict[UUID, int]:
    async with service.sessions() as session:
        return dict(list(await session.execute(select(Clock.dossier_id, Clock.calendar_version))))


async def brought_over(service: Service) -> list[UUID]:
    return sorted(dossier_id for dossier_id, version in (await versions(service)).items() if version == 2)


async def each_was_told_once(service: Service) -> bool:
    told_of = [names(await said(service, dossier_id)) for dossier_id in await versions(service)]
    return all(facts.count("ClockRecalculated") == 1 for facts in told_of)


async def counted(running: World, asked: httpx.Response) -> tuple[int, int, bool]:
    done = await progress(running, asked)
    return done["n_open"], done["n_moved"], done["finished_at"] is not None


async def test_each_page_begins_behind_the_last_and_none_is_left_out(running: World) -> None:
    service, ids = running.service("sla"), await five(running)
    asked = await change(running)
    for n in (2, 4, 5):
        await jobs.adopt_calendars(service)
        assert await brought_over(service) == ids[:n]
    await work(service)
    assert await counted(running, asked) == (5, 5, True)
    assert await each_was_told_once(service)


async def test_a_clock_that_comes_in_between_is_taken_along_wherever_it_stands(running: World) -> None:
    service, early = running.service("sla"), Story()
    ids = await five(running)
    asked = await change(running)
    await jobs.adopt_calendars(service)
    early.begin()  # accepted late, by the version before: its place is before the page that is done
    early.both("3 08:00", offered(1, OFFICE))
    await tell(service, early.events)
    late = id_of(await told(running))
    await jobs.adopt_calendars(service)
    assert await brought_over(service) == ids[:4]
    await work(service)
    assert await brought_over(service) == sorted([early.dossier_id, *ids, late])
    assert await counted(running, asked) == (7, 7, True)
    assert await each_was_told_once(service)
    async with service.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Recalculation)) == 1


async def test_what_was_interrupted_goes_on_after_a_restart(running: World) -> None:
    service, ids = running.service("sla"), await five(running)
    asked = await change(running)
    await jobs.adopt_calendars(service)
    with pytest.raises(InterruptedError):
        await _interrupted(service)
    assert await brought_over(service) == ids[:2]
    again = Service(definition_of("sla"), running.settings["sla"])
    await again.references.refresh()
    await jobs.adopt_calendars(again)
    assert await brought_over(service) == ids[:4]
    await work(again)
    await again.stop()
    assert await counted(running, asked) == (5, 5, True)
    assert await each_was_told_once(service)


async def _interrupted(service: Service) -> None:
    """Do a page and end before it is committed."""
    async with service.sessions.begin() as session:
        await handlers.adopt_newest(session)
        raise InterruptedError
