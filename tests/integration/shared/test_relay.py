"""The relay: marks what was acknowledged and nothing else, as long as it holds the lease of the shard."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from shared.relay import Relay
from shared.service import for_ever
from tests.integration.shared.spine import Spine, Wire


def relay_of(pair: Spine, wire: Wire) -> Relay:
    return Relay("intake", pair.service("intake").sessions, wire)  # type: ignore[arg-type]


async def unpublished(pair: Spine) -> list[int]:
    rows = await pair.rows("intake", "SELECT seq FROM event WHERE published_at IS NULL ORDER BY seq")
    return [row.seq for row in rows]


async def owners(pair: Spine, relays: Iterable[Relay]) -> list[int]:
    """Return how many live leases each of *relays* has."""
    sql = "SELECT owner FROM relay_shard WHERE expires_at > clock_timestamp()"
    live = [row.owner for row in await pair.rows("intake", sql)]
    return [live.count(relay.me) for relay in relays]


async def test_only_acknowledged_rows_are_marked_and_the_others_are_sent_again(pair: Spine) -> None:
    dossier_id = await pair.born()
    for n in range(3):
        await pair.say("intake", dossier_id, str(n))
    wire = Wire(refused={2, 4})
    relay = relay_of(pair, wire)
    assert await relay.tick() == 2
    assert await unpublished(pair) == [2, 4]
    wire.refused.clear()
    assert await relay.tick() == 2
    assert await unpublished(pair) == []
    assert [event.seq for event in wire.sent] == [1, 2, 3, 4, 2, 4]
    assert await pair.ledger("intake", dossier_id) == sorted(set(wire.sent), key=lambda event: event.seq)


async def test_an_owner_that_lost_its_lease_can_not_mark(pair: Spine) -> None:
    await pair.born()
    slow, quick = relay_of(pair, Wire()), relay_of(pair, Wire())
    await slow._lease()
    await pair.rows("intake", "UPDATE relay_shard SET expires_at = clock_timestamp() - interval '1 second'")
    await pair.rows("intake", "DELETE FROM relay_owner")
    await quick._lease()
    async with pair.service("intake").sessions.begin() as session:
        rows = await pair.rows("intake", "SELECT dossier_id FROM event")
        await slow._mark(session, await pair.ledger("intake", rows[0].dossier_id))
    assert await unpublished(pair) == [1]
    assert await quick.tick() == 1
    assert await unpublished(pair) == []


async def test_an_owner_whose_lease_was_taken_and_given_back_can_not_mark_with_its_old_fence(pair: Spine) -> None:
    dossier_id = await pair.born()
    relay = relay_of(pair, Wire())
    await relay._lease()
    await pair.rows("intake", "UPDATE relay_shard SET fence = fence + 2")
    async with pair.service("intake").sessions.begin() as session:
        await relay._mark(session, await pair.ledger("intake", dossier_id))
    assert await unpublished(pair) == [1]


async def test_a_relay_whose_lease_ran_out_while_it_read_sends_nothing(pair: Spine) -> None:
    await pair.born()
    wire = Wire()
    relay = relay_of(pair, wire)
    await relay._lease()
    relay._leased_until = 0.0
    assert await relay.tick() == 0
    assert wire.sent == []


async def test_two_relays_that_begin_together_share_the_shards(pair: Spine) -> None:
    one, other = relay_of(pair, Wire()), relay_of(pair, Wire())
    await asyncio.gather(one._lease(), other._lease())
    shares = await owners(pair, (one, other))
    assert sum(shares) == 8
    assert not set(one._fences) & set(other._fences)


async def test_a_relay_that_comes_later_gets_its_share(pair: Spine) -> None:
    first, late = relay_of(pair, Wire()), relay_of(pair, Wire())
    for _ in range(3):
        for relay in (first, late):
            relay._renew_at = 0.0
            await relay._lease()
        # leases that nobody renews run out
        await pair.rows(
            "intake",
            "UPDATE relay_shard SET expires_at = clock_timestamp() - interval '1 second' WHERE NOT shard = ANY(:held)",
            held=[*first._fences, *late._fences],
        )
    late._renew_at = 0.0
    await late._lease()
    assert await owners(pair, (first, late)) == [4, 4]


async def test_shards_that_were_given_back_are_taken_over_at_once(pair: Spine) -> None:
    first, second = relay_of(pair, Wire()), relay_of(pair, Wire())
    await first._lease()
    await first.release()
    await second._lease()
    assert await owners(pair, (first, second)) == [0, 8]


async def test_events_of_one_dossier_are_sent_in_sequence_even_when_the_clock_stands_still(pair: Spine) -> None:
    dossier_id = await pair.born()
    service = pair.service("intake")
    frozen = replace(service.clock, start=service.clock.now(), real_start=service.clock.now(), speed=0.0)
    service.sessions.info["clock"] = frozen
    for n in range(20):
        await pair.say("intake", dossier_id, str(n))
    wire = Wire()
    await relay_of(pair, wire).tick()
    assert [event.seq for event in wire.sent] == list(range(1, 22))


async def test_a_relay_goes_on_after_its_database_connection_was_cut(pair: Spine) -> None:
    wire = Wire()
    relay = relay_of(pair, wire)
    running = asyncio.create_task(for_ever("relay", relay.run))
    try:
        await asyncio.sleep(0.5)
        name = f"cut-{uuid4().hex[:8]}"
        await pair.rows(
            "workflow",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name",
            name=pair.settings["intake"].database_url("intake").database,
        )
        await asyncio.sleep(1.5)
        assert not running.done(), name
        await pair.born()
        await asyncio.sleep(3)
        assert len(wire.sent) == 1
    finally:
        running.cancel()
        await asyncio.wait([running])
