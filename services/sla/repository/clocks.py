"""Queries about clocks: their history, their timers, what is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Uuid,
    any_,
    bindparam,
    exists,
    or_,
    select,
    true,
    tuple_,
)

from services.sla.domain import Kept, Kind
from services.sla.models import Base, Clock, Fact, Holding, LegClock, Suspension, Timer
from shared.errors import DossierUnknown
from shared.session import Session
from shared.tables import HeadRow, Hold, Parked
from shared.worktime import at_local, day_end

_BATCH = "sla_batch"
Agencies = Collection[str] | None
"""Codes of the agencies whose dossiers alone are looked at; None: all."""
Place = tuple[datetime, UUID]
"""Where a page of dossiers ends: the instant that orders them, and which was the last."""
START: Place = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))
"""Before every page."""


@dataclass
class History:
    """Everything stored about one dossier; the facts are its history, the rest follows from them."""

    dossier_id: UUID
    clock: Clock | None = None
    facts: list[Kept] = field(default_factory=list)
    suspensions: dict[int, Suspension] = field(default_factory=dict)
    legs: dict[int, LegClock] = field(default_factory=dict)
    """Those that are open; all of them when it was read to be shown."""
    timers: dict[str, Timer] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)
    """By agency, once processing has ended."""

    @property
    def apologies(self) -> list[Kept]:
        """The apologies that were issued, in their order."""
        return sorted((fact for fact in self.facts if fact.kind == Kind.APOLOGISED), key=lambda fact: fact.no or 0)

    def put(self, row: Any) -> None:
        """Add a stored or a new row."""
        _PUT[type(row)](self, row)


_PUT: dict[type[Base], Any] = {
    Clock: lambda history, row: setattr(history, "clock", row),
    Suspension: lambda history, row: history.suspensions.__setitem__(row.no, row),
    LegClock: lambda history, row: history.legs.__setitem__(row.leg_no, row),
    Timer: lambda history, row: history.timers.__setitem__(row.kind, row),
    Holding: lambda history, row: history.holdings.__setitem__(row.agency_code, row),
}


def visible_to(agencies: Agencies) -> ColumnElement[bool]:
    """Return the condition under which a clock is seen: one of *agencies* received or had the dossier."""
    if agencies is None:
        return true()
    had = exists().where(LegClock.dossier_id == Clock.dossier_id, LegClock.agency_code.in_(agencies))
    return or_(Clock.receiving_unit_code.in_(agencies), had)


async def preload(session: Session, ids: Collection[UUID]) -> None:
    """Read what is stored about the dossiers of a batch."""
    session.info[_BATCH] = await read(session, list(ids))


async def history(session: Session, dossier_id: UUID) -> History:
    """Return what is stored about a dossier whose head is locked."""
    batch: dict[UUID, History] = session.info.setdefault(_BATCH, {})
    if dossier_id not in batch:
        batch.update(await read(session, [dossier_id]))
    return batch[dossier_id]


async def read(session: Session, ids: Sequence[UUID], *, with_ended_legs: bool = False) -> dict[UUID, History]:
    """Read everything stored about dossiers, one query a table.

    Facts are read as plain rows: they never change, and as objects they would cost most of a batch.
    """
    histories = {dossier_id: History(dossier_id) for dossier_id in ids}
    given = {"ids": list(ids)}
    for query in (*_STATE, _ALL_LEGS if with_ended_legs else _OPEN_LEGS):
        for row in await session.scalars(query, given):
            histories[row.dossier_id].put(row)
    for row in await session.execute(_FACTS, given):
        histories[row[0]].facts.append(Kept._make(row))
    return histories


async def read_ended_legs(session: Session, history: History) -> None:
    """Add the legs that are over: what comes late may concern them, too."""
    for leg in await session.scalars(_ALL_LEGS, {"ids": [history.dossier_id]}):
        history.legs.setdefault(leg.leg_no, leg)


# One array instead of a list of parameters: each statement is prepared once, whatever the size of the batch.
_WANTED = any_(bindparam("ids", type_=ARRAY(Uuid)))
_TABLES = (Clock, Suspension, Timer, Holding)
_STATE: list[Select[Any]] = [select(table).where(table.dossier_id == _WANTED) for table in _TABLES]
_ALL_LEGS = select(LegClock).where(LegClock.dossier_id == _WANTED)
_OPEN_LEGS = _ALL_LEGS.where(LegClock.ended_at.is_(None))
_FACTS = select(*(Fact.__table__.c[name] for name in Kept._fields)).where(Fact.dossier_id == _WANTED)


async def see(session: Session, dossier_id: UUID, agencies: Agencies) -> History:
    """Return what is known of a dossier; DossierUnknown if it has no clock, or *agencies* may not see it."""
    query = select(Clock.dossier_id).where(Clock.dossier_id == dossier_id, visible_to(agencies))
    if await session.scalar(query) is None:
        raise DossierUnknown(str(dossier_id))
    return (await read(session, [dossier_id], with_ended_legs=True))[dossier_id]


async def lock(session: Session, dossier_id: UUID, agencies: Agencies) -> tuple[HeadRow, History]:
    """Lock the head of a dossier that *agencies* may see, then read it; DossierUnknown."""
    query = (
        select(HeadRow)
        .join(Clock, Clock.dossier_id == HeadRow.dossier_id)
        .where(HeadRow.dossier_id == dossier_id, visible_to(agencies))
        .with_for_update(of=HeadRow)
    )
    head = await session.scalar(query)
    if head is None:
        raise DossierUnknown(str(dossier_id))
    return head, (await read(session, [dossier_id], with_ended_legs=True))[dossier_id]


class Due(NamedTuple):
    """A timer that is due; in the order in which they fire."""

    due_at: datetime
    dossier_id: UUID
    kind: str


FIRST = Due(*START, "")
"""Before every timer."""


def _in_step() -> ColumnElement[bool]:
    """No event of the dossier is held back: what is known of it is all there is."""
    held = exists().where(Hold.dossier_id == Timer.dossier_id)
    parked = exists().where(Parked.dossier_id == Timer.dossier_id)
    frozen = exists().where(HeadRow.dossier_id == Timer.dossier_id, HeadRow.frozen_at.is_not(None))
    return ~or_(held, parked, frozen)


async def due_timers(session: Session, now: datetime, after: Due | None, limit: int) -> list[Due]:
    """Return a page of timers that are due, oldest first; nothing is locked."""
    rows = await session.execute(_DUE, {"now": now, "limit": limit, **(after or FIRST)._asdict()})
    return [Due(due_at, dossier_id, kind) for due_at, dossier_id, kind in rows if due_at is not None]


_place = (Timer.due_at, Timer.dossier_id, Timer.kind)
_DUE = (
    select(*_place)
    .where(Timer.due_at.is_not(None), Timer.due_at <= bindparam("now", type_=DateTime(timezone=True)), _in_step())
    .where(tuple_(*_place) > tuple_(*(bindparam(column.key, type_=column.type) for column in _place)))
    .order_by(*_place)
    .limit(bindparam("limit", type_=Integer))
)


async def lock_due(session: Session, due: Collection[Due]) -> tuple[dict[UUID, HeadRow], list[tuple[Clock, Timer]]]:
    """Lock the heads of *due* that nobody else holds, and read their timers afterwards: as they are under the lock.

    A hold or a parking that came since is seen: this snapshot is newer than the look at the completeness.
    """
    ids = list({one.dossier_id for one in due})
    heads = {head.dossier_id: head for head in await session.scalars(_FREE_HEADS, {"ids": ids})}
    armed = await session.execute(_ARMED, {"ids": list(heads)})
    return heads, [(clock, timer) for clock, timer in armed]


_FREE_HEADS = (
    select(HeadRow).where(HeadRow.dossier_id == _WANTED).order_by(HeadRow.dossier_id).with_for_update(skip_locked=True)
)
_ARMED = (
    select(Clock, Timer)
    .join(Timer, Timer.dossier_id == Clock.dossier_id)
    .where(Clock.dossier_id == _WANTED, Timer.due_at.is_not(None), _in_step())
    .order_by(Timer.due_at, Timer.dossier_id, Timer.kind)
)


async def due_soon(session: Session, agencies: Agencies, until: date | None, after: Place, limit: int) -> list[Clock]:
    """Return open clocks whose promised deadline comes no later than the day *until*, the earliest first."""
    place = (Clock.announced_deadline_at, Clock.dossier_id)
    last = day_end(at_local(until, time())) if until else datetime.max.replace(tzinfo=UTC)
    query = (
        select(Clock)
        .where(Clock.finished_at.is_(None), Clock.announced_deadline_at <= last, visible_to(agencies))
        .where(tuple_(*place) > tuple_(*after))
        .order_by(*place)
        .limit(limit)
    )
    return list(await session.scalars(query))
