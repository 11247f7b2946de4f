"""Faults of processes: killed at named points and at any instant, frozen for longer than a lease."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from shared.relay import LEASE_SECONDS
from tests.chaos.faults.fault import Place
from tests.chaos.points import ADAPTERS, POINTS, SERVICES

BUSY = (
    "committed-before-sent", "sent-before-marked", "applied-before-offset", "head-stepped-before-commit",
    "written-before-commit", "answer-stored-before-commit", "committed-before-answered", "inside-recent-sweep",
    "inside-partitioning", "started-before-ready", "lease-taken", "delivery-leased-before-sent",
)  # fmt: skip


@dataclass
class AtPoints:
    """SIGKILL at named points, each in a program of its own."""

    names: tuple[str, ...]
    most: int = 40

    async def inject(self, place: Place) -> str:
        """Choose a program and a passing for each point, let it die there, and start it again."""
        chosen: dict[str, str] = {}
        for name in self.names:
            point = POINTS[name]
            free = [one for one in point.programs if one not in chosen]
            if free:
                extra = f",{point.needs}" if point.needs else ""
                chosen[place.rng.choice(free)] = f"{name}:{place.rng.randint(1, min(self.most, point.most))}{extra}"
        strikes = [asyncio.to_thread(_die_and_return, place, one, specs) for one, specs in chosen.items()]
        passed = dict(zip(chosen, await asyncio.gather(*strikes), strict=True))
        return ", ".join(f"{one} at {chosen[one]}" for one, mark in passed.items() if mark)

    async def heal(self, place: Place) -> None:
        """Nothing to do: each was started again as soon as it was dead."""


def _die_and_return(place: Place, name: str, specs: str) -> str:
    try:
        return place.town.strike_at(name, specs)
    finally:
        place.town.restart(name)


@dataclass
class Killed:
    """SIGKILL at any instant."""

    n: int = 1
    _struck: list[str] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Kill some programs."""
        self._struck = place.rng.sample([*place.town.workers(), *ADAPTERS, "sandbox", "issuer"], self.n)
        for one in self._struck:
            await asyncio.to_thread(place.town.stack.kill, one)
        await place.hold(0.2, 3)
        return ", ".join(self._struck)

    async def heal(self, place: Place) -> None:
        """Start them again."""
        await _again(place, self._struck)


@dataclass
class Frozen:
    """SIGSTOP for longer than a lease, then SIGCONT: it goes on where it stood, and does not know."""

    _struck: str = ""

    async def inject(self, place: Place) -> str:
        """Freeze any process of ours: one of two workers, one that serves callers, an adapter in a call."""
        self._struck = place.rng.choice([*place.town.workers(), *ADAPTERS])
        await asyncio.to_thread(place.town.freeze, self._struck)
        await asyncio.sleep(LEASE_SECONDS + place.rng.uniform(1, 3))
        return self._struck

    async def heal(self, place: Place) -> None:
        """Let it go on."""
        await asyncio.to_thread(place.town.thaw, self._struck)


@dataclass
class EngineFrozen:
    """PostgreSQL or Kafka stands still for longer than a transaction or a request may take, and goes on."""

    _struck: list[str] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Freeze the database, or all brokers."""
        self._struck = place.rng.choice((["postgres"], place.town.cluster.names))
        for one in self._struck:
            await asyncio.to_thread(place.town.freeze, one)
        await place.hold(6, 14)
        return ", ".join(self._struck)

    async def heal(self, place: Place) -> None:
        """Let it go on."""
        for one in self._struck:
            await asyncio.to_thread(place.town.thaw, one)


@dataclass
class BadBroker:
    """A reader whose broker loses, repeats or swaps messages for a while."""

    distortion: str
    _struck: str = ""

    async def inject(self, place: Place) -> str:
        """Run one service behind the bad broker."""
        self._struck = place.rng.choice(SERVICES)
        await asyncio.to_thread(place.town.run_with, self._struck, self.distortion)
        await place.hold(3, 6)
        return self._struck

    async def heal(self, place: Place) -> None:
        """Give it a good one again."""
        await _again(place, [self._struck])


async def _again(place: Place, names: list[str]) -> None:
    await asyncio.gather(*(asyncio.to_thread(place.town.restart, one) for one in names))


def some_points(rng: Random, n: int) -> AtPoints:
    """Return *n* points drawn by lot."""
    return AtPoints(tuple(rng.sample(sorted(POINTS), n)))


def some_busy_points(rng: Random, n: int) -> AtPoints:
    """Return *n* points that are passed within seconds, to be struck at one of the first passings."""
    return AtPoints(tuple(rng.sample(BUSY, n)), most=4)
