"""What the facts of the other services do to a dossier in intake, in whatever order they arrive."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake import repository
from services.intake.models import Dossier
from shared.events import sla, workflow
from shared.events.base import Fact
from shared.timeline import SOURCES, Event
from tests.integration.intake.support import accepted, said_by, tell
from tests.integration.intake.test_reception import command
from tests.support import World

AT = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
WORKFLOW: list[Fact] = [
    workflow.LegAcknowledged(leg_no=1),
    workflow.TaxNoticeIssued(leg_no=3, notice_no="TB-1", amount=1_500_000),
    workflow.TaxNoticeIssued(leg_no=7, notice_no="TB-2", amount=1_250_000),
    workflow.RouteCompleted(outcome="granted"),
]
NOTHING_DUE: list[Fact] = [
    *WORKFLOW[:2],
    workflow.LegCompleted(leg_no=7, outcome="no_tax_due", voids_notices=True),
    WORKFLOW[-1],
]
SLA: list[Fact] = [
    sla.ClockSuspended(suspension_no=1, ground="tax_determination", citation="-"),
    sla.ClockResumed(suspension_no=1, ground="tax_determination", excluded_minutes=450, restarts=False),
    sla.DeadlineMoved(from_at=AT, to_at=AT, reason="tax_determination", citation="-"),
]


async def state_of(intake: World, dossier_id: UUID) -> dict[str, Any]:
    async with intake.service("intake").sessions() as session:
        dossier = await session.get_one(Dossier, dossier_id)
        notices = await repository.notices(session, dossier)
    names = ("status", "status_before", "appointment_at", "suspended_ground", "outcome", "version", "n_notices")
    to_pay = {one.notice_no: one.amount for one in notices if one.voided_at is None}
    return {name: getattr(dossier, name) for name in names} | {"notices": to_pay}


def interleavings(first: list[Event], second: list[Event]) -> Iterator[list[Event]]:
    """Yield every order of the events of two services that keeps each service's own."""
    n = len(first) + len(second)
    for places in combinations(range(n), len(first)):
        left, right = iter(first), iter(second)
        yield [next(left) if at in places else next(right) for at in range(n)]


@pytest.mark.parametrize(
    ("said", "stands"), [(WORKFLOW, ({"TB-2": 1_250_000}, 2)), (NOTHING_DUE, ({}, 1))], ids=["notices", "nothing-due"]
)
async def test_every_order_of_crossing_facts_leads_to_the_same_dossier(
    intake: World, said: list[Fact], stands: tuple[dict[str, int], int]
) -> None:
    """One by one or all in one batch: of two tax determinations the second stands, also if it found nothing due."""
    orders = len(list(interleavings([None] * len(said), [None] * len(SLA))))  # type: ignore[list-item]
    states = []
    for at in range(orders):
        dossier_id = await accepted(intake)
        ways = interleavings(await said_by(intake, dossier_id, said), await said_by(intake, dossier_id, SLA))
        events = next(way for number, way in enumerate(ways) if number == at)
        for batch in [events] if at % 2 else [[event] for event in events]:
            await intake.service("intake").inbox.apply(batch)
        states.append(await state_of(intake, dossier_id))
    assert len(states) == 35
    assert all(state == states[0] for state in states)
    assert (states[0]["status"], states[0]["outcome"], states[0]["appointment_at"]) == ("resolved", "granted", AT)
    assert (states[0]["notices"], states[0]["n_notices"]) == stands


async def test_facts_that_come_after_the_end_are_moot_and_none_is_refused(intake: World) -> None:
    dossier_id = await accepted(intake)
    events = [*await said_by(intake, dossier_id, WORKFLOW), *await said_by(intake, dossier_id, SLA)]
    await command(intake, str(dossier_id), "withdraw", 2, json={"reason_code": "own-wish"})
    assert await intake.service("intake").inbox.apply(events) == len(events)
    assert (await state_of(intake, dossier_id))["status"] == "withdrawn"


async def test_a_tax_notice_that_crosses_a_supplement_request_waits_behind_it(intake: World) -> None:
    dossier_id = await accepted(intake)
    events = await said_by(intake, dossier_id, WORKFLOW[:2])
    ask = {"ground": "incomplete", "component_codes": ["GCN"], "note": "Bổ sung bản gốc"}
    await command(intake, str(dossier_id), "request-supplement", 2, json=ask)
    await intake.service("intake").inbox.apply(events)
    waiting = await state_of(intake, dossier_id)
    assert (waiting["status"], waiting["notices"]) == ("supplement_requested", {"TB-1": 1_500_000})
    given = {"components": [{"code": "GCN", "n_originals": 1}]}
    done = await command(intake, str(dossier_id), "supplement", waiting["version"], json=given)
    assert done.json()["status"] == "payment_requested"


async def test_a_request_that_the_end_of_processing_overtook_is_not_the_one_that_is_met_later(intake: World) -> None:
    dossier_id = await accepted(intake)
    ask = {"ground": "incomplete", "component_codes": ["GCN"], "note": "Bổ sung bản gốc"}
    await command(intake, str(dossier_id), "request-supplement", 2, json=ask)
    await tell(intake, dossier_id, workflow.RouteCompleted(outcome="granted"))
    given = {"components": [{"code": "GCN", "n_originals": 1}]}
    bodies: dict[str, Any] = {"reopen": {"reason_code": "x"}, "request-supplement": ask, "supplement": given}
    for version, (verb, body) in enumerate(bodies.items(), 4):
        done = await command(intake, str(dossier_id), verb, version, json=body)
        assert done.status_code == 200, done.text
    query = text("SELECT received_at IS NOT NULL FROM supplement_request WHERE dossier_id = :id ORDER BY request_no")
    async with intake.service("intake").sessions() as session:
        assert list(await session.scalars(query, {"id": dossier_id})) == [False, True]


async def test_the_timeline_shows_every_fact_of_every_service_in_causal_order(intake: World) -> None:
    dossier_id = await accepted(intake)
    await intake.service("intake").inbox.apply(await said_by(intake, dossier_id, WORKFLOW))
    officer = intake.issuer.token("officer", agency="H99.01")
    seen = (await intake.call("intake", "GET", f"/v1/dossiers/{dossier_id}/timeline", token=officer)).json()["items"]
    assert [item["time"] for item in seen] == sorted(item["time"] for item in seen)
    assert {item["source"] for item in seen} <= set(SOURCES)
    names = [item["type"].split(".")[2] for item in seen]
    assert names[:2] == ["DossierSubmitted", "DossierAccepted"]
    assert names.index("TaxNoticeIssued") < names.index("PaymentRequested")
    assert names.count("RouteCompleted") == 1
