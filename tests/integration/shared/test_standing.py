"""A service restored from an old backup writes nothing; a dossier with two histories is frozen at its source."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.local.topics import make_topics
from shared.errors import DossierFrozen, RestoredFromBackup
from shared.forks import Proofs
from shared.recover import recover
from shared.service import Service
from tests.integration.shared.spine import Spine, service_of, spine
from tests.support import Databases, Issuer, eventually


@pytest.fixture
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[Spine]:
    """Intake and workflow with topics of their own."""
    prefix = f"standing-{uuid4().hex[:8]}-"
    await make_topics(databases.engines.kafka, prefix=prefix)
    async with spine(databases, issuer, kafka_prefix=prefix) as running:
        yield running


async def restore(town: Spine, service: str, dossier_id: UUID, seq: int) -> None:
    """Let a service's database be as it was when its ledger of a dossier ended with *seq*."""
    chain = (await town.ledger(service, dossier_id))[seq - 1].chain
    await town.rows(service, "DELETE FROM event WHERE dossier_id = :id AND seq > :seq", id=dossier_id, seq=seq)
    back = f"UPDATE head SET {service}_seq = :seq, {service}_chain = :chain WHERE dossier_id = :id"
    await town.rows(service, back, id=dossier_id, seq=seq, chain=chain)


async def told(town: Spine) -> UUID:
    """Return a dossier of which intake has said three things, and workflow has heard them all."""
    dossier_id = await town.born()
    for what in ("second", "third"):
        await town.say("intake", dossier_id, what)
    await town.service("workflow").inbox.apply(await town.ledger("intake", dossier_id))
    return dossier_id


async def started(town: Spine, name: str) -> Service:
    """Start a further process of a service; with a look at the others, as every start has."""
    service = service_of(town, name)
    await service.watch.begin()
    return service


async def incidents(town: Spine, service: str) -> list[dict[str, Any]]:
    """Return what ``GET /v1/convergence`` calls a person for."""
    found: list[dict[str, Any]] = (await town.ask(service, "GET", "/v1/convergence")).json()["incidents"]
    return found


async def test_a_ledger_that_holds_all_its_peers_have_goes_on(town: Spine) -> None:
    await told(town)
    service = await started(town, "intake")
    assert service.watch.state == "sound"
    await service.stop()


async def test_a_service_whose_peer_knows_more_of_it_is_read_only_and_one_incident_tells_so(town: Spine) -> None:
    dossier_id = await told(town)
    await restore(town, "intake", dossier_id, 1)
    service = await started(town, "intake")
    with pytest.raises(RestoredFromBackup):
        service.watch.require()
    (incident,) = await incidents(town, "intake")
    assert incident["kind"] == "restored_from_backup"
    assert incident["missing"] == [{"dossier_id": str(dossier_id), "ours": 1, "known": 3, "by": "workflow"}]
    await service.stop()


async def test_every_process_of_a_restored_service_refuses_commands_and_goes_on_reading(town: Spine) -> None:
    dossier_id = await told(town)
    await restore(town, "intake", dossier_id, 2)
    one = await started(town, "intake")
    other = town.service("intake")

    async def stopped() -> bool:
        return other.watch.state == "restored"

    await eventually(stopped)
    refused = await town.ask("intake", "POST", f"/v1/said/{dossier_id}", headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json()["code"]) == (503, "restored_from_backup")
    assert refused.headers["retry-after"] == "60"
    assert (await town.ask("intake", "GET", f"/v1/heads/{dossier_id}")).status_code == 200
    assert (await town.ask("intake", "GET", "/readyz")).json()["standing"] == "restored"
    await one.stop()


async def test_who_was_away_at_the_start_is_asked_again_soon(town: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.standing.INCOMPLETE_SECONDS", 0.0)
    monkeypatch.setattr("shared.standing.LOOK_SECONDS", 0.1)
    dossier_id = await told(town)
    await restore(town, "intake", dossier_id, 1)
    service = service_of(town, "intake")
    service.watch.others = ["sla"]  # nobody listens there
    await service.watch.begin()
    assert service.watch.state == "sound"
    service.watch.others = ["workflow"]
    watching = asyncio.create_task(service.watch.run())
    await asyncio.wait_for(service.watch.until_stopped(), 10)
    watching.cancel()
    await service.stop()


async def test_what_only_kafka_knows_is_found_too(town: Spine) -> None:
    dossier_id = await town.born()
    await town.say("intake", dossier_id, "relayed and lost")
    relaying = service_of(town, "intake")
    assert await relaying.relay.tick() == 2
    await relaying.stop()
    await restore(town, "intake", dossier_id, 1)
    service = await started(town, "intake")
    assert service.watch.state == "sound"  # nobody was to be waited for, and its peer has heard nothing
    missing, away = await service.watch.look()
    assert [(one.dossier_id, one.ours, one.known, one.by) for one in missing] == [(dossier_id, 1, 2, "kafka")]
    assert away == {"sla", "notify"}
    await service.stop()


async def test_a_service_that_is_whole_again_goes_on_by_itself(town: Spine) -> None:
    dossier_id = await told(town)
    lost = (await town.ledger("intake", dossier_id))[2]
    await restore(town, "intake", dossier_id, 2)
    service = await started(town, "intake")
    assert service.watch.state == "restored"
    row = {name: getattr(lost, name) for name in lost._fields[1:]} | {"shard": 0}
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    await town.rows("intake", f"INSERT INTO event ({names}) VALUES ({values})", **row)
    head = "UPDATE head SET intake_seq = 3, intake_chain = :chain WHERE dossier_id = :id"
    await town.rows("intake", head, id=dossier_id, chain=lost.chain)
    await town.rows("intake", "UPDATE restoration SET recovered_until = now()")
    watching = asyncio.create_task(service.watch.run())
    await asyncio.wait_for(service.watch.until_sound(), 10)
    watching.cancel()
    service.watch.require()
    await service.stop()


async def test_what_nobody_has_any_more_freezes_its_dossier_and_the_service_goes_on(town: Spine) -> None:
    lost, whole = await told(town), await told(town)
    await restore(town, "intake", lost, 1)
    service = await started(town, "intake")
    service.watch.others = ["workflow"]
    report = await recover(service)
    assert (list(report.failed), report.done) == ([lost], [])
    assert report.end == "the service may go on"
    with pytest.raises(DossierFrozen):
        await town.say("intake", lost, "a command")
    await town.say("intake", whole, "a command")
    assert [one["kind"] for one in await incidents(town, "intake")] == ["dossier_frozen"]
    await service.stop()


async def forked(town: Spine) -> UUID:
    """Return a dossier of which workflow has applied another history than intake's ledger has; both know it."""
    dossier_id = await told(town)
    await town.rows("workflow", "UPDATE head SET intake_chain = intake_chain + 1 WHERE dossier_id = :id", id=dossier_id)
    await town.say("intake", dossier_id, "fourth")
    await town.service("workflow").inbox.apply(await town.ledger("intake", dossier_id), trusted=True)
    assert await town.parked("workflow") == [dossier_id]
    await proofs(town).tick()
    return dossier_id


def proofs(town: Spine) -> Proofs:
    """Return workflow's look at its proofs; only intake is there to be asked."""
    service = town.service("workflow")
    return Proofs(["intake"], service.sessions, service.peers)


async def test_a_fork_freezes_its_dossier_at_the_source_and_no_other(town: Spine) -> None:
    dossier_id, other = await forked(town), await town.born()
    with pytest.raises(DossierFrozen):
        await town.say("intake", dossier_id, "a command")
    await town.say("intake", other, "a command")
    assert [(one["kind"], one["dossier_id"]) for one in await incidents(town, "intake")] == [
        ("dossier_frozen", str(dossier_id))
    ]


async def test_a_fork_that_is_released_but_not_mended_freezes_again(town: Spine) -> None:
    dossier_id = await forked(town)
    released = await town.ask("intake", "POST", f"/v1/frozen/{dossier_id}/release")
    assert released.status_code == 200
    await town.say("intake", dossier_id, "fifth")
    await proofs(town).tick()
    with pytest.raises(DossierFrozen):
        await town.say("intake", dossier_id, "sixth")


async def test_once_both_histories_agree_the_dossier_flows_and_can_be_released(town: Spine) -> None:
    dossier_id = await forked(town)
    await town.rows("workflow", "UPDATE head SET intake_chain = intake_chain - 1 WHERE dossier_id = :id", id=dossier_id)
    await proofs(town).tick()
    assert await town.parked("workflow") == []
    await town.fetch("workflow")
    assert await town.seq("workflow", dossier_id, "intake") == 4
    assert (await town.ask("intake", "POST", f"/v1/frozen/{dossier_id}/release")).status_code == 200
    assert await incidents(town, "intake") == []
    assert (await town.ask("intake", "POST", f"/v1/frozen/{dossier_id}/release")).status_code == 404


async def test_who_tells_of_a_fork_that_is_none_freezes_nothing(town: Spine) -> None:
    dossier_id = await told(town)
    ledger = await town.ledger("intake", dossier_id)
    await town.service("workflow").peers.tell_forks("intake", [])
    chain = (ledger[2].chain & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big").hex()
    body = [
        {"dossier_id": str(dossier_id), "seq": 3, "chain": chain},
        {"dossier_id": str(uuid4()), "seq": 1, "chain": chain},
    ]
    answers = [
        await town.call("intake", "POST", "/v1/forks", token=town.issuer.token("system", subject=name), json=body)
        for name in ("workflow", "vbdlis")
    ]
    assert answers[0].json() == {"frozen": []}
    assert answers[1].status_code == 403  # an outside system freezes nothing, whatever it says
    await town.say("intake", dossier_id, "goes on")
