"""The legs of a dossier whose clock stood: their deadlines move, their minutes are net, whatever comes late."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from services.sla import handlers, jobs
from services.sla.repository.reports import Period, legs_ended
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.events.workflow import LegCancelled, LegOffered
from shared.reference import store
from shared.replay import _derive_in
from shared.service import Service
from tests.integration.sla.rows import clock, instants, said, stored
from tests.integration.sla.story import OFFICE, TAX, Story, at, completed, offered, sla_on, tell
from tests.support import Databases

DAY_OFF = {"date": "2026-03-11", "kind": "off", "document": "12/QĐ-TTg (giả định)", "name": "Nghỉ đột xuất"}
MONTH = Period(at("1 00:00"), at("31 23:59"))


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Service]:
    """Sla with empty tables."""
    async with sla_on(databases) as made:
        yield made


def asked_in_between() -> Story:
    """A leg of 675 minutes, offered Mon 2 14:00; a supplement is asked for, comes, and 90 minutes later it is done."""
    story = Story()
    story.begin()
    story.both("2 14:00", offered(1, OFFICE, minutes=675))  # due Wed 4, 8:15: 180 on Mon, 450 on Tue, 45 on Wed
    ask = SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["c"])
    story.both("3 09:00", ask)
    story.both("13 09:00", SupplementReceived(request_no=1))
    story.both("13 10:30", completed(1))  # 180 + 90 before, 90 after: 360 of 675
    return story


async def leg_of(service: Service, story: Story) -> dict[str, Any]:
    (leg,) = (await stored(service, story.dossier_id))["leg_clock"]
    return {name: datetime.fromisoformat(text) if name.endswith("_at") and text else text for name, text in leg.items()}


async def test_a_leg_stands_while_the_applicant_is_waited_for(empty: Service) -> None:
    story = asked_in_between()
    await tell(empty, story.events)
    leg = await leg_of(empty, story)
    assert (leg["first_due_at"], leg["due_at"], leg["minutes"]) == (at("4 08:15"), at("16 08:15"), 360)
    async with empty.sessions() as session:
        (figures,) = await legs_ended(session, MONTH)
    assert (figures.early, figures.on_time, figures.late, figures.median_minutes) == (1, 0, 0, 360)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_it_does_so_whenever_its_end_becomes_known(empty: Service, place: int) -> None:
    story = unheard()
    *known, end = story.events
    known.insert(len(known) - place, end)
    for event in known:
        await tell(empty, [event])
    leg = await leg_of(empty, story)
    assert (leg["due_at"], leg["minutes"], leg["ended_at"]) == (at("16 08:15"), 360, at("13 10:30"))


def unheard(*, is_offer_heard: bool = True) -> Story:
    """The same dossier; its two sources hear nothing of each other once the leg was offered, or not even of that."""
    story = Story()
    story.begin()
    story.say("2 14:00", offered(1, OFFICE, minutes=675))
    if is_offer_heard:
        story.hear()
    ask = SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["c"])
    story.say("3 09:00", ask)
    story.say("13 09:00", SupplementReceived(request_no=1))
    story.say("13 10:30", completed(1))
    return story


# Workflow is told

MOVED = "LegDeadlineMoved"


def with_deadline(calendar: str | None = "VN@1") -> LegOffered:
    """A leg offered with workflow's own deadline, Wed 11 March 9:00."""
    return offered(1, OFFICE, minutes=675).model_copy(update={"due_at": at("11 09:00"), "calendar": calendar})


async def moves(service: Service, story: Story) -> list[tuple[datetime, ...]]:
    """Return what was said of deadlines of legs, as (from, to)."""
    facts = await said(service, story.dossier_id)
    return [instants(data, "from_at", "to_at") for name, data in facts if name == MOVED and data["leg_no"] == 1]


async def test_what_a_suspension_moves_is_told_when_it_is_over(empty: Service) -> None:
    story = asked_in_between()
    told = []
    for event in story.events:
        await tell(empty, [event])
        told.append(len(await moves(empty, story)))
    assert told == [0, 0, 0, 0, 1, 1]
    assert await moves(empty, story) == [(at("4 08:15"), at("16 08:15"))]


async def test_what_becomes_known_late_is_told_too(empty: Service) -> None:
    story = unheard(is_offer_heard=False)
    *before, offer, asked, received, end = story.events
    await tell(empty, [*before, asked, received])
    assert await moves(empty, story) == []
    await tell(empty, [offer])
    assert await moves(empty, story) == [(at("4 08:15"), at("16 08:15"))]
    await tell(empty, [end])
    assert len(await moves(empty, story)) == 1


async def test_a_stretch_that_is_taken_over_meanwhile_keeps_what_stood_before(empty: Service) -> None:
    story = Story()
    story.begin()
    story.both("2 14:00", offered(1, OFFICE, minutes=675).model_copy(update={"due_at": at("4 08:15")}))
    ask = SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["c"])
    story.both("3 09:00", ask)
    taken = offered(2, TAX, minutes=675).model_copy(update={"due_at": at("4 08:15"), "step_code": "step-1"})
    story.both("6 10:00", taken, LegCancelled(leg_no=1, reason_code="agency_ended"))
    story.both("13 09:00", SupplementReceived(request_no=1))
    await tell(empty, story.events)
    _, leg = (await stored(empty, story.dossier_id))["leg_clock"]
    assert (leg["leg_no"], datetime.fromisoformat(leg["due_at"])) == (2, at("16 08:15"))  # as if nobody had ended
    facts = await said(empty, story.dossier_id)
    assert [data["to_at"] for name, data in facts if name == MOVED and data["leg_no"] == 2] == ["2026-03-16T01:15:00Z"]


async def test_a_history_of_before_is_derived_anew_without_it_and_goes_on(
    empty: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = asked_in_between()
    *before, end = story.events
    with monkeypatch.context() as then:
        then.setattr("services.sla.handlers.leg_terms.was_said", lambda *_: False)
        await tell(empty, before)
    facts = {(event.source, event.seq): event for event in before}
    async with empty.sessions.begin() as session:
        await handlers.forget(session, story.dossier_id)
        await _derive_in(session, empty, story.dossier_id, facts)
    assert await moves(empty, story) == []
    leg = await leg_of(empty, story)
    assert (leg["due_at"], leg["told_due_at"]) == (at("16 08:15"), at("4 08:15"))
    await tell(empty, [end])
    assert await moves(empty, story) == [(at("4 08:15"), at("16 08:15"))]


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [("VN@1", [(at("11 09:00"), at("12 09:00"))]), (None, [])],
    ids=["it says what it was worked out with", "it does not: nothing moves it"],
)
@pytest.mark.parametrize("is_known_first", [False, True])
async def test_a_calendar_moves_it_whichever_is_known_first(
    empty: Service, calendar: str | None, expected: list[tuple[datetime, ...]], *, is_known_first: bool
) -> None:
    story = Story()
    story.begin()
    story.both("9 09:00", with_deadline(calendar))
    *before, offer = story.events
    await tell(empty, before if is_known_first else story.events)
    await change_calendar(empty)
    if is_known_first:
        await tell(empty, [offer])
    assert await moves(empty, story) == expected


async def test_a_calendar_that_ends_before_a_legs_deadline_is_not_taken(empty: Service) -> None:
    story = Story()
    story.begin(days=2)
    story.both("9 09:00", with_deadline())
    await tell(empty, story.events)
    await change_calendar(empty, covers_to="2026-03-10")
    assert (await clock(empty, story.dossier_id)).calendar_version == 1
    assert await moves(empty, story) == []


async def change_calendar(service: Service, **changes: Any) -> None:
    """Publish a version in which Wed 11 March is off, and bring all clocks to it."""
    data = service.references.get("calendar", "VN", 1).data.model_dump(mode="json")
    changed = {**data, "version": 2, "overrides": [*data["overrides"], DAY_OFF], **changes}
    async with service.sessions.begin() as session:
        await store(session, ("calendar", "VN", 2), changed, owned=True)
    await service.references.refresh()
    while await jobs.adopt_calendars(service):
        pass
