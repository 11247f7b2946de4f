"""Instants that outside systems bring: they lie in the past, give or take the error of a clock."""

from datetime import datetime, timedelta

from shared.errors import Malformed, wrong_field
from shared.outbox import now
from shared.session import Session

FUTURE = timedelta(minutes=10)
"""A system's clock may be wrong by five minutes."""


def require_past(session: Session, at: datetime, pointer: str) -> None:
    """Refuse an instant of the future; Malformed names the field."""
    if at > now(session) + FUTURE * session.info["clock"].speed:
        words = "Thời điểm ở tương lai", "The instant lies in the future"
        raise Malformed(extra={"errors": [wrong_field(pointer, "future", *words)]})
