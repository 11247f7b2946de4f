"""Histories through the real inbox on PostgreSQL: exact instants, facts that come late, any order of arrival."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from services.sla import handlers
from services.sla.consumers import consumer
from shared.events.intake import (
    DossierReopened,
    DossierStopped,
    DossierWithdrawn,
    SupplementReceived,
    SupplementRequested,
)
from shared.events.workflow import (
    LegAcknowledged,
    LegCancelled,
    LegRefused,
    LegReturned,
    RouteCompleted,
)
from shared.service import Service
from shared.timeline import Event, advance, decide
from tests.integration.sla.rows import clock, counted, instants, names, said, stored
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, at, completed, offered, tell
from tests.simulation.memory import MemoryHead


def test_every_fact_of_the_others_is_handled_or_ignored() -> None:
    assert consumer.undeclared() == set()


def land_transfer() -> Story:
    """Return a land transfer of 8 working days around tax (6–10 March) and payment (10–13 March)."""
    story = Story()
    story.begin("2 09:00")
    story.both("2 09:00", offered(1, UNIT, minutes=225))
    story.both("2 14:00", LegAcknowledged(leg_no=1), completed(1), offered(2, OFFICE, minutes=675))
    story.both("2 15:00", LegAcknowledged(leg_no=2))
    story.both("6 10:00", completed(2), offered(3, TAX, "tax_determination"))
    story.both("10 15:00", completed(3), offered(4, None, "financial_obligation"))
    story.both("13 09:00", completed(4), offered(5, OFFICE, minutes=1575))
    story.both("19 15:00", completed(5), offered(6, UNIT, minutes=225))
    story.both("19 16:00", completed(6), RouteCompleted(outcome="granted"))
    return story


async def test_a_land_transfer_moves_lawfully_twice_and_ends_early(sla: Service) -> None:
    story = land_transfer()
    await tell(sla, story.events)
    facts = await said(sla, story.dossier_id)
    assert names(facts) == [
        "ClockStarted",
        "ClockSuspended",
        "ClockResumed",
        "DeadlineMoved",
        "ClockSuspended",
        "ClockResumed",
        "DeadlineMoved",
        "ClockFinished",
    ]
    data = [data for _, data in facts]
    # 8 days after Mon 2: Tue 3 – Fri 6 (4), Mon 9 – Thu 12 (8).
    assert instants(data[0], "deadline_at") == (at("12 17:00"),)
    assert (data[1]["suspension_no"], data[1]["ground"]) == (20_003, "tax_determination")
    # Used: Tue, Wed, Thu 1,350 + Fri 6 7:30–10:00 150 = 1,500 of 3,600; 2,100 left. Tue 10 is the first day
    # after the span: Wed 11 – Mon 16 1,800, the last 300 on Tue 17.
    assert instants(data[3], "from_at", "to_at") == (at("12 17:00"), at("17 17:00"))
    assert (data[3]["reason"], data[2]["restarts"]) == ("tax_determination", False)
    # Fri 6 10:00–17:00 300, Mon 9 450, Tue 10 7:30–15:00 330.
    assert data[2]["excluded_minutes"] == 1080
    # The payment adjoins: still 2,100 left, from Mon 16: 16–19 1,800, the last 300 on Fri 20.
    assert instants(data[6], "from_at", "to_at") == (at("17 17:00"), at("20 17:00"))
    # Mon 2 9:00–17:00 360 + 1,350 + 150 = 1,860; Fri 13 9:00–17:00 360 + Mon–Wed 1,350 + Thu 7:30–16:00 390 = 2,100.
    assert (data[7]["verdict"], data[7]["elapsed_minutes"]) == ("early", 3960)


async def test_the_legs_have_clocks_of_their_own(sla: Service) -> None:
    story = land_transfer()
    await tell(sla, story.events)
    legs = {row["leg_no"]: row for row in (await stored(sla, story.dossier_id))["leg_clock"]}
    assert [legs[no]["status"] for no in range(1, 7)] == ["completed"] * 6
    # 225 min from Mon 9:00: 150 until 11:30, 75 after 13:30. 675 from Mon 14:00: 180, then 450, 45 on Wed.
    assert instants(legs[1], "due_at") == (at("2 14:45"),)
    assert instants(legs[2], "due_at", "acknowledged_at") >= (at("4 08:15"), at("2 15:00"))
    assert (legs[4]["agency_code"], legs[4]["excluded_ground"]) == (None, "financial_obligation")


async def test_one_batch_or_event_by_event_is_the_same(sla: Service) -> None:
    whole, single = land_transfer(), land_transfer()
    await tell(sla, whole.events)
    for event in single.events:
        await tell(sla, [event])
    once, each = await said(sla, whole.dossier_id), await said(sla, single.dossier_id)
    assert once == each


async def test_a_supplement_stops_the_clock_and_restarts_the_limit(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("3 09:00", SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["GCN"]))
    await tell(sla, story.events)
    suspended = await clock(sla, story.dossier_id)
    assert (suspended.status, suspended.deadline_at) == ("suspended", None)
    story.both("5 09:00", SupplementReceived(request_no=1))
    await tell(sla, story.events[-1:])
    running = await clock(sla, story.dossier_id)
    # Thu 5 does not count: Fri 6 (1), Mon 9 – Fri 13 (6), Mon 16, Tue 17 (8).
    assert (running.status, running.deadline_at) == ("running", at("17 17:00"))


async def test_a_supplement_at_reception_is_no_matter_of_the_clock(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("3 09:00", SupplementRequested(request_no=1, stage="reception", ground="x", component_codes=["GCN"]))
    story.both("4 09:00", SupplementReceived(request_no=1))
    await tell(sla, story.events)
    assert names(await said(sla, story.dossier_id)) == ["ClockStarted"]


async def test_a_ground_not_in_force_stops_nothing(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("3 09:00", offered(1, OFFICE, "waiting_for_the_boss"))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).status == "running"


ENDS = [
    ("11 16:59", "early"),  # the day before the deadline's
    ("12 00:00", "on_time"),  # its first minute
    ("12 17:00", "on_time"),  # to the minute
    ("12 17:01", "late"),
]


@pytest.mark.parametrize(("when", "verdict"), ENDS)
async def test_the_verdict_is_by_the_date_and_then_by_the_instant(sla: Service, when: str, verdict: str) -> None:
    story = Story()
    story.begin()
    story.both(when, RouteCompleted(outcome="not_granted"))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).verdict == verdict


async def test_withdrawn_while_suspended_ends_the_suspension_too(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("6 10:00", offered(1, TAX, "tax_determination"))
    story.both("9 10:00", DossierWithdrawn(reason_code="own_wish"))
    story.both("9 10:00", LegCancelled(leg_no=1, reason_code="withdrawn"))
    await tell(sla, story.events)
    facts = await said(sla, story.dossier_id)
    assert names(facts) == ["ClockStarted", "ClockSuspended", "ClockResumed", "DeadlineMoved", "ClockFinished"]
    assert facts[-1][1]["verdict"] == "early"


async def test_reopened_the_clock_runs_on_with_its_deadline(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("9 10:00", RouteCompleted(outcome="granted"))
    story.both("10 10:00", DossierReopened(reason_code="wrong_name"))
    story.both("10 10:00", offered(7, OFFICE))
    await tell(sla, story.events)
    again = await clock(sla, story.dossier_id)
    assert (again.status, again.deadline_at, again.verdict) == ("running", at("12 17:00"), None)
    assert again.holder_agency_code == OFFICE
    story.both("13 10:00", completed(7), RouteCompleted(outcome="granted"))
    await tell(sla, story.events[-2:])
    facts = await said(sla, story.dossier_id)
    assert [data["verdict"] for name, data in facts if name == "ClockFinished"] == ["early", "late"]


async def test_a_deadline_that_passed_while_the_result_was_out_is_not_called_missed(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("9 10:00", RouteCompleted(outcome="granted"))
    story.both("16 10:00", DossierReopened(reason_code="wrong_name"))
    await tell(sla, story.events)
    async with sla.sessions.begin() as session:
        await handlers.fire_timers(session, at("16 11:00"), lambda _, __: True)
    story.both("17 10:00", offered(7, OFFICE), completed(7), RouteCompleted(outcome="granted"))
    await tell(sla, story.events[-3:])
    facts = await said(sla, story.dossier_id)
    assert names(facts) == ["ClockStarted", "ClockFinished", "ClockFinished"]
    assert facts[-1][1]["verdict"] == "late"


async def test_the_holder_of_parallel_legs_is_the_first_that_counts(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, TAX, "tax_determination"))
    story.both("3 09:00", offered(2, "H99.CA.01"), offered(3, "H99.BHXH.01"))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).holder_agency_code == "H99.CA.01"
    story.both("4 09:00", completed(2))
    await tell(sla, story.events[-1:])
    assert (await clock(sla, story.dossier_id)).holder_agency_code == "H99.BHXH.01"
    story.both("4 10:00", LegReturned(leg_no=3, to_step_code="x", reason_code="y"))
    await tell(sla, story.events[-1:])
    assert (await clock(sla, story.dossier_id)).holder_agency_code == TAX


async def test_a_leg_refused_ends_its_span(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("6 10:00", offered(1, TAX, "tax_determination"))
    story.both("9 10:00", LegRefused(leg_no=1, reason_code="incomplete"))
    await tell(sla, story.events)
    # Used Tue–Thu 1,350 + 150; 2,100 left; Mon 9 does not count: Tue 10 – Fri 13 1,800, the last 300 on Mon 16.
    assert (await clock(sla, story.dossier_id)).deadline_at == at("16 17:00")


async def test_a_leg_that_is_over_at_once_costs_nothing(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("6 10:00", offered(1, None, "financial_obligation"), completed(1))
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).deadline_at == at("12 17:00")
    assert "DeadlineMoved" not in names(await said(sla, story.dossier_id))


async def test_facts_that_cross_the_end_are_kept_and_change_nothing(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("3 09:00", offered(1, OFFICE))
    story.say("9 10:00", completed(1))
    story.say("9 11:00", offered(2, TAX, "tax_determination"))
    story.say("9 10:30", DossierStopped(reason_code="law"))  # intake has not heard of either
    await tell(sla, story.events)
    facts = await said(sla, story.dossier_id)
    # the suspension was announced, and is taken back when the earlier stop becomes known
    assert names(facts) == ["ClockStarted", "ClockSuspended", "ClockResumed", "ClockFinished"]
    assert facts[2][1]["excluded_minutes"] == 0
    ended = await clock(sla, story.dossier_id)
    assert (ended.status, ended.finished_at, ended.deadline_at) == ("finished", at("9 10:30"), at("12 17:00"))
    assert (await stored(sla, story.dossier_id))["suspension"] == []


def linear_extensions(events: list[Event], head: MemoryHead) -> Iterator[list[Event]]:
    """Yield every order in which sla may come to apply *events*."""
    if not events:
        yield []
    for event in events:
        here = MemoryHead(head.dossier_id, head.time, dict(head.entries))
        if decide("sla", here, event).verdict == "apply":
            advance(here, event)
            rest = [other for other in events if other is not event]
            yield from ([event, *order] for order in linear_extensions(rest, here))


def crossing() -> Story:
    """Return a history in which intake and workflow do not hear of each other for a week."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    story.say("4 09:00", completed(1))
    story.say("4 09:00", offered(2, TAX, "tax_determination"))
    story.say("4 15:00", SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["GCN"]))
    story.say("6 09:00", completed(2))
    story.say("9 08:00", SupplementReceived(request_no=1))
    story.say("9 16:00", SupplementRequested(request_no=2, stage="processing", ground="x", component_codes=["GCN"]))
    story.say("10 08:00", offered(3, None, "financial_obligation"))
    return story


def crossing_the_end() -> Story:
    """Return a history that the applicant ends while the agencies go on."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    story.say("4 09:00", completed(1))
    story.say("4 09:30", offered(2, TAX, "tax_determination"))
    story.say("5 09:00", SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["GCN"]))
    story.say("6 09:00", completed(2))
    story.say("5 15:00", SupplementReceived(request_no=1))
    story.say("6 10:00", DossierWithdrawn(reason_code="own_wish"))
    story.say("6 11:00", RouteCompleted(outcome="granted"))
    return story


@pytest.mark.parametrize("make", [crossing, crossing_the_end])
async def test_every_order_of_arrival_ends_in_equal_rows_and_equal_last_words(
    sla: Service, make: Callable[[], Story]
) -> None:
    outcomes, finals, n_orders = [], [], 0
    model = make()
    orders = list(linear_extensions(model.events, MemoryHead(model.dossier_id)))
    for order in orders:
        story = make()
        twins = {(event.source, event.seq): event for event in story.events}
        for event in order:
            await tell(sla, [twins[event.source, event.seq]])
        rows = await stored(sla, story.dossier_id)
        outcomes.append((_without_ids(rows), await counted(sla, story.dossier_id)))
        last = dict(await said(sla, story.dossier_id))
        finals.append((last["DeadlineMoved"]["to_at"], last.get("ClockFinished")))
        n_orders += 1
    print(f"{n_orders} orders")
    assert n_orders == 35
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert all(final == finals[0] for final in finals)


def _without_ids(rows: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    stripped = {
        table: [{name: value for name, value in row.items() if name != "dossier_id"} for row in found]
        for table, found in rows.items()
    }
    return {table: sorted(found, key=str) for table, found in stripped.items()}


async def test_a_history_does_not_depend_on_seconds(sla: Service) -> None:
    story = Story()
    story.begin("2 09:00")
    assert story.events[1].time - story.events[0].time == timedelta(microseconds=1)
    await tell(sla, story.events)
    assert (await clock(sla, story.dossier_id)).first_deadline_at == at("12 17:00")
