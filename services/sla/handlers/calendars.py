"""Calendars: a decision makes the next version, and every open clock is brought to it; a dry run shows it first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from services.sla import repository
from services.sla.domain import CalendarAdopted, ClockState, Kind, evaluate, facts_of
from services.sla.handlers.clocks import note
from services.sla.handlers.leg_terms import see_covered
from services.sla.handlers.suspensions import decided
from services.sla.handlers.terms import references, terms
from services.sla.models import Clock, Recalculated, Recalculation
from services.sla.repository import History
from services.sla.schemas.calendars import RecalculationRead
from shared.auth import Principal
from shared.errors import DomainError, Malformed, NotFound, Text, wrong_field
from shared.events.sla import ClockRecalculated
from shared.inbox import lock_heads
from shared.outbox import next_instant, now, publish
from shared.reference import store
from shared.session import Session
from shared.tables import HeadRow
from shared.worktime import Calendar, CalendarChange, CalendarData, CalendarGap

log = structlog.get_logger(__name__)

PAGE = 500
BEGINNING = UUID(int=0)
"""Before every dossier."""


class StillRecalculating(DomainError):
    """The version before is still being brought to open clocks."""

    status = 409
    code = "still_recalculating"
    title = Text("Đang tính lại theo phiên bản trước", "The version before is still being brought to open clocks")


async def change_calendar(
    session: Session, code: str, change: CalendarChange, *, dry_run: bool, by: Principal
) -> Recalculation:
    """Make the next version of a calendar and have open clocks brought to it; a dry run only says what would move.

    NotFound, Malformed for what would be no calendar, StillRecalculating, ImmutableVersion if two do it at once.
    """
    before: Calendar = references(session).latest("calendar", code)
    if not dry_run and await repository.unfinished(session, code) is not None:
        raise StillRecalculating(code)
    after = _next_version(before.data, change)
    data = after.model_dump(mode="json")
    if not dry_run:
        await store(session, ("calendar", code, after.version), data, owned=True)
    asked = _recalculation(after, data, now(session))
    asked.is_dry_run, asked.asked_by = dry_run, by.subject
    session.add(asked)
    return asked


def _next_version(before: CalendarData, change: CalendarChange) -> CalendarData:
    try:
        after = change.applied_to(before)
    except ValidationError as error:
        reasons = [str(one["msg"]) for one in error.errors()]
        wrong = [wrong_field("", "no_calendar", "Lịch làm việc không hợp lệ", reason) for reason in reasons]
        raise Malformed(extra={"errors": wrong}) from error
    except ValueError as error:
        wrong = [wrong_field("/covers_to", "covers_less", "Phiên bản mới phải bao trùm phiên bản cũ", str(error))]
        raise Malformed(extra={"errors": wrong}) from error
    _require_hours(after)
    return after


def _require_hours(data: CalendarData) -> None:
    """Compile what is about to be stored for ever: a version that nobody can read would block every later one."""
    try:
        Calendar(data)
    except ValueError as error:
        wrong = [wrong_field("/overrides", "no_hours", "Ngày làm việc phải có giờ làm việc", str(error))]
        raise Malformed(extra={"errors": wrong}) from error


def _recalculation(calendar: CalendarData, data: dict[str, Any], at: datetime) -> Recalculation:
    return Recalculation(
        id=uuid4(),
        calendar_code=calendar.code,
        calendar_version=calendar.version,
        is_dry_run=False,
        data=data,
        asked_by="",
        asked_at=at,
        after_id=BEGINNING,
        n_open=0,
        n_moved=0,
        finished_at=None,
    )


async def try_out(session: Session) -> bool:
    """Look at one page of open clocks for the oldest dry run; False if there is none. Nothing of a clock changes."""
    asked = await repository.oldest_dry_run(session)
    if asked is None:
        return False
    ids = await repository.open_clocks(session, asked.calendar_code, asked.after_id, PAGE)
    histories = await repository.read(session, ids)
    calendar = Calendar(CalendarData.model_validate(asked.data))
    for dossier_id in ids:
        _try_out(session, asked, histories[dossier_id], calendar)
    _count(asked, ids, now(session))
    return True


def _try_out(session: Session, asked: Recalculation, history: History, calendar: Calendar) -> None:
    clock = history.clock
    assert clock is not None  # noqa: S101 - just found
    try:
        to_at = _by(session, history, calendar, now(session)).promised_deadline_at
    except CalendarGap:
        _note_left(session, asked, clock)
    else:
        _note_moved(session, asked, clock.dossier_id, (clock.announced_deadline_at, to_at))


def _note_moved(session: Session, asked: Recalculation, dossier_id: UUID, move: tuple[datetime, datetime]) -> None:
    if move[0] != move[1]:
        asked.n_moved += 1
        row = {"recalculation_id": asked.id, "dossier_id": dossier_id, "from_at": move[0], "to_at": move[1]}
        session.insert(Recalculated, row)


def _note_left(session: Session, asked: Recalculation, clock: Clock) -> None:
    """Note that a version ends before a clock's deadline: the clock runs on by its own, and stops no other's."""
    stays_at = clock.announced_deadline_at
    row = {"recalculation_id": asked.id, "dossier_id": clock.dossier_id, "from_at": stays_at, "to_at": stays_at}
    session.insert(Recalculated, row)
    version = f"{asked.calendar_code}@{asked.calendar_version}"
    log.warning("calendar_too_short", dossier_id=str(clock.dossier_id), calendar=version, is_dry_run=asked.is_dry_run)


def _count(asked: Recalculation, ids: Sequence[UUID], at: datetime) -> None:
    asked.n_open += len(ids)
    if ids:
        asked.after_id = ids[-1]
    if len(ids) < PAGE:
        asked.finished_at = at


async def adopt_newest(session: Session) -> bool:
    """Bring one page of open clocks to the newest version of their calendar; False if all run by it.

    Level-triggered: whatever made the version, and whenever a clock began by an older one.
    """
    for calendar in _newest(session):
        data = calendar.data
        asked = await repository.unfinished(session, data.code)
        if asked is not None and asked.calendar_version > data.version:
            continue  # decided just now: this process has not read the version yet
        if asked is not None and asked.calendar_version < data.version:
            asked.finished_at, asked = now(session), None  # overtaken by a version that was loaded meanwhile
        after = BEGINNING if asked is None else asked.after_id
        ids = await repository.open_on_older(session, data.code, data.version, after, PAGE)
        if not ids and asked is None:
            continue
        if asked is None:
            asked = _recalculation(data, data.model_dump(mode="json"), now(session))
            session.add(asked)
        await _adopt_page(session, asked, ids)
        return True
    return False


def _newest(session: Session) -> list[Calendar]:
    newest: dict[str, Calendar] = {code: data for code, _, data in references(session).all_of("calendar")}
    return [calendar for calendar in newest.values() if calendar.data.version > 1]


async def _adopt_page(session: Session, asked: Recalculation, ids: Sequence[UUID]) -> None:
    heads = await lock_heads(session, ids)
    histories = await repository.read(session, ids)
    for dossier_id, head in heads.items():
        history = histories[dossier_id]
        if _is_older(history.clock, asked.calendar_version) and head.frozen_at is None:
            _adopt(session, head, history, asked)
    _go_on(asked, ids, now(session))


def _go_on(asked: Recalculation, ids: Sequence[UUID], at: datetime) -> None:
    """Go on behind a page; after the last one look once more from the beginning, for what has come in between."""
    began = asked.after_id
    _count(asked, ids, at)
    if asked.finished_at is not None and began != BEGINNING:
        asked.after_id, asked.finished_at = BEGINNING, None


def _is_older(clock: Clock | None, version: int) -> bool:
    """Say whether, now that its head is locked, a clock is still to be brought to *version*."""
    return clock is not None and clock.finished_at is None and clock.calendar_version < version


def _adopt(session: Session, head: HeadRow, history: History, asked: Recalculation) -> None:
    clock = history.clock
    assert clock is not None  # noqa: S101 - checked just before
    from_at = clock.announced_deadline_at
    try:
        adopt(session, head, history, asked.calendar_version, next_instant(session, head))
    except CalendarGap:
        _note_left(session, asked, clock)
    else:
        _note_moved(session, asked, clock.dossier_id, (from_at, clock.announced_deadline_at))


def adopt(session: Session, head: HeadRow, history: History, version: int, at: datetime) -> None:
    """Let one clock run by another version of its calendar, and say what that makes of its deadline.

    CalendarGap, before anything is changed, if that version ends before the deadline.
    """
    clock = history.clock
    assert clock is not None  # noqa: S101 - only clocks have a calendar
    calendar: Calendar = references(session).get("calendar", clock.calendar_code, version)
    document = calendar.data.document
    fact = decided(head, at, Kind.CALENDAR_ADOPTED, None, {"version": version, "document": document})
    told = ClockRecalculated(
        calendar=calendar.reference,
        document=document,
        from_at=clock.announced_deadline_at,
        to_at=_by(session, history, calendar, at).promised_deadline_at,
    )
    publish(session, head, told)
    note(session, head, history, fact)


def _by(session: Session, history: History, calendar: Calendar, at: datetime) -> ClockState:
    """Return the clock as it would be by *calendar* from *at* on; CalendarGap if that ends before the deadline."""
    clock = history.clock
    assert clock is not None  # noqa: S101 - asked of clocks only
    facts = [*facts_of(history.facts), CalendarAdopted(at, calendar.data.version)]
    state = evaluate(facts, terms(session, clock).rule, calendar, at)
    assert state is not None  # noqa: S101 - a clock row begins with its start
    calendar.position(state.promised_deadline_at)  # what an apology promised has to be covered, too
    see_covered(session, history, calendar)
    return state


async def see_recalculation(session: Session, recalculation_id: UUID) -> RecalculationRead:
    """Return how far it is; NotFound."""
    found = await session.get(Recalculation, recalculation_id)
    if found is None:
        raise NotFound(str(recalculation_id))
    n_left = await repository.n_left(session, recalculation_id)
    return RecalculationRead.model_validate(found).model_copy(update={"n_left": n_left})
