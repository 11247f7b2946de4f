"""Faults of the broker: killed, its disk full, all its data deleted, cut off from services."""

import asyncio
from dataclasses import dataclass

from tests.chaos.faults.fault import Place
from tests.chaos.points import SERVICES


@dataclass
class BrokerKilled:
    """All brokers killed at once, for a while."""

    async def inject(self, place: Place) -> str:
        """Kill them."""
        await asyncio.to_thread(place.town.cluster.kill)
        await place.hold(1, 5)
        return ", ".join(place.town.cluster.names)

    async def heal(self, place: Place) -> None:
        """Start them again."""
        await asyncio.to_thread(place.town.cluster.start)


@dataclass
class DataDeleted:
    """All of Kafka's data deleted while it runs: topics are made again, the audit repairs."""

    async def inject(self, place: Place) -> str:
        """Delete the files under the running brokers, then end those."""
        for broker in place.town.cluster.brokers:
            await asyncio.to_thread(broker.wipe)
        await place.hold(0.5, 2)
        await asyncio.to_thread(place.town.cluster.kill)
        for broker in place.town.cluster.brokers:
            await asyncio.to_thread(broker.wipe)
        return ", ".join(place.town.cluster.names)

    async def heal(self, place: Place) -> None:
        """Format, start, make the topics again."""
        await asyncio.to_thread(place.town.cluster.start)


@dataclass
class DiskFull:
    """No file of one broker may grow any more: appends fail, and the broker gives up its only log folder."""

    async def inject(self, place: Place) -> str:
        """Set the limit and let the load run into it."""
        broker = place.rng.choice(place.town.cluster.brokers)
        size = await asyncio.to_thread(broker.limit_files)
        await place.hold(5, 8)
        how = "still runs" if broker.child and broker.child.alive else "gave up"
        return f"{broker.name} at {size} bytes, {how}"

    async def heal(self, place: Place) -> None:
        """Room again, and a restart."""
        for broker in place.town.cluster.brokers:
            await asyncio.to_thread(broker.stop, 5)
        await asyncio.to_thread(place.town.cluster.start)


@dataclass
class CutOff:
    """Some services and the brokers do not hear each other; what was held back arrives afterwards."""

    async def inject(self, place: Place) -> str:
        """Cut the lines of one to four services."""
        services = place.rng.sample(SERVICES, place.rng.randint(1, 4))
        whole = {name for one in services for name in (one, f"{one}-second")}
        place.town.doors.cut(whole, place.town.cluster.names)
        await place.hold(3, 14)
        return ", ".join(services)

    async def heal(self, place: Place) -> None:
        """Mend them."""
        place.town.doors.mend()
