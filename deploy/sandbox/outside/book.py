"""One line of a dossier's progress, as every system of the sandbox keeps it."""

from datetime import datetime
from typing import Any

from deploy.sandbox.outside.clock import iso


def line(now: datetime, step: str, text: str, by: str = "") -> dict[str, Any]:
    """Return a progress line; *step* is a state of the system."""
    return {"at": iso(now), "step": step, "text": text, "by": by}
