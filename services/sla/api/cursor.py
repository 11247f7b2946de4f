"""Where a page of clocks begins and ends: an instant and a dossier, as opaque text."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.sla.models import Clock
from shared.errors import Malformed

Place = tuple[datetime, UUID]
FIRST: Place = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))


def following(rows: Sequence[Clock], limit: int) -> str | None:
    """Return where the next page begins, None if this one is not full."""
    if len(rows) < limit:
        return None
    return text_of((rows[-1].announced_deadline_at, rows[-1].dossier_id))


def text_of(place: Place) -> str:
    """Return the text that names a place."""
    at, dossier_id = place
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(dossier_id)]).encode()).decode()


def after_place(after: str | None) -> Place:
    """Return the place that *after* names, the very first without one; Malformed."""
    if after is None:
        return FIRST
    try:
        at, dossier_id = json.loads(base64.urlsafe_b64decode(after))
        return datetime.fromisoformat(at), UUID(dossier_id)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Malformed(extra={"errors": [{"pointer": "query/after", "code": "cursor"}]}) from error
