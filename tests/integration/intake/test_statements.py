"""How many statements a command or a batch costs, and that they do not change with its size."""

from typing import Any

import pytest
from sqlalchemy import select

from services.intake.models import TimelineEvent
from shared.events import workflow
from shared.timeline import Event
from tests.integration.intake.support import accepted, pay, read, said_by, tell
from tests.integration.intake.test_payments import issued
from tests.integration.intake.test_people import PEOPLE
from tests.integration.intake.test_reception import command, submit
from tests.support import World, statements

REASON = {"reason_code": "own-wish"}
SUPPLEMENT = {"ground": "incomplete", "component_codes": ["GCN"], "note": ""}
COMMANDS: dict[str, tuple[int, dict[str, Any]]] = {
    "accept": (3, {}),
    "refuse": (2, {"json": REASON}),
    "withdraw": (2, {"json": REASON}),
    "request-supplement": (2, {"json": SUPPLEMENT}),
}


@pytest.mark.parametrize("verb", COMMANDS)
async def test_a_command_locks_once_and_writes_once(intake: World, verb: str) -> None:
    """Accepting has its code counter besides."""
    n_expected, given = COMMANDS[verb]
    made = (await submit(intake)).json()
    with statements(intake.service("intake")) as sent:
        assert (await command(intake, made["id"], verb, 1, **given)).status_code == 200
    assert len(sent) == n_expected, sent


async def test_payments_and_results_cost_no_more(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, issued(3, "TB-1"), issued(3, "TB-2"))
    with statements(intake.service("intake")) as sent:
        assert (await pay(intake, dossier_id, "TB-1", 100)).status_code == 200
    assert len(sent) == 3, sent  # with the look at its Idempotency-Key
    await pay(intake, dossier_id, "TB-2", 100)
    await tell(intake, dossier_id, workflow.RouteCompleted(outcome="granted"))
    tag = (await read(intake, dossier_id)).headers["ETag"]
    with statements(intake.service("intake")) as sent:
        assert (await command(intake, str(dossier_id), "return-result", tag, json={})).status_code == 200
    assert len(sent) == 2, sent


async def test_the_rarer_commands_read_one_thing_more(intake: World) -> None:
    dossier_id = await accepted(intake)
    await tell(intake, dossier_id, workflow.LegAcknowledged(leg_no=1))
    with statements(intake.service("intake")) as sent:
        fee = {"notice_no": "PHI-1", "amount": 1}
        assert (await command(intake, str(dossier_id), "request-payment", 3, json=fee)).status_code == 200
    assert len(sent) == 2, sent
    await command(intake, str(dossier_id), "request-supplement", 4, json=SUPPLEMENT)
    with statements(intake.service("intake")) as sent:
        given = {"components": [{"code": "GCN", "n_originals": 1}]}
        assert (await command(intake, str(dossier_id), "supplement", 5, json=given)).status_code == 200
    assert len(sent) == 3, sent
    with statements(intake.service("intake")) as sent:
        path, headers = f"/v1/dossiers/{dossier_id}/applicant", {"If-Match": '"6"'}
        token = intake.issuer.token("portal")
        assert (await intake.call("intake", "PUT", path, token=token, headers=headers, json=PEOPLE)).is_success
    assert len(sent) == 3, sent


async def batch(intake: World, size: int) -> list[Event]:
    dossiers = [await accepted(intake) for _ in range(size)]
    return [(await said_by(intake, one, [workflow.LegAcknowledged(leg_no=1)]))[0] for one in dossiers]


async def test_a_batch_costs_the_same_statements_whatever_its_size(intake: World) -> None:
    seen = []
    for size in (1, 2, 7):
        events = await batch(intake, size)
        with statements(intake.service("intake")) as sent:
            assert await intake.service("intake").inbox.apply(events) == size
        seen.append([one for one in sent if "FROM dossier" in one or "timeline_event" in one])
    assert seen[0] == seen[1] == seen[2]
    assert sum("INSERT INTO timeline_event" in one for one in seen[0]) == 1


async def test_facts_of_others_are_kept_byte_for_byte(intake: World) -> None:
    dossier_id = await accepted(intake)
    facts = [workflow.LegAssigned(leg_no=1, officer="Đ'1\n\"{}\\"), workflow.LegAcknowledged(leg_no=1)]
    events = await said_by(intake, dossier_id, facts)
    await intake.service("intake").inbox.apply(events)
    query = select(TimelineEvent).where(TimelineEvent.dossier_id == dossier_id).order_by(TimelineEvent.seq)
    async with intake.service("intake").sessions() as session:
        rows = list(await session.scalars(query))
    assert [Event(**{name: getattr(row, name) for name in Event._fields}) for row in rows] == events
