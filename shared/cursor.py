"""Where a page of a list ends: the place of its last row, as opaque text for the parameter *after*."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.errors import Malformed

Part = datetime | UUID | int


def text_of(*place: Part) -> str:
    """Return the text that names a place."""
    parts = [part if isinstance(part, int) else _written(part) for part in place]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _written(part: datetime | UUID) -> str:
    return part.isoformat() if isinstance(part, datetime) else str(part)


def place_of(text: str, *readers: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return the place that *text* names, each part read by its reader; Malformed."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text))
        return tuple(read(part) for read, part in zip(readers, parts, strict=True))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Malformed(extra={"errors": [{"pointer": "query/after", "code": "cursor"}]}) from error
