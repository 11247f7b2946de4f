"""The endpoints every service has: health, readiness, metrics, ledgers and heads for peers, what is not in step."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import TextClause, func, select, text, update

from shared import audit, forks, full_sweep, outbox
from shared.auth import Role, allow
from shared.clock import Clock
from shared.digest import N_BUCKETS
from shared.errors import NotFound
from shared.events.envelope import LARGEST_SEQ, ReplayedEvent
from shared.inbox import try_now
from shared.session import Session as DbSession
from shared.tables import EventRow, HeadRow, Hold, Parked, ReferenceRow, Restoration, Sweep
from shared.timeline import SOURCES, Entry, Event, format_chain
from shared.web import AlwaysRoute, Instant, LocalInstant, Session

NOT_IN_STEP_AFTER = text("interval '60 seconds'")
PULL_LIMIT = 2_000

Bucket = Annotated[int, Field(ge=0, lt=N_BUCKETS)]

plain = APIRouter()
LONG_OUT_OF_STEP = text("interval '15 minutes'")
"""What is parked or held for that long is a person's matter."""
INCIDENTS = ("restored_from_backup", "dossier_frozen", "out_of_step")

api = APIRouter(prefix="/v1", route_class=AlwaysRoute)
Source = Literal["intake", "workflow", "sla", "notify"]


class Pull(BaseModel):
    """Which history to read, from which sequence number on."""

    model_config = ConfigDict(extra="forbid")
    dossier_id: UUID
    from_seq: int = Field(ge=1, le=LARGEST_SEQ)


class ParkedRead(BaseModel):
    """A dossier that stands still in this service, and why."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    dossier_id: UUID
    source: str
    seq: int
    type: str
    reason: str
    error: str
    n_tries: int
    since: LocalInstant
    last_tried_at: LocalInstant


@plain.get("/healthz", tags=["ops"])
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@plain.get("/readyz", tags=["ops"], responses={503: {"description": "Not ready"}})
async def ready(request: Request, response: Response) -> dict[str, Any]:
    """Migrated, replicas loaded; the broker is reachable or known to be away (commands work without it)."""
    state: dict[str, Any] = await request.app.state.service.readiness()
    if not state["ready"]:
        response.status_code = 503
    return state


@plain.get("/metrics", tags=["ops"], response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@api.get("/heads", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def heads(session: Session, since: Instant | None = None, after: UUID | None = None) -> dict[str, Any]:
    """Own histories that moved since an instant of this service's clock: ``[dossier_id, seq, chain]`` rows."""
    clock: Clock = session.info["clock"]
    business_until = clock.now() - audit.NOT_SEEN * clock.speed
    entries, until = await audit.heads_since(session, since, after)
    return {
        "items": _rows(dict(entries)),
        "next": str(entries[-1][0]) if len(entries) == audit.PAGE else None,
        "until": until.isoformat(),
        "business_until": business_until.isoformat(),
    }


@api.get("/heads/{dossier_id}", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def head(session: Session, dossier_id: UUID) -> dict[str, Any]:
    """What this service knows of one dossier: per source the last sequence number and the chain."""
    row = await session.get(HeadRow, dossier_id)
    if row is None:
        raise NotFound(str(dossier_id))
    entries = {source: row.entry(source) for source in SOURCES}
    return {source: {"seq": entry.seq, "chain": format_chain(entry.chain)} for source, entry in entries.items()}


@api.get("/digests", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def digests(request: Request, of: Source | None = None) -> dict[str, Any]:
    """Own histories (or those *of* another, as far as they were applied) in buckets, and which own ones moved lately.

    A row is ``[bucket, n_dossiers, sum of seqs, xor of chains]``.
    """
    service = request.app.state.service
    name = service.definition.name
    side = await full_sweep.side(service.sessions, name, of or name)
    rows = sorted(side.digests.items())
    return {
        "digests": [[bucket, one.n_dossiers, one.seqs, format_chain(one.chains)] for bucket, one in rows],
        "moving": _rows(side.moving),
    }


@api.get("/digests/entries", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def digest_entries(
    request: Request,
    bucket: Annotated[list[Bucket], Query(min_length=1, max_length=full_sweep.AT_ONCE)],
    of: Source | None = None,
) -> dict[str, Any]:
    """The histories in some buckets: ``[dossier_id, seq, chain]`` rows, and the dossiers that moved lately."""
    service = request.app.state.service
    async with full_sweep.snapshot(service.sessions) as session:
        entries = await full_sweep.entries_in(session, of or service.definition.name, bucket)
        return {"items": _rows(entries), "moving": [str(one) for one in await full_sweep.moving(session)]}


def _rows(entries: Mapping[UUID, Entry]) -> list[list[Any]]:
    return [[str(dossier_id), entry.seq, format_chain(entry.chain)] for dossier_id, entry in entries.items()]


@api.post("/events/pull", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def pull(session: Session, wanted: list[Pull]) -> dict[str, Any]:
    """Replay from the ledger, byte for byte; a long answer is cut after whole events, so ask again from there."""
    service = session.info["service"]

    async def read(want: Pull, room: int) -> list[Event]:
        query = (
            select(EventRow)
            .where(EventRow.dossier_id == want.dossier_id, EventRow.seq >= want.from_seq)
            .order_by(EventRow.seq)
            .limit(room)
        )
        return [outbox.to_event(service, row) for row in await session.scalars(query)]

    return await replayed(wanted, read)


async def replayed(wanted: list[Pull], read: Callable[[Pull, int], Awaitable[list[Event]]]) -> dict[str, Any]:
    """Return the answer to *wanted*: what *read* finds of each, given how much there is still room for."""
    items: list[ReplayedEvent] = []
    for want in wanted[:PULL_LIMIT]:
        items += [ReplayedEvent.of(event) for event in await read(want, PULL_LIMIT - len(items))]
        if len(items) >= PULL_LIMIT:
            break
    return {"items": items, "cut": len(items) >= PULL_LIMIT or len(wanted) > PULL_LIMIT}


@api.get("/reference", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def reference_keys(session: Session) -> dict[str, Any]:
    """All versions of the reference data this service owns."""
    keys = await session.execute(
        select(ReferenceRow.kind, ReferenceRow.code, ReferenceRow.version).where(ReferenceRow.owned)
    )
    return {"items": [{"kind": kind, "code": code, "version": version} for kind, code, version in keys]}


@api.get("/reference/{kind}/{code}/{version}", tags=["peers"], dependencies=[Depends(allow(Role.SYSTEM, Role.OPS))])
async def reference(
    session: Session, kind: str, code: str, version: Annotated[int, Path(ge=1, le=LARGEST_SEQ)]
) -> dict[str, Any]:
    """One version of reference data."""
    row = await session.get(ReferenceRow, (kind, code, version))
    if row is None:
        raise NotFound(f"{kind} {code}@{version}")
    return row.data


@api.get("/convergence", tags=["ops"], dependencies=[Depends(allow(Role.OPS, Role.LEADER))])
async def convergence(session: Session) -> dict[str, Any]:
    """What is not in step with the other services, since when, and how recently that was checked."""
    return {
        "service": session.info["service"],
        "sweeps": [_sweep(row) for row in await session.scalars(select(Sweep).order_by(Sweep.peer, Sweep.kind))],
        "unpublished": await session.scalar(
            select(func.count()).select_from(EventRow).where(EventRow.published_at.is_(None))
        ),
        "held": await session.scalar(select(func.count()).select_from(Hold)),
        "parked": await session.scalar(select(func.count()).select_from(Parked)),
        "not_in_step": await _not_in_step(session, NOT_IN_STEP_AFTER),
        "incidents": await incidents(session),
    }


async def incidents(session: DbSession) -> list[dict[str, Any]]:
    """Return what a person has to settle between our own services: it is gone from here when it is settled."""
    restored = await session.get(Restoration, session.info["service"])
    found: list[dict[str, Any]] = []
    if restored is not None and restored.recovered_until is None:
        found.append({"kind": INCIDENTS[0], "since": restored.restored_since, "missing": restored.missing})
    found += [{"kind": INCIDENTS[1], **one.model_dump()} for one in await forks.frozen_in(session)]
    return found + [{"kind": INCIDENTS[2], **one} for one in await _not_in_step(session, LONG_OUT_OF_STEP)]


def _sweep(row: Sweep) -> dict[str, Any]:
    return {
        "peer": row.peer,
        "kind": row.kind,
        "ended_at": row.ended_at,
        "covers_until": row.covers_until,
        "n_compared": row.n_compared,
        "n_behind": row.n_behind,
        "found": row.found,
        "error": row.error,
    }


async def _not_in_step(session: DbSession, after: TextClause) -> list[dict[str, Any]]:
    holds = select(Hold.dossier_id, Hold.source, Hold.since, text("'held'"), text("''"))
    parked = select(Parked.dossier_id, Parked.source, Parked.since, Parked.reason, Parked.error)
    rows = []
    for query, table in ((holds, Hold), (parked, Parked)):
        old = query.where(table.since < func.clock_timestamp() - after).order_by(table.since).limit(100)
        rows += list(await session.execute(old))
    names = ("dossier_id", "source", "since", "why", "error")
    return [dict(zip(names, row, strict=True)) for row in sorted(rows, key=lambda row: row[2])]


@api.get("/parked", tags=["ops"], dependencies=[Depends(allow(Role.OPS))])
async def parked_list(session: Session) -> dict[str, Any]:
    """Dossiers that stand still here; all others flow."""
    rows = await session.scalars(select(Parked).order_by(Parked.since).limit(200))
    return {"items": [ParkedRead.model_validate(row) for row in rows], "next": None}


@api.post("/parked/{parked_id}/retry", tags=["ops"], dependencies=[Depends(allow(Role.OPS))])
async def retry_parked(session: Session, parked_id: UUID) -> ParkedRead:
    """Try a parked dossier again: its events are read from their ledgers, from where it stands."""
    row = await session.get(Parked, parked_id, lock=True)
    if row is None:
        raise NotFound(str(parked_id))
    read = ParkedRead.model_validate(row)
    await unpark(session, [row.id])
    return read


async def unpark(session: Session, ids: list[UUID] | None = None) -> int:
    """Let poisoned dossiers (all, without *ids*) be tried again now; return how many. Their holds do the rest.

    A row stays until its event was applied; a fork or a restored ledger is no matter of trying again.
    """
    again = update(Parked).where(Parked.reason == "poison").values(is_retrying=True).returning(Parked.dossier_id)
    dossiers = list(await session.scalars(again if ids is None else again.where(Parked.id.in_(ids))))
    await try_now(session, dossiers)
    return len(dossiers)


async def gauges(session: Session) -> dict[str, Any]:
    """Read the numbers behind the gauges in one look."""
    old = func.clock_timestamp() - NOT_IN_STEP_AFTER
    behind = select(Hold.source, func.count()).where(Hold.since < old).group_by(Hold.source)
    unpublished = select(func.count(), func.min(EventRow.recorded_at)).where(EventRow.published_at.is_(None))
    n_unpublished, oldest = (await session.execute(unpublished)).one()
    now: datetime = (await session.execute(select(func.clock_timestamp()))).one()[0]
    return {
        "held": await session.scalar(select(func.count()).select_from(Hold)) or 0,
        "parked": await session.scalar(select(func.count()).select_from(Parked)) or 0,
        "unpublished": n_unpublished,
        "lag": (now - oldest) if oldest else timedelta(),
        "not_in_step": {source: int(n) for source, n in await session.execute(behind)},
        "incidents": Counter(one["kind"] for one in await incidents(session)),
    }
