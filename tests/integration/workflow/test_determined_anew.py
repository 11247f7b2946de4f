"""Taxes determined anew after the leg was over: an incident with both notices, and one command takes theirs over."""

from collections import deque
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select, text

from services.workflow.consumers import consumer
from services.workflow.handlers.again import AGAIN
from shared.events.workflow import LegCompleted, TaxNoticeIssued
from shared.outbox import to_event
from shared.retrace import Recall, Retrace
from shared.tables import EventRow
from tests.integration.workflow.support import NOW, World
from tests.integration.workflow.test_exchange import answer, as_system, lease
from tests.integration.workflow.test_hearing import AMOUNT, NOTICES, NUMBER, said
from tests.integration.workflow.test_lifecycle import paid
from tests.integration.workflow.test_looking import looks
from tests.integration.workflow.test_observing import code_of, incidents, resolve

NEW = [{"notice_no": "TB-10", "amount": AMOUNT + 1, "due_on": "2026-12-31"}]


async def determined_anew(world: World) -> tuple[UUID, dict[str, Any]]:
    """Return a dossier whose taxes were determined, and then with other notices, and the incident about it."""
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_completed", "a", outcome="slip_sent")
    await said(world, "tax", dossier, "leg_completed", "b", outcome="notice_issued", notices=NOTICES)
    await said(world, "tax", dossier, "leg_completed", "c", outcome="notice_issued", notices=NEW)
    (incident,) = await incidents(world)
    return dossier, incident


async def take_over(world: World, incident: dict[str, Any]) -> httpx.Response:
    body = {"action": "take_over", "note": "đã hỏi cơ quan thuế"}
    return await world.call("POST", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)


async def test_notices_that_hold_instead_are_taken_over_by_one_command_and_the_applicants_stretch_goes_on(
    world: World,
) -> None:
    dossier, incident = await determined_anew(world)
    payment = (await world.open_legs(dossier))["payment"]
    assert (await take_over(world, incident)).status_code == 200
    assert await world.open_legs(dossier) == {"payment": payment}
    assert (await world.see(dossier))["unpaid_notices"] == ["TB-10"]
    *_, ended, issued = await world.facts(dossier)
    assert isinstance(ended, LegCompleted)
    assert (ended.leg_no, ended.automatic and ended.automatic.step_code) == (payment["leg_no"] + 1, "tax")
    assert issued == TaxNoticeIssued(
        leg_no=ended.leg_no, notice_no="TB-10", amount=AMOUNT + 1, due_on=date(2026, 12, 31)
    )
    assert await said(world, "tax", dossier, "leg_completed", "d", outcome="notice_issued", notices=NEW) == (
        "moot", "completed_before",
    )  # fmt: skip
    await world.tell(dossier, paid("TB-10"))
    assert list(await world.open_legs(dossier)) == ["payment-proof"]
    assert (await take_over(world, incident)).status_code == 409


async def test_notices_are_not_taken_over_once_everything_is_paid(world: World) -> None:
    dossier, incident = await determined_anew(world)
    await world.tell(dossier, paid(NUMBER))
    before = await world.names(dossier)
    await refused(world, incident)
    assert await world.names(dossier) == before
    assert [one["id"] for one in await incidents(world)] == [incident["id"]]


async def refused(world: World, incident: dict[str, Any]) -> None:
    answer = await take_over(world, incident)
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")


async def back_at_tax(world: World, dossier: UUID) -> None:
    """Send a dossier whose notices were paid back to the tax office."""
    await world.tell(dossier, paid(NUMBER))
    proof = (await world.act(dossier, (await world.open_legs(dossier))["payment-proof"], "acknowledge")).json()
    back = await world.act(dossier, proof, "return", reason_code="wrong_area", to_step_code="tax")
    assert back.status_code == 200, back.text
    assert list(await world.open_legs(dossier)) == ["tax"]


async def test_notices_of_before_a_new_determination_are_not_taken_over(world: World) -> None:
    dossier, incident = await determined_anew(world)
    await back_at_tax(world, dossier)
    await refused(world, incident)
    newest = [{"notice_no": "TB-11", "amount": AMOUNT}]
    await world.work(dossier, "tax", "notice_issued", notices=newest)
    await refused(world, incident)
    assert (await world.see(dossier))["unpaid_notices"] == ["TB-11"]


async def slip_taken(world: World) -> tuple[UUID, dict[str, Any]]:
    """Return a dossier whose slip the tax gateway has taken, and how a determination says that it answers it."""
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_completed", "a", outcome="slip_sent")
    (slip,) = await lease(world, "tax")
    await answer(world, "tax", slip, "taken")
    return dossier, {"delivery_id": slip["id"], "outcome": "notice_issued"}


async def test_a_determination_that_was_overtaken_on_its_way_is_looked_at_and_let_go(world: World) -> None:
    dossier, about = await slip_taken(world)
    assert (await shown(world, dossier, "new", "callback", **about, notices=NEW))[0] == "applied"
    assert (await shown(world, dossier, "old", "callback", **about, notices=NOTICES))[0] == "conflict"
    [look] = await looks(world, "tax")
    assert look["id"] == about["delivery_id"]
    assert await shown(world, dossier, "new", "read", **about, notices=NEW) == ("applied", "")
    assert await incidents(world) == []
    assert (await world.see(dossier))["unpaid_notices"] == ["TB-10"]


async def shown(
    world: World, dossier: UUID, message_id: str, how: str, *, delivery_id: str, **data: Any
) -> tuple[str, str]:
    """Bring what tax says, or shows, about one delivery."""
    body = {
        "message_id": message_id, "kind": "leg_completed", "at": NOW, "data": data, "how": how,
        "delivery_id": delivery_id, "dossier_code": await code_of(world, dossier),
    }  # fmt: skip
    found = await as_system(world, "tax", "POST", "/messages", body)
    assert found.status_code == 200, found.text
    return found.json()["status"], found.json()["detail"]


async def test_what_tax_still_shows_after_it_was_dismissed_is_an_incident_again(world: World) -> None:
    dossier, about = await slip_taken(world)
    await shown(world, dossier, "old", "callback", **about, notices=NOTICES)
    for n_before in range(2):
        assert len(await incidents(world, is_open=False)) == n_before
        await shown(world, dossier, "new", "read", **about, notices=NEW)
        (incident,) = await incidents(world)
        assert incident["theirs"] == {"notices": NEW}
        await resolve(world, incident, "dismiss")
    assert await shown(world, dossier, "old", "callback", **about, notices=NOTICES) == ("applied", "")
    assert await incidents(world) == []
    await shown(world, dossier, "new", "read", **about, notices=NEW)
    (incident,) = await incidents(world)
    assert (await take_over(world, incident)).status_code == 200
    await shown(world, dossier, "new", "read", **about, notices=NEW)
    assert await incidents(world) == []


async def test_what_comes_late_of_an_earlier_slip_does_not_end_the_leg_of_a_later_one(world: World) -> None:
    dossier, about = await slip_taken(world)
    await shown(world, dossier, "read", "read", **about, notices=NOTICES)
    await back_at_tax(world, dossier)
    before = await world.names(dossier)
    assert await shown(world, dossier, "late", "callback", **about, notices=NOTICES) == ("moot", "completed_before")
    assert (await shown(world, dossier, "other", "callback", **about, notices=NEW))[0] == "conflict"
    assert await world.names(dossier) == before
    assert list(await world.open_legs(dossier)) == ["tax"]
    unknown = {**about, "delivery_id": str(uuid4())}
    assert await shown(world, dossier, "x", "callback", **unknown, notices=NEW) == ("parked", "unknown_delivery")


async def test_a_determination_that_names_a_notice_twice_is_parked_and_seen(world: World) -> None:
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_completed", "a", outcome="slip_sent")
    twice = [*NOTICES, *NOTICES]
    assert await said(world, "tax", dossier, "leg_completed", "b", outcome="notice_issued", notices=twice) == (
        "parked", "notice_twice",
    )  # fmt: skip
    assert list(await world.open_legs(dossier)) == ["tax"]


async def test_a_leg_that_ended_without_notices_is_another_conflict_and_nothing_to_take_over(world: World) -> None:
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_completed", "a", outcome="slip_sent")
    await said(world, "tax", dossier, "leg_completed", "b", outcome="no_tax_due")
    await said(world, "tax", dossier, "leg_completed", "c", outcome="no_tax_due", notices=NOTICES)
    (incident,) = await incidents(world)
    assert (incident["kind"], incident["allowed"]) == ("message", ["dismiss"])


async def test_notices_that_were_taken_over_are_so_again_after_a_restore(world: World) -> None:
    dossier, incident = await determined_anew(world)
    await take_over(world, incident)
    await world.tell(dossier, paid("TB-10"))
    async with world.service.sessions() as session:
        ledger = await session.scalars(select(EventRow).where(EventRow.dossier_id == dossier).order_by(EventRow.seq))
        own = deque(to_event("workflow", row) for row in ledger)
    state = [await world.rows(query, id=dossier) for query in WHAT_IS_DERIVED]
    async with world.service.sessions.begin() as session:
        for table in ("event", "leg", "delivery", "exchange"):
            await session.execute(text(f"DELETE FROM {table} WHERE dossier_id = :id"), {"id": dossier})
        await session.execute(text("DELETE FROM head WHERE dossier_id = :id"), {"id": dossier})
        await session.execute(text("DELETE FROM dossier WHERE id = :id"), {"id": dossier})
    foreign = {(event.source, event.seq): event for event in world.said}
    async with world.service.sessions.begin() as session:
        await Retrace(consumer, AGAIN).run(session, dossier, Recall(own, is_new=True), foreign)
    assert [await world.rows(query, id=dossier) for query in WHAT_IS_DERIVED] == state


WHAT_IS_DERIVED = (
    "SELECT unpaid_notices, paid_notices, n_legs, status FROM dossier WHERE id = :id",
    "SELECT leg_no, step_code, status, outcome, from_leg_no, version, offered_at, completed_at, data FROM leg"
    " WHERE dossier_id = :id ORDER BY leg_no",
    "SELECT seq, id, type, time, chain, data FROM event WHERE dossier_id = :id ORDER BY seq",
    "SELECT lanes FROM exchange WHERE dossier_id = :id",
)
