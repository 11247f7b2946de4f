"""The recent sweep: finds what the broker lost, whatever pages, errors and slow transactions come in between."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from shared import audit, ops, outbox
from tests.integration.shared.spine import Spine
from tests.simulation.postgres import fact_of


@pytest.fixture(autouse=True)
def _nothing_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "IN_FLIGHT", timedelta(0))


async def test_the_loss_of_a_dossiers_last_event_is_found_and_repaired(pair: Spine) -> None:
    dossier_id = await pair.born()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    await pair.sweep("workflow")
    last = await pair.say("intake", dossier_id, "last")
    await pair.sweep("workflow")
    assert await pair.holds("workflow") == [(dossier_id, "intake", last.seq)]
    await pair.fetch("workflow")
    assert await pair.seq("workflow", dossier_id, "intake") == last.seq
    assert await pair.holds("workflow") == []


async def test_a_dossier_the_broker_never_brought_is_found(pair: Spine) -> None:
    ids = {await pair.born() for _ in range(3)}
    await pair.sweep("workflow")
    await pair.fetch("workflow")
    assert {event.dossier_id for event in pair.ears["workflow"].heard} == ids


async def test_many_pages_miss_nothing_while_rows_move(pair: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 3)
    ids = [await pair.born() for _ in range(10)]

    async def move() -> None:
        for dossier_id in ids * 3:
            await pair.say("intake", dossier_id, "moves")
        ids.append(await pair.born())

    moving = asyncio.create_task(move())
    for _ in range(4):
        await pair.sweep("workflow")
    await moving
    await pair.sweep("workflow")
    await pair.fetch("workflow")
    assert {one: await pair.seq("workflow", one, "intake") for one in ids} == {**dict.fromkeys(ids, 4), ids[-1]: 1}


async def test_what_was_recorded_before_a_sweep_and_committed_after_it_is_found_by_the_next(pair: Spine) -> None:
    dossier_id = await pair.born()
    await pair.sweep("workflow")
    async with pair.service("intake").sessions.begin() as session:
        head = await outbox.lock_head(session, dossier_id)
        outbox.publish(session, head, fact_of("intake", "slow"))
        await session.flush()
        for _ in range(3):
            await pair.sweep("workflow")
    await pair.sweep("workflow")
    assert await pair.holds("workflow") == [(dossier_id, "intake", 2)]


async def test_a_source_that_is_away_is_recorded_and_its_sweep_goes_on_where_it_was(pair: Spine) -> None:
    await pair.sweep("workflow")
    (before,) = await pair.rows("workflow", "SELECT covers_until FROM sweep")
    there = pair.settings["workflow"].intake_url
    pair.service("workflow").settings.intake_url = "http://127.0.0.1:9"
    dossier_id = await pair.born()
    await pair.sweep("workflow")
    (failed,) = (await pair.ask("workflow", "GET", "/v1/convergence")).json()["sweeps"]
    assert failed["error"]
    (kept,) = await pair.rows("workflow", "SELECT covers_until FROM sweep")
    assert kept == before
    pair.service("workflow").settings.intake_url = there
    await pair.sweep("workflow")
    assert await pair.holds("workflow") == [(dossier_id, "intake", 1)]
    (mended,) = (await pair.ask("workflow", "GET", "/v1/convergence")).json()["sweeps"]
    assert mended["error"] is None


async def test_a_long_history_is_pulled_in_parts_until_all_of_it_is_there(pair: Spine) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ops, "PULL_LIMIT", 3)
        ids = [await pair.born() for _ in range(5)]
        for dossier_id in ids:
            for n in range(4):
                await pair.say("intake", dossier_id, str(n))
        await pair.sweep("workflow")
        for _ in range(12):
            await pair.fetch("workflow")
    assert [await pair.seq("workflow", one, "intake") for one in ids] == [5] * 5
    assert await pair.holds("workflow") == []


async def test_a_hold_that_a_cut_answer_did_not_reach_is_due_again_at_once(pair: Spine) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ops, "PULL_LIMIT", 1)
        for _ in range(8):
            await pair.born()
        await pair.sweep("workflow")
        for _ in range(6):
            await pair.fetch("workflow")
        left = await pair.rows("workflow", "SELECT max(next_try_at) - clock_timestamp() AS pause FROM hold")
    assert left[0].pause < timedelta(seconds=2)


async def test_a_source_that_answers_nonsense_keeps_no_other_from_being_swept(pair: Spine) -> None:
    sweep = pair.service("workflow").sweep
    sweep.sources = ["sla", "intake"]
    # a stranger listens on the port of sla: it answers 200 and JSON, but not that of /v1/heads
    pair.service("workflow").settings.sla_url = pair.settings["intake"].url("intake") + "/healthz?"
    dossier_id = await pair.born()
    with suppress(KeyError):
        await pair.sweep("workflow")
    assert await pair.holds("workflow") == [(dossier_id, "intake", 1)]


async def test_a_sweep_finds_that_a_ledger_tells_another_history(pair: Spine) -> None:
    dossier_id = await pair.born()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    await pair.rows("workflow", "UPDATE head SET intake_chain = intake_chain # 1")
    await pair.sweep("workflow")
    (parked,) = (await pair.ask("workflow", "GET", "/v1/parked")).json()["items"]
    assert (parked["dossier_id"], parked["reason"]) == (str(dossier_id), "fork")


async def test_heads_are_for_systems_and_ops_only(pair: Spine) -> None:
    for path in ("/v1/heads", f"/v1/heads/{UUID(int=1)}", "/v1/reference"):
        assert (await pair.ask("intake", "GET", path, role="portal")).status_code == 403
        assert (await pair.call("intake", "GET", path)).status_code == 401


async def test_a_token_that_a_peer_refuses_is_asked_for_again(pair: Spine) -> None:
    tokens = pair.service("workflow").tokens
    await tokens.headers()
    tokens._token = "no.longer.good"  # noqa: S105 - as if the issuer had changed its keys
    await pair.sweep("workflow")
    assert (await tokens.headers())["Authorization"] != "Bearer no.longer.good"


async def test_a_sweep_claims_no_instant_that_an_open_transaction_may_still_carry(pair: Spine) -> None:
    began = pair.service("intake").clock.now()
    async with pair.service("intake").sessions.begin() as session:
        await session.execute(text("SELECT 1"))
        await pair.sweep("workflow")
    assert pair.service("workflow").sweep.complete_until["intake"] < began
