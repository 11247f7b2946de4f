"""Taxes determined anew after the leg was over: an incident with both notices, and one command takes theirs over."""

from collections import deque
from datetime import date
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, text

from services.workflow.consumers import consumer
from services.workflow.handlers.again import AGAIN
from shared.events.workflow import LegCompleted, TaxNoticeIssued
from shared.outbox import to_event
from shared.retrace import Recall, Retrace
from shared.tables import EventRow
from tests.integration.workflow.support import World
from tests.integration.workflow.test_hearing import AMOUNT, NOTICES, NUMBER, said
from tests.integration.workflow.test_lifecycle import paid
from tests.integration.workflow.test_observing import incidents

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
    refused = await take_over(world, incident)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert await world.names(dossier) == before
    assert [one["id"] for one in await incidents(world)] == [incident["id"]]


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
