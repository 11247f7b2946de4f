"""Where a page of dossiers begins: an instant and a dossier."""

from datetime import datetime
from uuid import UUID

from services.sla.repository import START, Place
from shared.cursor import place_of


def after_place(after: str | None) -> Place:
    """Return the place that *after* names, the very first without one; Malformed."""
    if after is None:
        return START
    at, dossier_id = place_of(after, datetime.fromisoformat, UUID)
    return at, dossier_id
