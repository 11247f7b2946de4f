"""What sla must bear at the edges: ends that come twice, clocks set back, midnight, limits of nothing and of a year."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import httpx
import pytest
from sqlalchemy import delete, select

from services.sla import handlers
from services.sla.models import Timer
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.events.workflow import LegCancelled, RouteCompleted
from shared.service import Service
from shared.tables import EventRow
from shared.worktime import Calendar, day_end, working_minutes
from tests.integration.sla.rows import clock, names, said, stored
from tests.integration.sla.story import TAX, Story, at, completed, offered, on_a_monday, stand, tell, told
from tests.integration.sla.test_api import LAWFUL, ask, id_of, suspend
from tests.support import Databases, Issuer, World


@pytest.fixture(scope="module")
async def running(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla over HTTP; each test says what time it is."""
    async with on_a_monday(databases, issuer) as made:
        yield made


@pytest.fixture
async def sla(running: World) -> Service:
    """The same sla, with no timer left of the other tests, on Monday 9 March 2026, 9:00."""
    service = running.service("sla")
    stand(service, "9 09:00")
    async with service.sessions.begin() as session:
        await session.execute(delete(Timer))
    return service


def always(_: UUID, __: datetime) -> bool:
    return True


async def fire(service: Service, now: str) -> int:
    """Fire what is due at *now*, which is what the service's clock says too."""
    stand(service, now)
    async with service.sessions.begin() as session:
        return (await handlers.fire_timers(session, at(now), always)).n_fired


async def deadlines(service: Service, dossier_id: UUID) -> list[str]:
    return [name for name in names(await said(service, dossier_id)) if name.startswith("Deadline")]


async def end(running: World, path: str, tag: str) -> httpx.Response:
    return await ask(running, "POST", f"{path}/suspensions/1/end", json={}, headers={"If-Match": tag})


# A suspension that is ended twice


async def test_two_officers_who_end_a_suspension_at_once_end_it_once(running: World, sla: Service) -> None:
    path = await told(running)
    await suspend(running, path, LAWFUL)
    stand(sla, "10 09:00")
    answers = await asyncio.gather(*(end(running, path, '"2"') for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_done"}
    assert names(await said(sla, id_of(path))).count("ClockResumed") == 1


async def test_a_leg_and_a_supplement_that_end_twice_end_their_suspensions_once(sla: Service) -> None:
    once, twice = Story(), Story()
    for story in (once, twice):
        story.begin()
        story.both("3 09:00", SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["G"]))
        story.both("4 09:00", SupplementReceived(request_no=1))
        story.both("9 10:00", offered(1, TAX, "tax_determination"))
        story.both("10 10:00", completed(1))
    twice.both("11 10:00", LegCancelled(leg_no=1, reason_code="twice"), SupplementReceived(request_no=1))
    for story in (once, twice):
        await tell(sla, story.events)
    assert await said(sla, twice.dossier_id) == await said(sla, once.dossier_id)
    ends = [row["to_at"] for row in (await stored(sla, twice.dossier_id))["suspension"]]
    assert sorted(map(datetime.fromisoformat, ends)) == [at("4 09:00"), at("10 10:00")]


# The service's clock is set back


async def test_between_two_commands_a_clock_set_back_lets_no_time_run_backwards(running: World, sla: Service) -> None:
    path = await told(running)
    stand(sla, "9 10:00")
    await suspend(running, path, LAWFUL)
    stand(sla, "9 08:00")
    shown = (await ask(running, "GET", f"{path}/clock")).json()
    # Mon 2 from 9:00 360, Tue – Fri 1,800, Mon 9 7:30 – 10:00 150: as of the last fact, not of two hours before it.
    assert (shown["status"], shown["elapsed_minutes"]) == ("suspended", 2310)
    ended = await end(running, path, '"2"')
    assert (ended.status_code, ended.json()["deadline_at"]) == (200, "2026-03-12T17:00:00+07:00")
    (span,) = ended.json()["suspensions"]
    assert span["from_at"] <= span["to_at"]
    await follows_causes(sla, id_of(path))


async def follows_causes(service: Service, dossier_id: UUID) -> None:
    query = select(EventRow.time).where(EventRow.dossier_id == dossier_id).order_by(EventRow.seq)
    async with service.sessions() as session:
        times = list(await session.scalars(query))
    assert times == sorted(set(times))


async def test_between_two_looks_at_the_timers_a_clock_set_back_fires_nothing_twice(sla: Service) -> None:
    story = Story()
    story.begin()
    await tell(sla, story.events)
    assert [await fire(sla, now) for now in ("12 17:01", "12 08:00", "12 17:00", "13 09:00")] == [2, 0, 0, 0]
    assert await deadlines(sla, story.dossier_id) == ["DeadlineMissed"]  # the warning was stale
    await follows_causes(sla, story.dossier_id)


async def test_a_miss_by_a_clock_that_was_fast_is_taken_back(sla: Service) -> None:
    story = Story()
    story.begin()
    await tell(sla, story.events)
    await fire(sla, "12 17:01")  # it was 15:00
    stand(sla, "12 15:01")
    story.both("12 15:30", RouteCompleted(outcome="granted"))
    await tell(sla, story.events[-1:])
    assert await deadlines(sla, story.dossier_id) == ["DeadlineMissed", "DeadlineMissWithdrawn"]
    assert (await clock(sla, story.dossier_id)).verdict == "on_time"
    await follows_causes(sla, story.dossier_id)


# Midnight, and the second of the deadline

ENDS = [
    ("11 23:59:59", "early"),
    ("12 00:00:00", "on_time"),
    ("12 17:00:00", "on_time"),
    ("12 17:00:01", "late"),
    ("12 23:59:59", "late"),
]


@pytest.mark.parametrize(("when", "verdict"), ENDS)
async def test_the_verdict_turns_at_midnight_and_at_the_second_of_the_deadline(
    sla: Service, when: str, verdict: str
) -> None:
    story = Story()
    story.begin()
    story.both(when, RouteCompleted(outcome="granted"))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).verdict == verdict


async def test_a_timer_is_due_at_its_second_and_not_before(sla: Service) -> None:
    story = Story()
    story.begin()
    await tell(sla, story.events)
    times = ("10 16:59:59", "10 17:00:00", "12 16:59:59", "12 17:00:00")
    assert [await fire(sla, now) for now in times] == [0, 1, 0, 1]
    assert await deadlines(sla, story.dossier_id) == ["DeadlineApproaching", "DeadlineMissed"]


SPANS = [
    ("5 08:00:00", "5 23:59:59", "13 17:00"),  # Thu from 8:00: 420 of 450
    ("5 08:00:00", "6 00:00:00", "16 17:00"),  # ended on Friday, which is the first day after: 420 + 450
    ("6 23:59:59", "8 23:59:59", "12 17:00"),  # Saturday and Sunday: no minute of an office
    ("6 23:59:59", "9 00:00:00", "13 17:00"),  # ended on Monday, the first day after: 450
]


@pytest.mark.parametrize(("begins", "ends", "due"), SPANS)
async def test_a_suspension_belongs_to_the_days_on_whose_side_of_midnight_it_lies(
    sla: Service, begins: str, ends: str, due: str
) -> None:
    story = Story()
    story.begin()
    story.both(begins, offered(1, TAX, "tax_determination"))
    story.both(ends, completed(1))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).deadline_at == at(due)


# Limits of nothing, a quarter and a year


@pytest.mark.parametrize(("days", "due"), [(0, "2 17:00"), (0.25, "3 09:23")])
async def test_a_limit_of_hardly_anything_is_warned_of_in_order_and_missed_once(
    sla: Service, days: float, due: str
) -> None:
    story = Story()
    story.begin(days=days)
    await tell(sla, story.events)
    found = await clock(sla, story.dossier_id)
    assert (found.first_deadline_at, found.deadline_at) == (at(due), at(due))
    await fire(sla, due)
    await fire(sla, "4 09:00")
    assert await deadlines(sla, story.dossier_id) == ["DeadlineMissed"]


async def test_a_limit_of_365_working_days_has_365_working_days(sla: Service) -> None:
    story = Story()
    story.begin(days=365)
    await tell(sla, story.events)
    found = await clock(sla, story.dossier_id)
    calendar: Calendar = sla.references.latest("calendar", "VN")
    assert found.deadline_at is not None
    assert working_minutes(day_end(at("2 09:00")), found.deadline_at, calendar) == 365 * 450
    async with sla.sessions() as session:
        due = {timer.kind: timer.due_at for timer in await session.scalars(select(Timer))}
    warned_at = due["near_breach"]
    assert warned_at is not None
    assert at("2 09:00") < warned_at < found.deadline_at == due["breach"]


# A period that ends before it begins


@pytest.mark.parametrize(
    ("language", "words"), [("vi", "Ngày cuối kỳ trước ngày đầu kỳ"), ("en", "The period ends before it begins")]
)
@pytest.mark.parametrize("report", ["06", "register", "attribution", "suspensions", "apologies"])
async def test_a_period_that_ends_before_it_begins_is_refused_in_both_languages(
    running: World, report: str, language: str, words: str
) -> None:
    path, headers = f"/v1/reports/{report}?from=2026-03-31&to=2026-03-01", {"Accept-Language": language}
    answer = await ask(running, "GET", path, role="leader", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"] == [{"pointer": "query/to", "code": "before_from", "detail": words}]
