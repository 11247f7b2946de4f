"""What every system of the sandbox writes into a dossier: progress lines, and dates that are counted anew."""

from datetime import datetime
from typing import Any

from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.storage import Dossier


def line(now: datetime, step: str, text: str, by: str = "") -> dict[str, Any]:
    """Return a progress line; *step* is a state of the system."""
    return {"at": iso(now), "step": step, "text": text, "by": by}


def reset_dates(dossier: Dossier, received_field: str, due_field: str, now: datetime) -> None:
    """Count the time limit anew: received *now*, due as much later as before. Both fields hold ISO instants."""
    received, due = (datetime.fromisoformat(dossier.fields[name]) for name in (received_field, due_field))
    dossier.fields[received_field] = iso(now)
    dossier.fields[due_field] = iso(now + (due - received))
