"""Two faults at once."""

import asyncio
from dataclasses import dataclass

from tests.chaos.faults.fault import Fault, Place


@dataclass
class Together:
    """Faults that strike at the same time, and are healed one after another."""

    faults: dict[str, Fault]

    async def inject(self, place: Place) -> str:
        """Let all of them strike."""
        struck = await asyncio.gather(*(one.inject(place) for one in self.faults.values()), return_exceptions=True)
        said = (
            f"{name} ({what if isinstance(what, str) else type(what).__name__})"
            for name, what in zip(self.faults, struck, strict=True) if what
        )  # fmt: skip
        return "; ".join(said)

    async def heal(self, place: Place) -> None:
        """Mend engines first: programs do not start without them."""
        for name in sorted(self.faults, key=lambda name: "PostgreSQL" not in name):
            await self.faults[name].heal(place)
