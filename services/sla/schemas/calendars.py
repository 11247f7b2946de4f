"""Request and response bodies about calendars: versions, and how they reach open clocks."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from shared.web import LocalInstant, Read


class CalendarRead(Read):
    """One version of a working calendar."""

    code: str
    version: int
    covers_from: date
    covers_to: date
    provisional_from: date | None
    forwarding_until: str
    n_overrides: int


class CalendarPage(Read):
    """Calendars, each in its newest version."""

    items: list[CalendarRead]
    next: str | None


class CalendarVersions(Read):
    """Every version of one calendar, whole."""

    items: list[dict[str, Any]]
    next: str | None


class MovedRead(Read):
    """A promised deadline that a new version of a calendar moves."""

    dossier_id: UUID
    from_at: LocalInstant
    to_at: LocalInstant


class LeftRead(Read):
    """A promised deadline that a new version of a calendar does not reach: it stays, by the version before."""

    dossier_id: UUID
    stays_at: LocalInstant = Field(validation_alias="from_at")


class RecalculationRead(Read):
    """A new version of a calendar on its way to the open clocks, or a dry run of it; *finished_at*: null until done."""

    id: UUID
    calendar_code: str
    calendar_version: int
    is_dry_run: bool
    n_open: int
    n_moved: int
    n_left: int = 0
    """Clocks whose deadline would lie beyond the last day that the version covers: they run on by the one before."""
    asked_at: LocalInstant
    finished_at: LocalInstant | None


class MovedPage(Read):
    """Deadlines that are moved, page by page."""

    items: list[MovedRead]
    next: str | None


class LeftPage(Read):
    """Deadlines that stay, page by page."""

    items: list[LeftRead]
    next: str | None
