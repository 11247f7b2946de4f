"""Whose officers stop a clock and let it run again: those who have to do with the dossier now."""

import httpx
import pytest
from sqlalchemy import func, select

from services.sla.models import RefusedSuspension
from shared.events.workflow import LegCancelled, LegRefused
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, completed, offered, tell
from tests.integration.sla.test_api import LAWFUL, ask, suspend
from tests.support import World

BRANCH, CANCELLED, OVER = "H99.CNVPDK.01", "H99.CNVPDK.02", "H99.02"
OLD_TAX = "H99.71.CCT"
"""Ended on 30 June 2025; its successor is TAX."""


async def crowded(running: World) -> str:
    """Return the path of a dossier that the land office holds; its branch has a leg beside, others had one."""
    story = Story()
    story.begin("2 09:00")
    story.both("3 08:00", offered(1, OVER), offered(2, TAX), offered(3, CANCELLED))
    story.both("3 09:00", completed(1), LegRefused(leg_no=2, reason_code="x"), LegCancelled(leg_no=3, reason_code="x"))
    story.both("3 10:00", offered(4, OFFICE), offered(5, BRANCH))
    await tell(running.service("sla"), story.events)
    return f"/v1/dossiers/{story.dossier_id}"


async def let_run(running: World, path: str, agency: str, language: str = "vi") -> httpx.Response:
    headers = {"If-Match": '"2"', "Accept-Language": language}
    return await ask(running, "POST", f"{path}/suspensions/1/end", json={}, headers=headers, agency=agency)


@pytest.mark.parametrize("agency", [UNIT, OFFICE, BRANCH])
async def test_the_receiving_unit_the_holder_and_who_has_an_open_leg_suspend(running: World, agency: str) -> None:
    assert (await suspend(running, await crowded(running), LAWFUL, agency=agency)).status_code == 201


@pytest.mark.parametrize("body", [LAWFUL, {}])
@pytest.mark.parametrize("agency", [OVER, TAX, CANCELLED])
async def test_who_has_no_open_leg_may_not_suspend_whatever_the_ground_and_is_not_counted(
    running: World, agency: str, body: dict[str, str]
) -> None:
    path = await crowded(running)
    for language, words in (("vi", "Chỉ cơ quan đang giữ hồ sơ"), ("en", "only the agency that holds the dossier")):
        headers = {"If-Match": '"1"', "Accept-Language": language}
        refused = await ask(running, "POST", f"{path}/suspensions", json=body, headers=headers, agency=agency)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.json()["detail"].startswith(words)
    async with running.service("sla").sessions() as session:
        counted = select(func.count()).where(RefusedSuspension.agency_code == agency)
        assert await session.scalar(counted) == 0


@pytest.mark.parametrize("agency", [UNIT, OFFICE, BRANCH])
async def test_who_opened_it_the_holder_and_the_receiving_unit_end_a_suspension(running: World, agency: str) -> None:
    path = await crowded(running)
    await suspend(running, path, LAWFUL, agency=BRANCH)
    assert (await let_run(running, path, agency)).status_code == 200


@pytest.mark.parametrize("agency", [OVER, TAX, CANCELLED, BRANCH])
async def test_nobody_else_ends_a_suspension(running: World, agency: str) -> None:
    path = await crowded(running)
    await suspend(running, path, LAWFUL, agency=OFFICE)
    for language, words in (("vi", "Chỉ cơ quan đã tạm dừng"), ("en", "only the agency that opened the suspension")):
        refused = await let_run(running, path, agency, language)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.json()["detail"].startswith(words)


async def test_a_successor_ends_what_the_agency_that_ended_has_opened(running: World) -> None:
    story = Story()
    story.begin("2 09:00")
    story.both("3 08:00", offered(1, OFFICE), offered(2, OLD_TAX))
    service, path = running.service("sla"), f"/v1/dossiers/{story.dossier_id}"
    await tell(service, story.events)
    assert (await suspend(running, path, LAWFUL, agency=OLD_TAX)).status_code == 201
    story.both("9 08:00", completed(2))
    await tell(service, story.events[-1:])
    assert (await let_run(running, path, TAX)).status_code == 200
