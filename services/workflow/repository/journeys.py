"""Journeys: dossiers on their routes with their legs, and lists of legs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    SmallInteger,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    func,
    join,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy import (
    Text as SqlText,
)
from sqlalchemy.orm import aliased

from services.workflow.domain.legs import OPEN
from services.workflow.models import Dossier, Exchange, Leg, SupplementProposal
from shared.errors import DossierUnknown, NotFound, Text
from shared.session import Session
from shared.tables import HeadRow

_CACHE = "workflow.journeys"


class LegUnknown(NotFound):
    """No such leg, or another agency's."""

    code = "leg_unknown"
    title = Text("Không tìm thấy chặng", "Unknown leg")


@dataclass(slots=True)
class Journey:
    """A dossier on its route with its locked head and all its legs in order, those of this transaction included."""

    head: HeadRow
    dossier: Dossier
    legs: list[Leg]
    exchange: Exchange
    """What outside systems are told of it."""

    def leg(self, leg_no: int) -> Leg:
        """Return one leg; LegUnknown if it is not there."""
        found = next((leg for leg in self.legs if leg.leg_no == leg_no), None)
        if found is None:
            raise LegUnknown(str(leg_no))
        return found


# Statements are built once: to build one costs more than to run it, and one array instead of a list of parameters
# is prepared once, whatever its length.

_mine = aliased(Leg)
_codes = bindparam("agency_codes", type_=ARRAY(SqlText))
_ids = bindparam("ids", type_=ARRAY(Uuid))
_LOCK = (
    select(HeadRow, Dossier, Exchange, Leg)
    .join(Dossier, Dossier.id == HeadRow.dossier_id)
    .join(Exchange, Exchange.dossier_id == HeadRow.dossier_id)
    .join(Leg, Leg.dossier_id == HeadRow.dossier_id)
    .where(
        HeadRow.dossier_id == bindparam("dossier_id"),
        exists().where(
            _mine.dossier_id == bindparam("dossier_id"),
            _mine.leg_no == bindparam("leg_no"),
            _mine.agency_code == any_(_codes),
        ),
    )
    .with_for_update(of=[HeadRow, Dossier, Exchange, Leg])
)
_LOCK_FREE = (
    select(HeadRow)
    .where(HeadRow.dossier_id == any_(_ids))
    .order_by(HeadRow.dossier_id)
    .with_for_update(skip_locked=True)
)
_JOURNEYS = (
    select(Exchange, Dossier, Leg)
    .outerjoin(Dossier, Dossier.id == Exchange.dossier_id)
    .outerjoin(Leg, Leg.dossier_id == Dossier.id)
    .where(Exchange.dossier_id == any_(_ids))
    .order_by(Exchange.dossier_id, Leg.leg_no)
)
_LEGS = select(Leg).where(Leg.dossier_id == bindparam("dossier_id")).order_by(Leg.leg_no)


async def lock_journey(
    session: Session, dossier_id: UUID, leg_no: int, agency_codes: Collection[str]
) -> Journey | None:
    """Lock head, dossier and legs in one statement; None unless the leg is one of *agency_codes*.

    All rows that are read are locked: who waited for the head then sees their present versions. A leg that was added
    meanwhile is not in the statement's snapshot; ``n_legs`` tells, and the legs are read again.
    """
    given = {"dossier_id": dossier_id, "leg_no": leg_no, "agency_codes": list(agency_codes)}
    rows = list(await session.execute(_LOCK, given))
    if not rows:
        return None
    head, dossier, exchange, _ = rows[0]
    legs = [leg for _, _, _, leg in rows]
    if len(legs) != dossier.n_legs:
        legs = await legs_of(session, dossier_id)
    return Journey(head, dossier, sorted(legs, key=lambda leg: leg.leg_no), exchange)


async def lock_journeys(session: Session, ids: Collection[UUID]) -> dict[UUID, Journey]:
    """Lock the heads that nobody else holds, then read their journeys: as they are under the lock."""
    heads = {head.dossier_id: head for head in await session.scalars(_LOCK_FREE, {"ids": sorted(ids)})}
    await preload(session, heads)
    journeys = {dossier_id: await journey(session, head) for dossier_id, head in heads.items()}
    return {dossier_id: found for dossier_id, found in journeys.items() if found is not None}


async def legs_of(session: Session, dossier_id: UUID) -> list[Leg]:
    """Return all legs of a dossier, in order."""
    return list(await session.scalars(_LEGS, {"dossier_id": dossier_id}))


@dataclass(slots=True)
class Known:
    """What is stored about one dossier: what outside systems are told of it and, once it set out, its journey."""

    exchange: Exchange | None = None
    dossier: Dossier | None = None
    legs: list[Leg] = field(default_factory=list)


async def preload(session: Session, ids: Collection[UUID]) -> None:
    """Read what is stored about the dossiers of a batch; their heads are locked already."""
    session.info.setdefault(_CACHE, {}).update(await _read(session, ids))


async def _known(session: Session, dossier_id: UUID) -> Known:
    """Return what is stored about a dossier whose head is locked.

    Kept for the transaction: the facts of a batch see what the ones before them did, written or not.
    """
    cache: dict[UUID, Known] = session.info.setdefault(_CACHE, {})
    if dossier_id not in cache:
        await preload(session, [dossier_id])
    return cache[dossier_id]


async def journey(session: Session, head: HeadRow) -> Journey | None:
    """Return the journey of a dossier whose *head* is locked, None if it did not set out."""
    known = await _known(session, head.dossier_id)
    if known.dossier is None or known.exchange is None:
        return None
    return Journey(head, known.dossier, known.legs, known.exchange)


async def exchange_of(session: Session, dossier_id: UUID) -> Exchange | None:
    """Return what outside systems are told of a dossier whose head is locked, None before it was submitted."""
    return (await _known(session, dossier_id)).exchange


async def _read(session: Session, ids: Collection[UUID]) -> dict[UUID, Known]:
    found = {dossier_id: Known() for dossier_id in ids}
    for exchange, dossier, leg in await session.execute(_JOURNEYS, {"ids": sorted(ids)}):
        known = found[exchange.dossier_id]
        known.exchange, known.dossier = exchange, dossier
        known.legs += [leg] if leg is not None else []
    return found


async def add_exchange(session: Session, exchange: Exchange) -> None:
    """Add what outside systems are told of a dossier that was submitted."""
    session.add(exchange)
    (await _known(session, exchange.dossier_id)).exchange = exchange


async def add_journey(session: Session, head: HeadRow, dossier: Dossier) -> Journey:
    """Add a dossier that sets out."""
    session.add(dossier)
    known = await _known(session, dossier.id)
    assert known.exchange is not None  # noqa: S101 - submission comes before acceptance
    known.dossier = dossier
    return Journey(head, dossier, known.legs, known.exchange)


# Reading. *agency_codes* are those the caller acts for; None means that the role reads everything.


def _dossier_seen_by(agency_codes: Collection[str] | None) -> ColumnElement[bool]:
    """Return the condition under which a dossier is seen: received by the agency, or once handed to it."""
    if agency_codes is None:
        return true()
    handed = exists().where(Leg.dossier_id == Dossier.id, Leg.agency_code.in_(agency_codes))
    return or_(Dossier.receiving_unit_code.in_(agency_codes), handed)


def _leg_seen_by(agency_codes: Collection[str] | None) -> ColumnElement[bool]:
    """Return the condition under which a leg is seen: the agency's own; the receiving unit answers for all of them."""
    if agency_codes is None:
        return true()
    return or_(Leg.agency_code.in_(agency_codes), Dossier.receiving_unit_code.in_(agency_codes))


async def get_dossier(session: Session, dossier_id: UUID, agency_codes: Collection[str] | None) -> Dossier:
    """Return a dossier that the caller may see; DossierUnknown if it is not there for it."""
    dossier = await session.scalar(select(Dossier).where(Dossier.id == dossier_id, _dossier_seen_by(agency_codes)))
    if dossier is None:
        raise DossierUnknown(str(dossier_id))
    return dossier


async def visible_leg_nos(session: Session, dossier_id: UUID, agency_codes: Collection[str] | None) -> set[int]:
    """Return the numbers of the legs that the caller may see."""
    query = (
        select(Leg.leg_no)
        .join(Dossier, Dossier.id == Leg.dossier_id)
        .where(Leg.dossier_id == dossier_id, _leg_seen_by(agency_codes))
    )
    return set(await session.scalars(query))


async def proposals(session: Session, dossier_id: UUID, leg_nos: Collection[int]) -> list[SupplementProposal]:
    """Return the supplements proposed from some legs, oldest first."""
    query = select(SupplementProposal).where(
        SupplementProposal.dossier_id == dossier_id, SupplementProposal.leg_no.in_(leg_nos)
    )
    return list(await session.scalars(query.order_by(SupplementProposal.proposed_at, SupplementProposal.id)))


# Lists of legs, the earliest deadline first. The statuses are written into the statement: only then can the planner
# prove that a partial index fits.

LegRow = tuple[Leg, Dossier]
Cursor = tuple[datetime, UUID, int]
START: Cursor = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0), 0)
"""Before every leg."""

_cursor = tuple_(
    bindparam("urgent_at", type_=DateTime(timezone=True)),
    bindparam("dossier_id", type_=Uuid),
    bindparam("leg_no", type_=SmallInteger),
)
_limit = bindparam("limit", type_=Integer)
_seen = aliased(Leg)
_code = func.unnest(_codes).table_valued("code").render_derived()
_place = (_seen.urgent_at, _seen.dossier_id, _seen.leg_no)
_page = (
    select(*_place)
    .where(
        _seen.agency_code == _code.c.code,
        _seen.status.in_(bindparam("statuses", expanding=True, literal_execute=True)),
        tuple_(*_place) > _cursor,
    )
    .order_by(*_place)
    .limit(_limit)
    .lateral("page")
)
_INBOX = (
    select(Leg, Dossier)
    .select_from(join(_code, _page, true()))
    .join(Leg, (Leg.dossier_id == _page.c.dossier_id) & (Leg.leg_no == _page.c.leg_no))
    .join(Dossier, Dossier.id == Leg.dossier_id)
    .order_by(_page.c.urgent_at, _page.c.dossier_id, _page.c.leg_no)
    .limit(_limit)
)
"""One walk along the index for each agency code, so that the cost is that of a page."""


async def inbox(
    session: Session, agency_codes: Collection[str], statuses: Iterable[str], after: Cursor | None, limit: int
) -> list[LegRow]:
    """Return a page of an agency's legs with their dossiers."""
    given = {"agency_codes": list(agency_codes), "statuses": sorted(statuses)}
    return list(await session.execute(_INBOX, {**given, **_beyond(after, limit)}))


_where = (Leg.urgent_at, Leg.dossier_id, Leg.leg_no)
_unheld = (
    Leg.status.in_(bindparam("statuses", sorted(OPEN), expanding=True, literal_execute=True)),
    or_(Leg.agency_code == any_(_codes), and_(Leg.agency_code.is_(None), Leg.holder == "agency")),
    tuple_(*_where) > _cursor,
)
_UNHELD = select(*_where).where(*_unheld).order_by(*_where).limit(_limit)
_UNHELD_READ = (
    select(Leg, Dossier)
    .join(Dossier, Dossier.id == Leg.dossier_id)
    .where(*_unheld)
    .order_by(*_where)
    .limit(_limit)
)  # fmt: skip


async def unheld(session: Session, gone: Collection[str], after: Cursor | None, limit: int) -> list[Cursor]:
    """Return a page of the places of open legs held by one of the agencies *gone*, or by none; nothing is locked."""
    rows = await session.execute(_UNHELD, {"agency_codes": list(gone), **_beyond(after, limit)})
    return [(urgent_at, dossier_id, leg_no) for urgent_at, dossier_id, leg_no in rows]


async def read_unheld(session: Session, gone: Collection[str], after: Cursor | None, limit: int) -> list[LegRow]:
    """Return a page of the same legs with their dossiers."""
    return list(await session.execute(_UNHELD_READ, {"agency_codes": list(gone), **_beyond(after, limit)}))


def _beyond(after: Cursor | None, limit: int) -> dict[str, datetime | UUID | int]:
    urgent_at, dossier_id, leg_no = after or START
    return {"urgent_at": urgent_at, "dossier_id": dossier_id, "leg_no": leg_no, "limit": limit}
