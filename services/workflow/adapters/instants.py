"""Instants at the edge: outside systems want Hanoi time, each in its own form."""

from datetime import datetime

from shared.worktime import LOCAL


def instant(text: str | datetime) -> datetime:
    """Return an instant of a payload (RFC 3339 text, or one that is parsed already)."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


def iso(at: str | datetime) -> str:
    """Return RFC 3339 with +07:00, to the second."""
    return instant(at).astimezone(LOCAL).isoformat(timespec="seconds")


def stamp(at: str | datetime) -> str:
    """Return ``yyyyMMddHHmmss`` in Hanoi time."""
    return instant(at).astimezone(LOCAL).strftime("%Y%m%d%H%M%S")


def words(at: str | datetime) -> str:
    """Return an instant as people in Viet Nam read it."""
    return instant(at).astimezone(LOCAL).strftime("%H:%M ngày %d/%m/%Y")
