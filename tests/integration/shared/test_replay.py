"""Replay: what the ledgers of others have and was not applied here is, once; what contradicts them is listed."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.audit import IN_FLIGHT
from shared.replay import Range, replay
from tests.integration.shared.spine import Spine


async def test_what_was_written_since_an_instant_is_applied_once(pair: Spine) -> None:
    first, second = await pair.born(), await pair.born()
    await pair.say("intake", first, "second")
    workflow = pair.service("workflow")
    await workflow.inbox.apply((await pair.ledger("intake", first))[:1])
    await asyncio.sleep(IN_FLIGHT.total_seconds() + 0.1)  # what was written a moment ago is on its way
    since = Range(("intake",), since=datetime.now(UTC) - timedelta(hours=1))
    report = await replay(workflow, since)
    assert (sorted(report.done), report.n_events) == (sorted([first, second]), 2)
    assert [await pair.seq("workflow", one, "intake") for one in (first, second)] == [2, 1]
    again = await replay(workflow, since)
    assert (again.done, again.n_events, again.failed) == ([], 0, {})
    assert len(pair.ears["workflow"].heard) == 3


async def test_one_dossier_is_replayed_and_no_other(pair: Spine) -> None:
    first, second = await pair.born(), await pair.born()
    report = await replay(pair.service("workflow"), Range(("intake",), dossier_id=first))
    assert (report.done, report.n_events) == ([first], 1)
    assert [await pair.seq("workflow", one, "intake") for one in (first, second)] == [1, 0]


async def test_a_history_that_contradicts_its_ledger_is_listed(pair: Spine) -> None:
    dossier_id = await pair.born()
    workflow = pair.service("workflow")
    await workflow.inbox.apply(await pair.ledger("intake", dossier_id))
    await pair.rows("workflow", "UPDATE head SET intake_chain = intake_chain + 1 WHERE dossier_id = :id", id=dossier_id)
    report = await replay(workflow, Range(("intake",), dossier_id=dossier_id))
    assert list(report.failed) == [dossier_id]
    assert "contradicts" in "\n".join(report.lines())
