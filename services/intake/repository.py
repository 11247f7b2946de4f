"""Every query of intake."""

import json
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.models import (
    Applicant,
    CodeCounter,
    Dossier,
    PaymentNotice,
    SupplementRequest,
    TimelineEvent,
)
from shared.auth import Principal, Role
from shared.errors import DossierUnknown
from shared.tables import EventRow, HeadRow
from shared.timeline import Event


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """Return the condition under which *principal* sees a dossier: its own agency's, or those it submitted."""
    if principal.has(Role.OPS, Role.LEADER, Role.SYSTEM):
        return true()
    if principal.has(Role.OFFICER):
        return Dossier.receiving_unit_code == (principal.agency_code or "")
    return Dossier.submitted_by == principal.subject


async def lock_dossier(
    session: AsyncSession, dossier_id: UUID, principal: Principal | None = None
) -> tuple[HeadRow, Dossier]:
    """Lock the head, then the dossier, in one statement; DossierUnknown if it is not there for *principal*."""
    query = (
        select(HeadRow, Dossier)
        .join(Dossier, Dossier.id == HeadRow.dossier_id)
        .where(HeadRow.dossier_id == dossier_id)
        .with_for_update(of=[HeadRow, Dossier])
    )
    if principal is not None:
        query = query.where(visible_to(principal))
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise DossierUnknown(str(dossier_id))
    return row[0], row[1]


async def preload(session: AsyncSession, ids: Collection[UUID]) -> list[Dossier]:
    """Bring the dossiers of a batch into the session; their heads are locked already."""
    return list(await session.scalars(select(Dossier).where(Dossier.id.in_(ids))))


async def get_dossier(session: AsyncSession, dossier_id: UUID, principal: Principal) -> Dossier:
    """Return a dossier that *principal* may see."""
    query = select(Dossier).where(Dossier.id == dossier_id, visible_to(principal))
    dossier = await session.scalar(query)
    if dossier is None:
        raise DossierUnknown(str(dossier_id))
    return dossier


async def list_dossiers(  # noqa: PLR0913
    session: AsyncSession,
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
    query = select(Dossier).where(visible_to(principal)).order_by(Dossier.id).limit(limit)
    query = query.filter_by(**{name: value for name, value in given.items() if value is not None})
    if after is not None:
        query = query.where(Dossier.id > after)
    return list(await session.scalars(query))


async def next_number(session: AsyncSession, prefix: str, day: date) -> int:
    """Return the next number of a unit on a day; its row stays locked until the commit, so none is skipped."""
    row = upsert(CodeCounter).values(prefix=prefix, day=day, last=1)
    again = row.on_conflict_do_update(
        index_elements=[CodeCounter.prefix, CodeCounter.day], set_={"last": CodeCounter.last + 1}
    )
    number: int = await session.scalar(again.returning(CodeCounter.last))  # type: ignore[assignment]
    return number


async def get_applicant(session: AsyncSession, dossier_id: UUID, version: int) -> Applicant:
    """Return one version of the people of a dossier."""
    applicant = await session.get(Applicant, (dossier_id, version))
    if applicant is None:
        raise DossierUnknown(f"{dossier_id} applicant {version}")
    return applicant


async def notices(session: AsyncSession, dossier_id: UUID) -> list[PaymentNotice]:
    """Return the notices of a dossier, oldest first."""
    query = select(PaymentNotice).where(PaymentNotice.dossier_id == dossier_id)
    return list(await session.scalars(query.order_by(PaymentNotice.requested_at, PaymentNotice.notice_no)))


async def open_request(session: AsyncSession, dossier_id: UUID) -> SupplementRequest | None:
    """Return the supplement request that is not yet met."""
    query = select(SupplementRequest).where(
        SupplementRequest.dossier_id == dossier_id, SupplementRequest.received_at.is_(None)
    )
    request: SupplementRequest | None = await session.scalar(query)
    return request


async def find_by_code(session: AsyncSession, code: str) -> str | None:
    """Return the status of the dossier with an official code."""
    status: str | None = await session.scalar(select(Dossier.status).where(Dossier.code == code))
    return status


async def keep_foreign(session: AsyncSession, events: Iterable[Event]) -> None:
    """Keep facts of other services as they were published, many in one statement."""
    rows = [{name: getattr(event, name) for name in Event.__slots__} for event in events]
    await session.execute(insert(TimelineEvent), rows)


async def timeline(session: AsyncSession, dossier_id: UUID) -> list[dict[str, Any]]:
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
