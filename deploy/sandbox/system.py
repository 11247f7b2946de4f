"""What every outside system of the sandbox is; a new one is a folder with such a class, listed in ``app.SYSTEMS``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter


@dataclass(frozen=True)
class Place:
    """Where the sandbox runs: its folder for arrivals (none: memory only), its address, the SMTP port, the clock."""

    folder: Path | None = None
    smtp_port: int = 8025
    host: str = "127.0.0.1"
    clock: str = ""
    """``LIENTHONG_CLOCK`` of the demo; empty is the real clock."""


class System(Protocol):
    """One outside system."""

    name: str
    title: str
    """The heading of its column on the page, in Vietnamese."""
    router: APIRouter

    def cards(self) -> list[dict[str, Any]]:
        """Return what arrived, newest first, as ``{at, title, subtitle, text, state}`` for the page."""

    async def start(self) -> None:
        """Begin to listen, if it has a door of its own."""

    async def stop(self) -> None:
        """Close that door."""
