"""The legs of a dossier whose clock stood: their deadlines move, their minutes are net, whatever comes late."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from services.sla.repository.reports import Period, legs_ended
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.service import Service
from tests.integration.sla.rows import stored
from tests.integration.sla.story import OFFICE, Story, at, completed, offered, sla_on, tell
from tests.support import Databases

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


def unheard() -> Story:
    """The same dossier; its two sources hear nothing of each other once the leg was offered."""
    story = Story()
    story.begin()
    story.both("2 14:00", offered(1, OFFICE, minutes=675))
    ask = SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["c"])
    story.say("3 09:00", ask)
    story.say("13 09:00", SupplementReceived(request_no=1))
    story.say("13 10:30", completed(1))
    return story
