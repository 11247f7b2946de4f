"""Every query of workflow."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Row,
    Select,
    any_,
    bindparam,
    cast,
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
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.workflow.models import Dossier, Leg, SupplementProposal
from shared.errors import DossierUnknown, NotFound, Text
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

    def leg(self, leg_no: int) -> Leg:
        """Return one leg; LegUnknown if it is not there."""
        found = next((leg for leg in self.legs if leg.leg_no == leg_no), None)
        if found is None:
            raise LegUnknown(str(leg_no))
        return found


_mine = aliased(Leg)
_codes = cast(bindparam("agency_codes"), ARRAY(SqlText))
_LOCK = (
    select(HeadRow, Dossier, Leg)
    .join(Dossier, Dossier.id == HeadRow.dossier_id)
    .join(Leg, Leg.dossier_id == HeadRow.dossier_id)
    .where(
        HeadRow.dossier_id == bindparam("dossier_id"),
        exists().where(
            _mine.dossier_id == bindparam("dossier_id"),
            _mine.leg_no == bindparam("leg_no"),
            _mine.agency_code == any_(_codes),
        ),
    )
    .with_for_update(of=[HeadRow, Dossier, Leg])
)
"""Built once: an alias of a table with twenty columns costs more than the statement."""


async def lock_journey(
    session: AsyncSession, dossier_id: UUID, leg_no: int, agency_codes: Collection[str]
) -> Journey | None:
    """Lock head, dossier and legs in one statement; None unless the leg is one of *agency_codes*.

    All rows that are read are locked: who waited for the head then sees their present versions. A leg that was added
    meanwhile is not in the statement's snapshot; ``n_legs`` tells, and the legs are read again.
    """
    given = {"dossier_id": dossier_id, "leg_no": leg_no, "agency_codes": list(agency_codes)}
    rows = list(await session.execute(_LOCK, given))
    if not rows:
        return None
    head, dossier, _ = rows[0]
    legs = [leg for _, _, leg in rows]
    if len(legs) != dossier.n_legs:
        legs = await legs_of(session, [dossier_id])
    return Journey(head, dossier, sorted(legs, key=lambda leg: leg.leg_no))


async def legs_of(session: AsyncSession, ids: Collection[UUID]) -> list[Leg]:
    """Return all legs of some dossiers, in order."""
    query = select(Leg).where(Leg.dossier_id.in_(ids)).order_by(Leg.dossier_id, Leg.leg_no)
    return list(await session.scalars(query))


async def preload(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Read the dossiers of a batch with their legs in two statements; their heads are locked already."""
    journeys: dict[UUID, tuple[Dossier, list[Leg]] | None] = dict.fromkeys(ids)
    for dossier in await session.scalars(select(Dossier).where(Dossier.id.in_(ids))):
        journeys[dossier.id] = (dossier, [])
    for leg in await legs_of(session, [key for key, there in journeys.items() if there]):
        found = journeys[leg.dossier_id]
        if found is not None:
            found[1].append(leg)
    session.info.setdefault(_CACHE, {}).update(journeys)


async def journey(session: AsyncSession, head: HeadRow) -> Journey | None:
    """Return the journey of a dossier whose *head* is locked, None if it did not set out.

    Kept for the transaction: the facts of a batch see what the ones before them did, flushed or not.
    """
    cache = session.info.setdefault(_CACHE, {})
    if head.dossier_id not in cache:
        await preload(session, [head.dossier_id])
    found = cache[head.dossier_id]
    return Journey(head, *found) if found else None


def add_journey(session: AsyncSession, head: HeadRow, dossier: Dossier) -> Journey:
    """Add a dossier that sets out."""
    session.add(dossier)
    legs: list[Leg] = []
    session.info.setdefault(_CACHE, {})[dossier.id] = (dossier, legs)
    return Journey(head, dossier, legs)


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


async def get_dossier(session: AsyncSession, dossier_id: UUID, agency_codes: Collection[str] | None) -> Dossier:
    """Return a dossier that the caller may see; DossierUnknown if it is not there for it."""
    dossier = await session.scalar(select(Dossier).where(Dossier.id == dossier_id, _dossier_seen_by(agency_codes)))
    if dossier is None:
        raise DossierUnknown(str(dossier_id))
    return dossier


async def visible_leg_nos(session: AsyncSession, dossier_id: UUID, agency_codes: Collection[str] | None) -> set[int]:
    """Return the numbers of the legs that the caller may see."""
    query = (
        select(Leg.leg_no)
        .join(Dossier, Dossier.id == Leg.dossier_id)
        .where(Leg.dossier_id == dossier_id, _leg_seen_by(agency_codes))
    )
    return set(await session.scalars(query))


async def proposals(session: AsyncSession, dossier_id: UUID, leg_nos: Collection[int]) -> list[SupplementProposal]:
    """Return the supplements proposed from some legs, oldest first."""
    query = select(SupplementProposal).where(
        SupplementProposal.dossier_id == dossier_id, SupplementProposal.leg_no.in_(leg_nos)
    )
    return list(await session.scalars(query.order_by(SupplementProposal.proposed_at, SupplementProposal.id)))


Cursor = tuple[datetime, UUID, int]


async def inbox(
    session: AsyncSession,
    agency_codes: Collection[str],
    statuses: Iterable[str],
    after: Cursor | None,
    limit: int,
) -> list[Row[Leg, Dossier]]:
    """Return a page of an agency's legs with their dossiers, the earliest deadline first."""
    return list(await session.execute(_inbox(agency_codes, statuses, after, limit)))


def _inbox(
    agency_codes: Collection[str], statuses: Iterable[str], after: Cursor | None, limit: int
) -> Select[Leg, Dossier]:
    """Build the query: one walk along the index for each agency code, so that the cost is that of a page.

    The statuses are written into the statement: only then can the planner prove that a partial index fits.
    """
    code = func.unnest(cast(list(agency_codes), ARRAY(SqlText))).table_valued("code").render_derived()
    wanted: BindParameter[list[str]] = bindparam("statuses", sorted(statuses), expanding=True, literal_execute=True)
    seen = aliased(Leg)
    position = (seen.urgent_at, seen.dossier_id, seen.leg_no)
    beyond = true() if after is None else tuple_(*position) > after
    walk = select(*position).where(seen.agency_code == code.c.code, seen.status.in_(wanted), beyond)
    page = walk.order_by(*position).limit(limit).lateral("page")
    return (
        select(Leg, Dossier)
        .select_from(join(code, page, true()))
        .join(Leg, (Leg.dossier_id == page.c.dossier_id) & (Leg.leg_no == page.c.leg_no))
        .join(Dossier, Dossier.id == Leg.dossier_id)
        .order_by(page.c.urgent_at, page.c.dossier_id, page.c.leg_no)
        .limit(limit)
    )
