"""What sla says of clocks is seen in inboxes: a leg is not due while the clock stands, and due later after it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared import worktime
from shared.clock import Clock
from shared.events import sla
from shared.events.workflow import LegOffered
from tests.integration.workflow.support import World
from tests.support import stand

LAND = "H99.VPDK"
DAY_OFF = {"date": "2026-10-07", "kind": "off", "document": "12/QĐ-TTg (giả định)", "name": "Nghỉ đột xuất"}


def october(text: str) -> datetime:
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-10-{day}T{clock}:00+07:00")


def suspended(no: int, ground: str = "supplement") -> sla.ClockSuspended:
    return sla.ClockSuspended(suspension_no=no, ground=ground, citation="x", from_at=october("06 08:00"))


def resumed(no: int, still: str | None = None) -> sla.ClockResumed:
    return sla.ClockResumed(
        suspension_no=no, ground="supplement", excluded_minutes=900, restarts=False, still_suspended_by=still
    )


async def inbox(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "officer", LAND)).json()[
        "items"
    ]
    return items


async def test_a_stretch_that_is_done_at_once_is_due_from_the_instant_that_its_fact_has(world: World) -> None:
    """Done again after a restore it has the same deadline: that of an instant before could lie a minute earlier."""
    clock = Clock(october("05 08:00"), datetime.now(UTC), 1_000_000)
    world.service.clock = world.service.sessions.info["clock"] = clock
    dossier = await world.accept(channel="online")
    query = "SELECT offered_at, due_at FROM leg WHERE dossier_id = :id AND leg_no = 1"
    [leg] = await world.rows(query, id=dossier)
    calendar = world.service.references.latest("calendar", "VN")
    begins = calendar.start_for_forwarding(leg.offered_at, electronic=True)
    half_a_day = worktime.Limit(amount=Decimal("0.5"), unit=worktime.Unit.WORKING_DAYS)
    assert leg.due_at == worktime.due_at(begins, half_a_day, calendar, from_moment=True).due_at


async def test_a_leg_whose_clock_stands_is_behind_and_not_overdue(world: World) -> None:
    standing, running = await world.accept(), await world.accept()
    due = (await world.open_legs(standing))["appraisal"]["due_at"]
    await world.tell_as("sla", standing, suspended(1))
    assert [(one["dossier_id"], one["suspended_ground"]) for one in await inbox(world)] == [
        (str(running), None),
        (str(standing), "supplement"),
    ]
    stand(world.service, october("12 08:00"))
    assert [one["is_overdue"] for one in await inbox(world)] == [True, False]
    seen = await world.see(standing)
    assert (seen["suspended_ground"], seen["suspended_since"]) == ("supplement", "2026-10-06T08:00:00+07:00")
    assert (await world.open_legs(standing))["appraisal"]["due_at"] == due  # until sla says how long it stood


async def test_what_was_overdue_before_its_clock_stood_stays_so(world: World) -> None:
    dossier = await world.accept()
    later = suspended(1).model_copy(update={"from_at": october("09 08:00")})
    await world.tell_as("sla", dossier, later)
    stand(world.service, october("12 08:00"))
    assert [one["is_overdue"] for one in await inbox(world)] == [True]


async def test_it_is_due_again_when_the_last_suspension_is_over(world: World) -> None:
    dossier, other = await world.accept(), await world.accept()
    before = (await world.open_legs(dossier))["appraisal"]
    for fact in (suspended(1), suspended(2, "inspection"), resumed(1, "inspection")):
        await world.tell_as("sla", dossier, fact)
    assert (await inbox(world))[1]["suspended_ground"] == "inspection"
    to_at = october("12 13:45")
    await world.tell_as("sla", dossier, resumed(2))
    await world.tell_as("sla", dossier, sla.LegDeadlineMoved(leg_no=2, from_at=before["due_at"], to_at=to_at))
    after = (await world.open_legs(dossier))["appraisal"]
    assert (after["due_at"], after["version"]) == (to_at.isoformat(), before["version"])  # an officer's If-Match holds
    assert [(one["dossier_id"], one["suspended_ground"]) for one in await inbox(world)] == [
        (str(other), None),
        (str(dossier), None),
    ]
    assert (await world.see(dossier))["suspended_since"] is None


async def test_a_leg_that_is_the_span_itself_is_due_all_the_same(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    leg = (await world.open_legs(dossier))["tax"]
    await world.tell_as("sla", dossier, suspended(1, leg["excluded_ground"]))
    stand(world.service, october("30 08:00"))
    tax = leg["agency_code"]
    (item,) = (await world.call("GET", f"/v1/agencies/{tax}/inbox", "officer", tax)).json()["items"]
    assert (item["suspended_ground"], item["is_overdue"]) == (leg["excluded_ground"], True)


async def test_legs_to_come_are_due_by_the_calendar_that_counts_now(world: World) -> None:
    ours, theirs = await world.accept(), await world.accept()
    calendar = world.service.references.get("calendar", "VN", 1).data.model_dump(mode="json")
    changed = {
        **calendar,
        "version": 2,
        "document": DAY_OFF["document"],
        "overrides": [*calendar["overrides"], DAY_OFF],
    }
    await world.add("calendar", changed)
    counted = sla.ClockRecalculated(
        calendar="VN@2", document=DAY_OFF["document"], from_at=october("15 17:00"), to_at=october("16 17:00")
    )
    await world.tell_as("sla", ours, counted)
    assert [await offered_tax(world, dossier) for dossier in (ours, theirs)] == [
        ("VN@2", "2026-10-09T08:00:00+07:00"),  # Tue, Thu, and what is left of three days on Fri
        ("VN@1", "2026-10-08T08:00:00+07:00"),
    ]


async def offered_tax(world: World, dossier: UUID) -> tuple[str | None, str]:
    await world.work(dossier, "appraisal", "slip_sent")
    said = (await world.facts(dossier))[-1]
    assert isinstance(said, LegOffered)
    return said.calendar, (await world.open_legs(dossier))["tax"]["due_at"]
