"""What every check works with: the town, the adapter, and ways to wait; a check that fails says what was seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from deploy.conformance.adapter import Adapter
from deploy.conformance.town import Dossier, Town

T = TypeVar("T")
PATIENCE_SECONDS = 12.0
Json = dict[str, Any]


class Failed(Exception):
    """A check did not find what it wants; the text says what was seen."""


@dataclass
class Bench:
    """One adapter in one town."""

    town: Town
    adapter: Adapter

    async def until(self, ask: Callable[[], Awaitable[T | None]], missing: str, seconds: float = PATIENCE_SECONDS) -> T:
        """Return what *ask* answers as soon as it is true; Failed with *missing* after *seconds*."""
        end = time.monotonic() + seconds
        while True:
            if found := await ask():
                return found
            if time.monotonic() > end:
                raise Failed(f"{missing} (within {seconds:.0f} s)")
            await asyncio.sleep(0.05)

    async def told(self, dossier: Dossier) -> list[Json]:
        """Wait until the ledger says that the register has taken every change of a dossier."""

        async def all_done() -> list[Json] | None:
            lane = await self.town.lane(dossier)
            if any(one["state"] == "refused" for one in lane):
                raise Failed(f"something was refused: {states(lane)}")
            return lane if all(one["state"] == "done" for one in lane) else None

        return await self.until(all_done, "the ledger does not say that everything was taken")

    async def once_in_order(self, dossier: Dossier) -> str:
        """Wait for the end of a lane and return what is there; Failed unless it is each change once, in order."""
        wanted = [one["id"] for one in await self.told(dossier)]
        there = await self.town.written(dossier)
        if there != wanted:
            numbers = [wanted.index(one) + 1 if one in wanted else "?" for one in there]
            raise Failed(f"the register holds {numbers or 'nothing'} where {list(range(1, len(wanted) + 1))} was to be")
        return f"{len(there)} changes, each once"

    def answers(self, dossier: Dossier) -> list[str]:
        """Return what the adapter said came of its tries for a dossier."""
        return [str(one.body().get("answer")) for one in self.town.door.acks(dossier.id)]

    async def calls(self, dossier: Dossier) -> list[Json]:
        """Return the calls that the register got for a dossier."""
        return await self.town.log(dossier.code)


def states(lane: list[Json]) -> str:
    """Return a lane in a few words."""
    return ", ".join(f"{one['no']} {one['fact']} {one['state']} after {one['n_tries']}" for one in lane)


def require(*, it_is: bool, seen: str) -> None:
    """Raise Failed with what was seen unless *it_is* so."""
    if not it_is:
        raise Failed(seen)
