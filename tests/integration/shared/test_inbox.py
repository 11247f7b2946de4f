"""Holds, parked dossiers and their retry: what can not be applied yet waits alone, and comes in step afterwards."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from shared import db
from shared import session as waiting
from shared.inbox import want
from shared.outbox import new_dossier_id
from tests.integration.shared.spine import Bug, Spine, spine
from tests.support import Databases, Issuer


async def test_a_poison_event_parks_only_its_dossier(pair: Spine) -> None:
    bad, good = await pair.born(), await pair.born()
    later = await pair.say("intake", bad, "later")
    pair.ears["workflow"].fails[bad] = Bug("the words of a bug")
    events = [*await pair.ledger("intake", bad), *await pair.ledger("intake", good)]
    await pair.service("workflow").inbox.apply(events)
    assert await pair.parked("workflow") == [bad]
    assert [event.dossier_id for event in pair.ears["workflow"].heard] == [good]
    assert await pair.holds("workflow") == [(bad, "intake", later.seq)]


async def test_retrying_a_parked_dossier_brings_it_in_step(pair: Spine) -> None:
    dossier_id = await pair.born()
    pair.ears["workflow"].fails[dossier_id] = Bug()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    later = await pair.say("intake", dossier_id, "later")
    await pair.service("workflow").inbox.apply([later])
    listed = (await pair.ask("workflow", "GET", "/v1/parked")).json()["items"]
    assert [(one["dossier_id"], one["seq"], one["reason"]) for one in listed] == [(str(dossier_id), 1, "poison")]
    pair.ears["workflow"].fails.clear()
    answer = await pair.ask("workflow", "POST", f"/v1/parked/{listed[0]['id']}/retry")
    assert answer.status_code == 200, answer.text
    await pair.service("workflow").fetch.tick()
    assert await pair.seq("workflow", dossier_id, "intake") == later.seq
    assert (await pair.holds("workflow"), await pair.parked("workflow")) == ([], [])
    assert (await pair.ask("workflow", "POST", f"/v1/parked/{listed[0]['id']}/retry")).status_code == 404


async def test_a_retry_that_fails_again_parks_again_and_nothing_is_lost(pair: Spine) -> None:
    dossier_id = await pair.born()
    pair.ears["workflow"].fails[dossier_id] = Bug()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    (parked,) = (await pair.ask("workflow", "GET", "/v1/parked")).json()["items"]
    await pair.ask("workflow", "POST", f"/v1/parked/{parked['id']}/retry")
    await pair.fetch("workflow")
    assert await pair.parked("workflow") == [dossier_id]
    assert await pair.holds("workflow") == [(dossier_id, "intake", 1)]


async def test_a_dossier_that_parks_again_keeps_the_instant_since_which_it_stands_still(pair: Spine) -> None:
    dossier_id = await pair.born()
    pair.ears["workflow"].fails[dossier_id] = Bug()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    (parked,) = (await pair.ask("workflow", "GET", "/v1/parked")).json()["items"]
    await pair.ask("workflow", "POST", f"/v1/parked/{parked['id']}/retry")
    await pair.fetch("workflow")
    (again,) = (await pair.ask("workflow", "GET", "/v1/parked")).json()["items"]
    assert (again["id"], again["since"]) == (parked["id"], parked["since"])


async def test_the_next_start_tries_parked_dossiers_again(pair: Spine) -> None:
    dossier_id = await pair.born()
    pair.ears["workflow"].fails[dossier_id] = Bug()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    pair.ears["workflow"].fails.clear()
    await pair.service("workflow").start("worker")
    await pair.service("workflow").fetch.tick()
    assert await pair.seq("workflow", dossier_id, "intake") == 1


async def test_what_is_held_or_parked_for_a_minute_is_shown_as_not_in_step(pair: Spine) -> None:
    held, stuck = await pair.born(), await pair.born()
    second = await pair.say("intake", held, "second")
    pair.ears["workflow"].fails[stuck] = Bug()
    await pair.service("workflow").inbox.apply([second, *await pair.ledger("intake", stuck)])
    fresh = (await pair.ask("workflow", "GET", "/v1/convergence")).json()
    assert (fresh["held"], fresh["parked"], fresh["not_in_step"]) == (2, 1, [])
    for table in ("hold", "parked"):
        await pair.rows("workflow", f"UPDATE {table} SET since = since - interval '61 seconds'")
    shown = (await pair.ask("workflow", "GET", "/v1/convergence", role="leader")).json()["not_in_step"]
    assert {(one["dossier_id"], one["why"]) for one in shown} == {
        (str(held), "held"), (str(stuck), "held"), (str(stuck), "poison"),
    }  # fmt: skip
    assert (await pair.ask("workflow", "GET", "/v1/convergence", role="portal")).status_code == 403


async def test_a_gap_is_filled_from_the_ledger_and_its_hold_goes(pair: Spine) -> None:
    dossier_id = await pair.born()
    events = [await pair.say("intake", dossier_id, str(n)) for n in range(3)]
    await pair.service("workflow").inbox.apply(events[-1:])
    assert await pair.holds("workflow") == [(dossier_id, "intake", 4)]
    await pair.fetch("workflow")
    assert [event.seq for event in pair.ears["workflow"].heard] == [1, 2, 3, 4]
    assert await pair.holds("workflow") == []


async def test_a_spoiled_copy_is_read_again_from_the_ledger(pair: Spine) -> None:
    dossier_id = await pair.born()
    (event,) = await pair.ledger("intake", dossier_id)
    await pair.service("workflow").inbox.apply([event._replace(data=event.data + b" ")])
    assert await pair.seq("workflow", dossier_id, "intake") == 0
    await pair.fetch("workflow")
    assert pair.ears["workflow"].heard == [event]
    assert await pair.holds("workflow") == []


async def test_a_hold_that_is_satisfied_already_goes_at_the_next_fetch(pair: Spine) -> None:
    """As when the sweep reads a head, the reader steps it, and the sweep then writes its hold."""
    dossier_id = await pair.born()
    await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    async with pair.service("workflow").sessions.begin() as session:
        await want(session, {(dossier_id, "intake"): 1})
    await pair.fetch("workflow")
    assert await pair.holds("workflow") == []


async def test_a_number_that_the_source_never_gave_is_not_waited_for_for_ever(pair: Spine) -> None:
    dossier_id = await pair.born()
    (event,) = await pair.ledger("intake", dossier_id)
    await pair.service("workflow").inbox.apply([event._replace(seq=99)])
    await pair.fetch("workflow")
    await pair.fetch("workflow")
    assert await pair.seq("workflow", dossier_id, "intake") == 1
    assert await pair.holds("workflow") == []


async def test_a_number_too_large_for_the_database_stops_no_other_dossier(pair: Spine) -> None:
    dossier_id, other = await pair.born(), await pair.born()
    (event,) = await pair.ledger("intake", dossier_id)
    await pair.service("workflow").inbox.apply([event._replace(seq=2**31), *await pair.ledger("intake", other)])
    assert await pair.seq("workflow", other, "intake") == 1


async def test_a_repeat_with_a_spoiled_chain_is_no_fork(pair: Spine) -> None:
    dossier_id = await pair.born()
    (event,) = await pair.ledger("intake", dossier_id)
    await pair.service("workflow").inbox.apply([event])
    await pair.service("workflow").inbox.apply([event._replace(chain=event.chain ^ 1)])
    await pair.fetch("workflow")
    assert (await pair.parked("workflow"), await pair.holds("workflow")) == ([], [])


@pytest.mark.parametrize("error", [FileNotFoundError("a template"), PermissionError("a folder")])
async def test_a_handlers_missing_file_parks_its_dossier_and_no_other(pair: Spine, error: OSError) -> None:
    bad, good = await pair.born(), await pair.born()
    pair.ears["workflow"].fails[bad] = error
    events = [*await pair.ledger("intake", bad), *await pair.ledger("intake", good)]
    await pair.service("workflow").inbox.apply(events)
    assert await pair.parked("workflow") == [bad]


async def test_a_batch_too_long_for_one_transaction_is_applied_in_parts(
    databases: Databases, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "LONGEST_TRANSACTION_SECONDS", 1)
    async with spine(databases, issuer) as running:
        ids = [await running.born() for _ in range(8)]
        running.ears["workflow"].seconds = 0.2
        events = [event for one in ids for event in await running.ledger("intake", one)]
        await running.service("workflow").inbox.apply_in_time(events)
        assert [await running.seq("workflow", one, "intake") for one in ids] == [1] * 8


@pytest.mark.parametrize(("n_freezes", "is_parked"), [(1, False), (9, True)])
async def test_a_process_that_stood_still_in_a_transaction_has_met_no_poison(
    databases: Databases, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, n_freezes: int, is_parked: bool
) -> None:
    monkeypatch.setattr(db, "LONGEST_TRANSACTION_SECONDS", 1)
    async with spine(databases, issuer) as running:
        dossier_id = await running.born()
        running.ears["workflow"].n_freezes = n_freezes
        await running.service("workflow").inbox.apply_in_time(await running.ledger("intake", dossier_id))
        assert await running.parked("workflow") == [dossier_id] * is_parked


async def test_a_pool_without_a_free_connection_is_no_poison(
    databases: Databases, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LONGEST_WAIT_SECONDS", 0.05)
    async with spine(databases, issuer, db_pool_size=1) as running:
        service = running.service("workflow")
        dossier_id = await running.born()
        events = await running.ledger("intake", dossier_id)
        async with service.sessions() as session:
            await session.execute(text("SELECT 1"))
            with pytest.raises(TimeoutError) as raised:
                await service.inbox.apply(events)
        assert db.is_transient(raised.value)


async def test_connection_errors_are_raised_and_park_nothing(pair: Spine) -> None:
    dossier_id = await pair.born()
    pair.ears["workflow"].fails[dossier_id] = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))
    assert await pair.parked("workflow") == []


async def test_a_cancelled_transaction_leaves_nothing_for_the_next_user_of_its_connection(
    databases: Databases, issuer: Issuer
) -> None:
    """Connections go back without a reset: every transaction has to end by itself, also when its task is cancelled."""
    async with spine(databases, issuer, db_pool_size=1) as running:
        sessions = running.service("workflow").sessions

        async def unfinished() -> None:
            async with sessions.begin() as session:
                await session.execute(text("INSERT INTO head (dossier_id) VALUES (:id)"), {"id": UUID(int=7)})
                await session.execute(text("SELECT pg_sleep(30)"))

        for moment in (0.001, 0.01, 0.05, 0.2):
            task = asyncio.create_task(unfinished())
            await asyncio.sleep(moment)
            task.cancel()
            await asyncio.wait([task])
            await running.rows("workflow", "SELECT 1")
            assert await running.rows("workflow", "SELECT * FROM head") == []


async def test_an_answer_published_in_reaction_carries_the_correlation_id_of_the_request(pair: Spine) -> None:
    dossier_id = UUID((await _submit(pair, "first-request"))["dossier_id"])
    (asked,) = await pair.ledger("intake", dossier_id)
    assert asked.correlation_id == "first-request"
    await pair.service("workflow").inbox.apply([asked])
    (answer,) = await pair.ledger("workflow", dossier_id)
    assert (answer.correlation_id, answer.traceparent) == ("first-request", TRACEPARENT)
    await pair.service("intake").inbox.apply([answer])
    assert pair.ears["intake"].heard == [answer]


TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


async def _submit(pair: Spine, correlation_id: str) -> dict[str, str]:
    dossier_id = new_dossier_id(datetime.now(UTC))
    headers = {"X-Correlation-Id": correlation_id, "traceparent": TRACEPARENT}
    path = f"/v1/said/{dossier_id}?what=ask workflow"
    answer = await pair.ask("intake", "POST", path, headers=headers)
    assert (answer.status_code, answer.headers["X-Correlation-Id"]) == (201, correlation_id), answer.text
    return {"dossier_id": str(dossier_id)}
