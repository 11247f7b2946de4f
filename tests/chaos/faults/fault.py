"""What a fault is."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.chaos.town import Town


@dataclass(frozen=True)
class Place:
    """Where a fault strikes, and the dice it throws."""

    town: Town
    rng: Random

    async def hold(self, least: float, most: float) -> None:
        """Let it last for a while."""
        await asyncio.sleep(self.rng.uniform(least, most))


class Fault(Protocol):
    """One thing that goes wrong, and its mending; made anew for every time it strikes."""

    async def inject(self, place: Place) -> str:
        """Make it happen and let it last; return what exactly, empty if it could not strike."""

    async def heal(self, place: Place) -> None:
        """Do what an operator would do afterwards."""
