"""The successor of an agency that has ended does what that one can do no more."""

import pytest

from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, offered, tell
from tests.integration.sla.test_api import ask
from tests.support import World

OLD_UNIT, OLD_TAX = "H99.71", "H99.71.CCT"
"""Ended on 30 June 2025; the successors are UNIT and TAX."""


async def inherited(running: World) -> str:
    """Return the path of a dossier that only agencies have had that have ended."""
    story = Story()
    story.begin("2 09:00", unit=OLD_UNIT)
    story.both("3 08:00", offered(1, OLD_TAX))
    await tell(running.service("sla"), story.events)
    return f"/v1/dossiers/{story.dossier_id}"


@pytest.mark.parametrize(("agency", "status"), [(UNIT, 200), (TAX, 200), (OLD_TAX, 200), (OFFICE, 404)])
async def test_a_successor_sees_the_clocks_of_the_agency_that_ended(running: World, agency: str, status: int) -> None:
    path = await inherited(running)
    for view in ("clock", "clock/explanation"):
        assert (await ask(running, "GET", f"{path}/{view}", agency=agency)).status_code == status
    due = (await ask(running, "GET", "/v1/clocks?limit=200", agency=agency)).json()["items"]
    assert (path.rsplit("/", maxsplit=1)[-1] in {one["dossier_id"] for one in due}) == (status == 200)


@pytest.mark.parametrize("agency", [UNIT, TAX])
async def test_a_successor_apologises_in_its_own_name(running: World, agency: str) -> None:
    path = await inherited(running)
    body = {"reason": "Hồ sơ chuyển giao khi sắp xếp đơn vị", "new_due_on": "2026-03-17"}
    answer = await ask(running, "POST", f"{path}/apologies", json=body, headers={"If-Match": '"1"'}, agency=agency)
    assert answer.status_code == 201, answer.text
    assert [one["agency_code"] for one in answer.json()["apologies"]] == [agency]
