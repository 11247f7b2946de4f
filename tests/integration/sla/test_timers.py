"""Timers on PostgreSQL: fired once, only on complete and undisturbed histories, and withdrawn if history disagrees."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select

from services.sla import handlers, jobs, repository
from services.sla.models import Timer
from shared.events.workflow import RouteCompleted
from shared.service import Service
from shared.tables import HeadRow, Hold, Parked
from tests.integration.sla.rows import clock, instants, names, said
from tests.integration.sla.story import OFFICE, TAX, Story, at, completed, offered, sla_on, tell
from tests.support import Databases

DUE = "12 17:00"


@pytest.fixture
async def empty(sla: Service) -> Service:
    """Sla with no timer left of the other tests."""
    async with sla.sessions.begin() as session:
        await session.execute(delete(Timer))
    return sla


async def running(service: Service) -> Story:
    """Return a dossier that is due on Thu 12 March 17:00 and held by the land registration office."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    await tell(service, story.events)
    return story


def always(_: UUID, __: datetime) -> bool:
    return True


async def fire(service: Service, now: str, complete: handlers.Complete = always) -> int:
    async with service.sessions.begin() as session:
        return (await handlers.fire_timers(session, at(now), complete)).n_fired


async def missed(service: Service, story: Story) -> list[str]:
    facts = await said(service, story.dossier_id)
    return [name for name in names(facts) if name.startswith("Deadline")]


async def test_a_warning_comes_when_a_quarter_is_left_and_then_the_miss(empty: Service) -> None:
    story = await running(empty)
    assert await fire(empty, "10 16:59") == 0
    assert await fire(empty, "10 17:00") == 1  # 2 of 8 days: Wed 11, Thu 12
    assert await fire(empty, "12 16:59") == 0
    assert await fire(empty, "12 17:01") == 1
    assert await fire(empty, "13 17:00") == 0
    facts = [(name, data) for name, data in await said(empty, story.dossier_id) if name.startswith("Deadline")]
    assert names(facts) == ["DeadlineApproaching", "DeadlineMissed"]
    assert (facts[0][1]["remaining_minutes"], facts[0][1]["holder_agency_code"]) == (900, OFFICE)
    assert instants(facts[1][1], "deadline_at") == (at(DUE),)


async def test_after_a_long_sleep_there_is_no_stale_warning(empty: Service) -> None:
    story = await running(empty)
    await fire(empty, "20 08:00")
    assert await missed(empty, story) == ["DeadlineMissed"]


async def test_a_suspended_dossier_misses_nothing(empty: Service) -> None:
    story = await running(empty)
    story.both("6 10:00", completed(1), offered(2, TAX, "tax_determination"))
    await tell(empty, story.events[-2:])
    assert await fire(empty, "30 17:00") == 0


async def test_a_forgotten_suspension_is_asked_about_once(empty: Service) -> None:
    story = await running(empty)
    story.both("6 10:00", completed(1), offered(2, TAX, "tax_determination"))
    await tell(empty, story.events[-2:])
    async with empty.sessions.begin() as session:
        assert (await handlers.fire_timers(session, at("6 10:00") + timedelta(days=29), always)).n_fired == 0
    for days in (31, 60):
        async with empty.sessions.begin() as session:
            await handlers.fire_timers(session, at("6 10:00") + timedelta(days=days), always)
    asked = [data for name, data in await said(empty, story.dossier_id) if name == "SuspensionForgotten"]
    assert asked == [{"suspension_no": 20002, "holder_agency_code": TAX}]


async def test_of_several_suspensions_each_is_asked_about_in_its_turn(empty: Service) -> None:
    story = await running(empty)
    story.both("6 10:00", offered(2, TAX, "tax_determination"))
    story.both("9 10:00", offered(3, None, "financial_obligation"), offered(4, TAX, "expert_examination"))
    await tell(empty, story.events[-3:])
    n_asked = []
    for days in (30, 31, 33, 34, 200):
        async with empty.sessions.begin() as session:
            await handlers.fire_timers(session, at("6 10:01") + timedelta(days=days), always)
        n_asked.append([d["suspension_no"] for n, d in await said(empty, story.dossier_id) if "Forgotten" in n])
    assert n_asked[0] == [20002]
    assert n_asked[-1] == [20002, 20003, 20004]


async def test_one_suspension_may_follow_another_within_one_batch(empty: Service) -> None:
    story = await running(empty)
    story.both("6 10:00", completed(1), offered(2, TAX, "tax_determination"))
    await tell(empty, story.events[-2:])
    story.both("9 10:00", completed(2), offered(3, None, "financial_obligation"))
    await tell(empty, story.events[-2:])
    async with empty.sessions.begin() as session:
        await handlers.fire_timers(session, at("9 10:00") + timedelta(days=31), always)
    asked = [data["suspension_no"] for name, data in await said(empty, story.dossier_id) if "Forgotten" in name]
    assert asked == [20003]


async def test_a_suspension_that_ended_is_not_asked_about(empty: Service) -> None:
    story = await running(empty)
    story.both("6 10:00", completed(1), offered(2, TAX, "tax_determination"))
    story.both("9 10:00", completed(2))
    await tell(empty, story.events[-3:])
    async with empty.sessions.begin() as session:
        await handlers.fire_timers(session, at("6 10:00") + timedelta(days=40), always)
    assert "SuspensionForgotten" not in names(await said(empty, story.dossier_id))


async def test_a_finished_dossier_misses_nothing(empty: Service) -> None:
    story = await running(empty)
    story.both("12 17:00", completed(1), RouteCompleted(outcome="granted"))
    await tell(empty, story.events[-2:])
    assert await fire(empty, "30 17:00") == 0


async def test_a_moved_deadline_has_timers_of_its_own(empty: Service) -> None:
    story = await running(empty)
    await fire(empty, "10 17:00")
    story.both("11 10:00", completed(1), offered(2, TAX, "tax_determination"))
    story.both("12 10:00", completed(2))
    await tell(empty, story.events[-3:])
    # Used Tue 3 – Tue 10 (6 days) and Wed 150; left 750: Fri 13 450, the last 300 on Mon 16.
    assert (await clock(empty, story.dossier_id)).deadline_at == at("16 17:00")
    assert await fire(empty, "12 17:01") == 1  # the warning: a quarter is left since Thu 12, 17:00
    assert await fire(empty, "16 17:01") == 1
    assert await missed(empty, story) == [
        "DeadlineApproaching",
        "DeadlineMoved",
        "DeadlineApproaching",
        "DeadlineMissed",
    ]


async def test_two_workers_fire_a_timer_once(empty: Service) -> None:
    stories = [await running(empty) for _ in range(30)]
    fired = await asyncio.gather(*(fire(empty, "12 17:01") for _ in range(4)))
    fired.append(await fire(empty, "12 17:01"))  # what a locked head kept from everybody
    assert sum(fired) == 60  # the stale warning is closed beside each miss
    for story in stories:
        assert await missed(empty, story) == ["DeadlineMissed"]


async def test_a_head_that_is_locked_is_passed_over(empty: Service) -> None:
    busy, free = await running(empty), await running(empty)
    async with empty.sessions.begin() as other:
        await other.scalar(select(HeadRow).where(HeadRow.dossier_id == busy.dossier_id).with_for_update())
        await fire(empty, "12 17:01")
        assert (await missed(empty, busy), await missed(empty, free)) == ([], ["DeadlineMissed"])
    await fire(empty, "12 17:01")
    assert await missed(empty, busy) == ["DeadlineMissed"]


@pytest.mark.parametrize("table", [Hold, Parked])
async def test_a_dossier_that_is_not_in_step_waits(empty: Service, table: type[Hold] | type[Parked]) -> None:
    story = await running(empty)
    row = {"dossier_id": story.dossier_id, "source": "workflow"}
    more = {"wanted_seq": 2} if table is Hold else {
        "id": uuid4(), "seq": 2, "type": "x", "reason": "poison", "error": "x", "n_tries": 3
    }  # fmt: skip
    async with empty.sessions.begin() as session:
        await session.execute(insert(table).values(**row, **more))
    assert await fire(empty, "13 17:00") == 0
    async with empty.sessions.begin() as session:
        await session.execute(delete(table))
    await fire(empty, "13 17:00")
    assert await missed(empty, story) == ["DeadlineMissed"]


async def test_a_hold_that_comes_after_the_look_is_seen_under_the_lock(empty: Service) -> None:
    story = await running(empty)
    async with empty.sessions.begin() as session:
        due = await repository.due_timers(session, at("12 17:01"), None, 10)
        async with empty.sessions.begin() as other:
            await other.execute(insert(Hold).values(dossier_id=story.dossier_id, source="workflow", wanted_seq=2))
        heads, armed = await repository.lock_due(session, due)
    async with empty.sessions.begin() as session:
        await session.execute(delete(Hold))
    assert (len(due), list(heads), armed) == (2, [story.dossier_id], [])


async def test_an_incomplete_history_waits_and_stops_no_other(empty: Service) -> None:
    unknown, known = await running(empty), await running(empty)
    await fire(empty, "12 17:01", lambda dossier_id, _: dossier_id == known.dossier_id)
    assert (await missed(empty, unknown), await missed(empty, known)) == ([], ["DeadlineMissed"])


async def test_completeness_is_asked_for_the_due_instant(empty: Service) -> None:
    story = await running(empty)
    assert await fire(empty, "12 17:05", lambda _, until: until <= at("12 16:59")) == 1  # the stale warning only
    assert await missed(empty, story) == []


async def test_a_miss_that_history_disproves_is_withdrawn(empty: Service) -> None:
    story = await running(empty)
    await fire(empty, "12 17:01")
    story.both("12 16:30", completed(1), RouteCompleted(outcome="granted"))  # became known only now
    await tell(empty, story.events[-2:])
    assert await missed(empty, story) == ["DeadlineMissed", "DeadlineMissWithdrawn"]
    ended = await clock(empty, story.dossier_id)
    assert (ended.verdict, ended.missed_deadlines) == ("on_time", [])


async def test_a_miss_stands_when_the_dossier_ends_late(empty: Service) -> None:
    story = await running(empty)
    await fire(empty, "12 17:01")
    story.both("13 09:00", completed(1), RouteCompleted(outcome="granted"))
    await tell(empty, story.events[-2:])
    assert await missed(empty, story) == ["DeadlineMissed"]
    assert (await clock(empty, story.dossier_id)).verdict == "late"


async def test_a_miss_is_withdrawn_when_the_clock_stood_still_then(empty: Service) -> None:
    story = await running(empty)
    await fire(empty, "12 17:01")
    story.both("11 09:00", completed(1), offered(2, TAX, "tax_determination"))
    await tell(empty, story.events[-2:])
    assert await missed(empty, story) == ["DeadlineMissed", "DeadlineMissWithdrawn"]
    assert (await clock(empty, story.dossier_id)).status == "suspended"
    assert await fire(empty, "30 17:00") == 0


async def test_a_page_of_timers_that_must_wait_does_not_keep_others_waiting(
    empty: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sla.handlers.timers.PAGE", 2)
    stories = sorted([await running(empty) for _ in range(3)], key=lambda story: story.dossier_id)
    free = stories[-1]
    monkeypatch.setattr(jobs, "complete", lambda _, dossier_id, __: dossier_id == free.dossier_id)
    while await jobs.fire_timers(empty):
        pass
    assert [await missed(empty, story) for story in stories] == [[], [], ["DeadlineMissed"]]


async def test_lanes_fire_page_beside_page_and_every_timer_once(
    empty: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sla.handlers.timers.PAGE", 4)
    monkeypatch.setattr(jobs, "complete", lambda *_: True)
    stories = [await running(empty) for _ in range(20)]

    async def lane() -> None:
        while await jobs.fire_timers(empty):
            pass

    await asyncio.gather(*(lane() for _ in range(jobs.LANES)))
    assert [await missed(empty, story) for story in stories] == [["DeadlineMissed"]] * 20


async def test_without_broker_and_sweep_nothing_is_complete(databases: Databases) -> None:
    async with sla_on(databases) as service:
        dossier_id, until = uuid4(), at("12 17:00")
        assert not jobs.complete(service, dossier_id, until)
        service.sweep.complete_until = dict.fromkeys(service.sweep.sources, at("12 17:01"))
        assert jobs.complete(service, dossier_id, until)
        service.sweep.complete_until["workflow"] = at("12 16:59")
        assert not jobs.complete(service, dossier_id, until)
