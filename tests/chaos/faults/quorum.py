"""Faults of a quorum of three brokers: a leader killed, a rolling restart, a minority cut off, one broker wiped."""

import asyncio
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from tests.chaos.brokers import Broker
from tests.chaos.faults.fault import Place
from tests.chaos.points import SERVICES

TIMELINE = "dossier.timeline"


async def leader(place: Place) -> Broker:
    """Return the broker that leads a partition of the timeline."""
    admin = AIOKafkaAdminClient(bootstrap_servers=place.town.cluster.url, request_timeout_ms=5_000)
    await admin.start()
    try:
        [topic] = await admin.describe_topics([TIMELINE])
    finally:
        await admin.close()
    leaders = {part["leader"] for part in topic["partitions"]}
    fitting = [one for one in place.town.cluster.brokers if one.number in leaders]
    return place.rng.choice(fitting or place.town.cluster.brokers)


@dataclass
class LeaderKilled:
    """The leader of a partition killed with -9, and returned."""

    async def inject(self, place: Place) -> str:
        """Kill it."""
        struck = await leader(place)
        if struck.child is not None:
            await asyncio.to_thread(struck.child.kill)
        await place.hold(2, 8)
        return struck.name

    async def heal(self, place: Place) -> None:
        """Start it again."""
        await asyncio.to_thread(place.town.cluster.start)


@dataclass
class RollingRestart:
    """Every broker stopped and started, one after another, as in an upgrade."""

    async def inject(self, place: Place) -> str:
        """Restart them."""
        for broker in place.town.cluster.brokers:
            await asyncio.to_thread(broker.stop, 10)
            await asyncio.to_thread(place.town.cluster.start)
        return ", ".join(place.town.cluster.names)

    async def heal(self, place: Place) -> None:
        """Nothing to do: all of them run."""


@dataclass
class MinorityCut:
    """One broker and the other two do not hear each other; services hear all three, or only the two."""

    async def inject(self, place: Place) -> str:
        """Cut its lines, perhaps those to the services too."""
        alone = place.rng.choice(place.town.cluster.brokers).name
        others = [name for name in place.town.cluster.names if name != alone]
        whole = place.rng.random() < 0.5
        services = [*SERVICES, *(f"{name}-second" for name in SERVICES)] if whole else []
        place.town.doors.cut([*others, *services], [alone])
        place.town.doors.cut([alone], others)
        await place.hold(6, 15)
        return f"{alone} from {', '.join(others)}{' and all services' if whole else ''}"

    async def heal(self, place: Place) -> None:
        """Mend them."""
        place.town.doors.mend()


@dataclass
class OneWiped:
    """One broker killed, its data deleted, and started anew: it copies everything from the others."""

    async def inject(self, place: Place) -> str:
        """Kill it and delete its data."""
        struck = place.rng.choice(place.town.cluster.brokers)
        if struck.child is not None:
            await asyncio.to_thread(struck.child.kill)
        await asyncio.to_thread(struck.wipe)
        await place.hold(1, 4)
        return struck.name

    async def heal(self, place: Place) -> None:
        """Start it again, with a new storage."""
        await asyncio.to_thread(place.town.cluster.start)
