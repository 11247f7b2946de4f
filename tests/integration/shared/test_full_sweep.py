"""The full sweep: proof that everything was applied; what was not is found, whatever the other detectors missed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared import full_sweep
from tests.integration.shared.spine import Spine


@pytest.fixture(autouse=True)
def _everything_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_sweep, "SETTLED_AFTER", timedelta(0))


async def bring(pair: Spine, *ids: UUID) -> None:
    """Let workflow apply everything intake has said about some dossiers."""
    for dossier_id in ids:
        await pair.service("workflow").inbox.apply(await pair.ledger("intake", dossier_id))


async def sweep(pair: Spine) -> Any:
    """Let workflow sweep intake; return what ``GET /v1/convergence`` shows of it."""
    assert await pair.service("workflow").full_sweep.sweep("intake")
    shown = (await pair.ask("workflow", "GET", "/v1/convergence")).json()
    (seen,) = [one for one in shown["sweeps"] if (one["peer"], one["kind"]) == ("intake", "full")]
    return seen


async def test_equal_histories_leave_nothing_to_look_into(pair: Spine) -> None:
    ids = [await pair.born() for _ in range(20)]
    await bring(pair, *ids)
    seen = await sweep(pair)
    assert (seen["n_compared"], seen["n_behind"], seen["found"], seen["error"]) == (20, 0, [], None)


async def test_what_was_never_brought_is_found_pulled_and_shown(pair: Spine) -> None:
    ids = [await pair.born() for _ in range(10)]
    await bring(pair, *ids[2:])
    last = await pair.say("intake", ids[2], "the last word")
    seen = await sweep(pair)
    assert {(one["dossier_id"], one["why"]) for one in seen["found"]} == {(str(one), "behind") for one in ids[:3]}
    await pair.fetch("workflow")
    assert await pair.seq("workflow", ids[2], "intake") == last.seq
    assert (await sweep(pair))["found"] == []


async def test_another_history_here_is_a_fork_and_stands_still(pair: Spine) -> None:
    ids = [await pair.born() for _ in range(5)]
    await bring(pair, *ids)
    await pair.rows("workflow", "UPDATE head SET intake_chain = intake_chain + 1 WHERE dossier_id = :id", id=ids[3])
    assert [(one["dossier_id"], one["why"]) for one in (await sweep(pair))["found"]] == [(str(ids[3]), "fork")]
    assert await pair.parked("workflow") == [ids[3]]


async def test_a_source_whose_ledger_lost_something_is_proved_to_have(pair: Spine) -> None:
    dossier_id = await pair.born()
    await pair.say("intake", dossier_id, "lost in the restore")
    await bring(pair, dossier_id)
    first = (await pair.ledger("intake", dossier_id))[0]
    await pair.rows("intake", "DELETE FROM event WHERE dossier_id = :id AND seq = 2", id=dossier_id)
    restored = "UPDATE head SET intake_seq = 1, intake_chain = :chain WHERE dossier_id = :id"
    await pair.rows("intake", restored, id=dossier_id, chain=first.chain)
    assert [one["why"] for one in (await sweep(pair))["found"]] == ["ahead"]
    assert await pair.parked("workflow") == [dossier_id]


async def test_what_moved_lately_raises_no_alarm(pair: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_sweep, "SETTLED_AFTER", timedelta(seconds=60))
    ids = [await pair.born() for _ in range(6)]
    await bring(pair, *ids[:3])
    await pair.say("intake", ids[0])
    seen = await sweep(pair)
    assert (seen["n_compared"], seen["found"]) == (0, [])
    assert await pair.holds("workflow") == []


async def test_a_source_that_is_away_is_recorded_and_asked_again_soon(pair: Spine) -> None:
    there = pair.service("workflow")
    assert not await there.full_sweep.sweep("notify")
    shown = (await pair.ask("workflow", "GET", "/v1/convergence")).json()
    assert [one["error"] for one in shown["sweeps"] if one["peer"] == "notify"] == ["notify: ConnectError"]
