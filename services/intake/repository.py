"""Every query of intake."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, any_, bindparam, func, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from services.intake.models import (
    Applicant,
    Base,
    CodeCounter,
    Dossier,
    PaymentNotice,
    SupplementRequest,
    TimelineEvent,
)
from shared.auth import Principal, Role
from shared.errors import DossierUnknown, NotFound, Text
from shared.session import Session
from shared.tables import EventRow, HeadRow
from shared.timeline import Event

_NOTICES = "intake.notices"
Columns = TypeVarTuple("Columns")


class _Sight(Enum):
    """Which dossiers a caller sees: all, those its agency received, or those it submitted."""

    ALL = 1
    UNIT = 2
    OWN = 3


_VISIBLE: Mapping[_Sight, ColumnElement[bool]] = {
    _Sight.ALL: true(),
    _Sight.UNIT: Dossier.receiving_unit_code == bindparam("agency_code"),
    _Sight.OWN: Dossier.submitted_by == bindparam("subject"),
}


def _sight(principal: Principal) -> _Sight:
    if principal.has(Role.OPS, Role.LEADER, Role.SYSTEM):
        return _Sight.ALL
    return _Sight.UNIT if principal.has(Role.OFFICER) else _Sight.OWN


def _eyes(principal: Principal) -> dict[str, Any]:
    return {"agency_code": principal.agency_code or "", "subject": principal.subject}


def _for_each_sight(query: Select[*Columns]) -> Mapping[_Sight, Select[*Columns]]:
    return {sight: query.where(seen) for sight, seen in _VISIBLE.items()}


# Statements of the hot paths are built once: their cache keys are then memoized.

_HEAD = (
    select(HeadRow, Dossier)
    .join(Dossier, Dossier.id == HeadRow.dossier_id)
    .where(HeadRow.dossier_id == bindparam("id"))
)
_LOCK = _for_each_sight(_HEAD.with_for_update(of=[HeadRow, Dossier]))
_LOCK_WITH_NOTICES = _for_each_sight(
    _HEAD.add_columns(PaymentNotice)
    .join(PaymentNotice, PaymentNotice.dossier_id == HeadRow.dossier_id)
    .with_for_update(of=[HeadRow, Dossier, PaymentNotice])
)
_DOSSIER = _for_each_sight(select(Dossier).where(Dossier.id == bindparam("id")))
_PRELOAD = select(Dossier).where(Dossier.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
_NOTICES_OF = select(PaymentNotice).where(PaymentNotice.dossier_id == bindparam("id"))
_STATUS = select(Dossier.status).where(Dossier.code == bindparam("code"))


async def lock_dossier(session: Session, dossier_id: UUID, principal: Principal) -> tuple[HeadRow, Dossier]:
    """Lock the head, then the dossier, in one statement; DossierUnknown if it is not there for *principal*."""
    given = {"id": dossier_id, **_eyes(principal)}
    row = (await session.execute(_LOCK[_sight(principal)], given)).one_or_none()
    if row is None:
        raise DossierUnknown(str(dossier_id))
    return row[0], row[1]


async def lock_with_notices(
    session: Session, dossier_id: UUID, principal: Principal
) -> tuple[HeadRow, Dossier, list[PaymentNotice]]:
    """Lock head, dossier and notices in one statement; DossierUnknown if it is not there for *principal*.

    All rows that are read are locked: who waited for the head then sees their present versions. A notice that was
    added meanwhile is not in the statement's snapshot; ``n_notices`` tells, and the notices are read again.
    """
    given = {"id": dossier_id, **_eyes(principal)}
    rows = list(await session.execute(_LOCK_WITH_NOTICES[_sight(principal)], given))
    head, dossier = rows[0][:2] if rows else await lock_dossier(session, dossier_id, principal)
    if len(rows) == dossier.n_notices:
        session.info.setdefault(_NOTICES, {})[dossier_id] = _oldest_first(notice for _, _, notice in rows)
    return head, dossier, await notices(session, dossier)


async def preload(session: Session, ids: Collection[UUID]) -> list[Dossier]:
    """Bring the dossiers of a batch into the session; their heads are locked already."""
    return list(await session.scalars(_PRELOAD, {"ids": list(ids)}))


async def get_dossier(session: Session, dossier_id: UUID, principal: Principal) -> Dossier:
    """Return a dossier that *principal* may see."""
    dossier: Dossier | None = await session.scalar(_DOSSIER[_sight(principal)], {"id": dossier_id, **_eyes(principal)})
    if dossier is None:
        raise DossierUnknown(str(dossier_id))
    return dossier


async def list_dossiers(  # noqa: PLR0913
    session: Session,
    principal: Principal,
    *,
    status: str | None,
    code: str | None,
    receiving_unit_code: str | None,
    after: UUID | None,
    limit: int,
) -> list[Dossier]:
    """Return a page of dossiers, in order of submission."""
    given = {"status": status, "code": code, "receiving_unit_code": receiving_unit_code}
    query = select(Dossier).where(_VISIBLE[_sight(principal)]).order_by(Dossier.id).limit(limit)
    query = query.filter_by(**{name: value for name, value in given.items() if value is not None})
    if after is not None:
        query = query.where(Dossier.id > after)
    return list(await session.scalars(query, _eyes(principal)))


# The two inserts name tables, not entities: of an entity's insert the session makes a new statement for every call.

_COUNTER = Base.metadata.tables[CodeCounter.__tablename__]
_NEXT_NUMBER = (
    upsert(_COUNTER)
    .values(prefix=bindparam("of_prefix"), day=bindparam("on_day"), last=1)
    .on_conflict_do_update(index_elements=["prefix", "day"], set_={"last": _COUNTER.c.last + 1})
    .returning(_COUNTER.c.last)
)


async def next_number(session: Session, prefix: str, day: date) -> int:
    """Return the next number of a unit on a day; its row stays locked until the commit, so none is skipped."""
    number: int = (await session.execute(_NEXT_NUMBER, {"of_prefix": prefix, "on_day": day})).one()[0]
    return number


async def keep_number(session: Session, code: str, day: date) -> None:
    """Let the counter of a code's unit on a day stand at its number at least."""
    prefix, _, number = code.rsplit("-", 2)
    row = upsert(_COUNTER).values(prefix=prefix, day=day, last=int(number))
    last = func.greatest(_COUNTER.c.last, row.excluded.last)
    await session.execute(row.on_conflict_do_update(index_elements=["prefix", "day"], set_={"last": last}))


class ApplicantLost(NotFound):
    """A dossier without its particulars: a restored database lacks them, they have to be asked for again."""

    code = "applicant_lost"
    title = Text("Không có thông tin người nộp", "The particulars are not there")


_SINCE = (
    select(Applicant)
    .where(Applicant.dossier_id == bindparam("dossier_id"), Applicant.version >= bindparam("version"))
    .order_by(Applicant.version)
    .limit(1)
)


async def get_applicant(session: Session, dossier_id: UUID, version: int) -> Applicant:
    """Return one version of the people of a dossier; of one that is lost, what was given instead. ApplicantLost."""
    applicant = await find_applicant(session, dossier_id, version)
    applicant = applicant or await session.scalar(_SINCE, {"dossier_id": dossier_id, "version": version})
    if applicant is None:
        raise ApplicantLost(f"{dossier_id} applicant {version}")
    return applicant


async def find_applicant(session: Session, dossier_id: UUID, version: int) -> Applicant | None:
    """Return this very version of the people of a dossier, if it is there."""
    return await session.get(Applicant, (dossier_id, version))


async def notices(session: Session, dossier: Dossier) -> list[PaymentNotice]:
    """Return the notices of a dossier, oldest first.

    Kept for the transaction: the facts of a batch see what the ones before them added, flushed or not.
    """
    kept: dict[UUID, list[PaymentNotice]] = session.info.setdefault(_NOTICES, {})
    if dossier.id not in kept:
        rows = await session.scalars(_NOTICES_OF, {"id": dossier.id}) if dossier.n_notices else ()
        kept[dossier.id] = _oldest_first(rows)
    return kept[dossier.id]


def _oldest_first(rows: Iterable[PaymentNotice]) -> list[PaymentNotice]:
    return sorted(rows, key=lambda notice: (notice.requested_at, notice.notice_no))


def add_notice(session: Session, dossier: Dossier, notice_no: str) -> PaymentNotice:
    """Add an empty notice to those that ``notices`` returned."""
    notice = PaymentNotice(dossier_id=dossier.id, notice_no=notice_no)
    session.add(notice)
    dossier.n_notices += 1
    session.info[_NOTICES][dossier.id].append(notice)
    return notice


async def present_request(session: Session, dossier: Dossier) -> SupplementRequest:
    """Return the newest supplement request: the one that is open while the dossier waits for a supplement."""
    return await session.get_one(SupplementRequest, (dossier.id, dossier.n_supplements))


async def find_by_code(session: Session, code: str) -> str | None:
    """Return the status of the dossier with an official code."""
    status: str | None = await session.scalar(_STATUS, {"code": code})
    return status


_KEPT = Base.metadata.tables[TimelineEvent.__tablename__]
_NAMES = _KEPT.c.keys()
_ARRAYS = func.unnest(*(bindparam(column.name, type_=ARRAY(column.type)) for column in _KEPT.c))
_KEEP = insert(_KEPT).from_select(_NAMES, select(_ARRAYS.table_valued(*_NAMES).render_derived()))


async def keep_foreign(session: Session, events: Sequence[Event]) -> None:
    """Keep facts of other services as they were published: one statement, the same text for any number of them."""
    await session.execute(_KEEP, {name: [getattr(event, name) for event in events] for name in _NAMES})


async def copies(session: Session, source: str, dossier_id: UUID, from_seq: int, limit: int) -> list[Event]:
    """Return facts of *source* about a dossier as they were published, from a sequence number on."""
    query = (
        select(TimelineEvent)
        .where(TimelineEvent.dossier_id == dossier_id, TimelineEvent.source == source, TimelineEvent.seq >= from_seq)
        .order_by(TimelineEvent.seq)
        .limit(limit)
    )
    rows = await session.scalars(query)
    return [Event(source, *[getattr(row, name) for name in Event._fields[1:]]) for row in rows]


async def timeline(session: Session, dossier_id: UUID) -> list[dict[str, Any]]:
    """Return source, seq, id, type, time and data of every fact of a dossier, in the order that respects causes."""
    own = [
        {"source": "intake", **_shown(row)}
        for row in await session.scalars(select(EventRow).where(EventRow.dossier_id == dossier_id))
    ]
    foreign = [
        {"source": row.source, **_shown(row)}
        for row in await session.scalars(select(TimelineEvent).where(TimelineEvent.dossier_id == dossier_id))
    ]
    return sorted(own + foreign, key=lambda row: (row["time"], row["source"], row["seq"]))


def _shown(row: EventRow | TimelineEvent) -> dict[str, Any]:
    return {"seq": row.seq, "id": row.id, "type": row.type, "time": row.time, "data": json.loads(row.data)}
