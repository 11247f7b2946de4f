"""The ledger's partitions: every month has its own before it begins, and housekeeping never gets stuck."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared import migrate, outbox
from shared.clock import Clock
from tests.integration.shared.spine import Spine
from tests.simulation.postgres import fact_of


async def born_at(pair: Spine, instant: datetime) -> UUID:
    dossier_id = outbox.new_dossier_id(instant)
    service = pair.service("intake")
    service.sessions.info["clock"] = Clock(instant, instant)
    async with service.sessions.begin() as session:
        outbox.publish(session, outbox.birth(session, dossier_id), fact_of("intake", "submitted"))
    return dossier_id


async def partition_of(pair: Spine, dossier_id: UUID) -> str:
    (row,) = await pair.rows("intake", "SELECT tableoid::regclass::text AS name FROM event WHERE dossier_id = :id",
                             id=dossier_id)  # fmt: skip
    return str(row.name)


async def housekeep(pair: Spine, now: datetime) -> None:
    await migrate.housekeep(pair.service("intake").sessions, now)


async def test_the_present_month_and_the_next_three_have_partitions(pair: Spine) -> None:
    now = datetime.now(UTC)
    for days in (0, 25, 55, 85):
        instant = now + timedelta(days=days)
        name = f"event_{instant.year}_{instant.month:02}"
        assert await partition_of(pair, await born_at(pair, instant)) == name


async def test_the_first_and_the_last_instant_of_a_month_are_in_its_partition(pair: Spine) -> None:
    await housekeep(pair, datetime(2030, 12, 15, tzinfo=UTC))
    for instant in (datetime(2030, 12, 1, tzinfo=UTC), datetime(2030, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)):
        assert await partition_of(pair, await born_at(pair, instant)) == "event_2030_12"
    assert await partition_of(pair, await born_at(pair, datetime(2031, 1, 1, tzinfo=UTC))) == "event_2031_01"


async def test_two_workers_that_keep_house_at_once_do_not_meet(pair: Spine) -> None:
    """Found by chaos (seed 701): both looked before either had made the table."""
    for year in range(2040, 2048):
        together = (housekeep(pair, datetime(year, 6, 15, tzinfo=UTC)) for _ in range(3))
        await asyncio.gather(*together)
    assert await partition_of(pair, await born_at(pair, datetime(2047, 9, 1, tzinfo=UTC))) == "event_2047_09"


async def test_housekeeping_twice_changes_nothing(pair: Spine) -> None:
    for _ in range(2):
        await housekeep(pair, datetime(2030, 12, 15, tzinfo=UTC))


async def test_rows_that_came_before_their_months_partition_move_into_it(pair: Spine) -> None:
    """As when the clock runs past the months ahead within the hour, or no worker ran for that long."""
    dossier_id = await born_at(pair, datetime(2031, 5, 2, tzinfo=UTC))
    assert await partition_of(pair, dossier_id) == "event_default"
    await housekeep(pair, datetime(2031, 5, 3, tzinfo=UTC))
    assert await partition_of(pair, dossier_id) == "event_2031_05"


async def test_old_idempotency_keys_are_forgotten_whatever_becomes_of_the_partitions(pair: Spine) -> None:
    await born_at(pair, datetime(2031, 5, 2, tzinfo=UTC))
    await pair.rows(
        "intake",
        """INSERT INTO idempotency_key SELECT 'k', 'r', 201, '{}', 'b', clock_timestamp() - interval '8 days'""",
    )
    try:
        await housekeep(pair, datetime(2031, 5, 3, tzinfo=UTC))
    finally:
        assert await pair.rows("intake", "SELECT 1 FROM idempotency_key") == []


async def test_keys_of_the_last_days_are_kept(pair: Spine) -> None:
    await pair.rows(
        "intake",
        """INSERT INTO idempotency_key SELECT 'k', 'r', 201, '{}', 'b', clock_timestamp() - interval '6 days'""",
    )
    await housekeep(pair, datetime.now(UTC))
    assert len(await pair.rows("intake", "SELECT 1 FROM idempotency_key")) == 1
