"""Looking at outside systems: whom to look at next, what each has taken, how much has diverged."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update

from services.workflow.domain.incidents import Action, Kind
from services.workflow.domain.observing import Verdict
from services.workflow.models import Delivery, Incident, Standing
from shared.session import Session

# Two reads, so that a backlog of old looks (a partner was away for a day) never delays what was taken just now.
_LEASE = text("""
    WITH fresh AS (
        SELECT dossier_id, look_at FROM standing
        WHERE system = :system AND is_fresh AND look_at <= clock_timestamp()
        ORDER BY look_at LIMIT :n FOR UPDATE SKIP LOCKED
    ), other AS (
        SELECT dossier_id, look_at FROM standing
        WHERE system = :system AND NOT is_fresh AND look_at <= clock_timestamp()
        ORDER BY look_at LIMIT :n FOR UPDATE SKIP LOCKED
    ), due AS (
        SELECT dossier_id FROM (SELECT * FROM fresh UNION ALL SELECT * FROM other) AS every LIMIT :n
    )
    UPDATE standing SET fence = standing.fence + 1, look_at = clock_timestamp() + make_interval(secs => :seconds),
        due_since = COALESCE(standing.due_since, standing.look_at), is_fresh = FALSE
    FROM due JOIN exchange USING (dossier_id) JOIN delivery USING (dossier_id)
    WHERE standing.dossier_id = due.dossier_id AND standing.system = :system
        AND delivery.system = :system AND delivery.no = standing.told_no
    RETURNING delivery.id, standing.dossier_id, exchange.code AS dossier_code, delivery.no, delivery.fact,
        delivery.payload, standing.fence, NOT EXISTS (
            SELECT FROM delivery AS earlier WHERE earlier.dossier_id = standing.dossier_id AND earlier.system = :system
                AND earlier.no < standing.told_no AND earlier.acknowledged_at IS NOT NULL
        ) AS is_first
""")


async def lease_looks(session: Session, system: str, n: int, seconds: float) -> Sequence[Any]:
    """Hand out up to *n* dossiers that are due to be looked at, each with the last change that its system has taken.

    One statement, no head is locked. Who does not come back with an observation gets it again after *seconds*.
    """
    return await session.execute(_LEASE, {"system": system, "n": n, "seconds": seconds})


async def standing(session: Session, dossier_id: UUID, system: str) -> Standing | None:
    """Return how a dossier stands in a system, to be shown."""
    return await session.get(Standing, (dossier_id, system))


async def lock_standing(session: Session, dossier_id: UUID, system: str) -> Standing | None:
    """Lock how a dossier stands in a system, after its head: looks are handed out under this lock alone."""
    return await session.get(Standing, (dossier_id, system), lock=True)


async def picture_at(session: Session, dossier_id: UUID, system: str, no: int) -> dict[str, Any] | None:
    """Return the picture that a change came with; None if there is no such change."""
    found = await session.get(Delivery, (dossier_id, system, no))
    picture: dict[str, Any] | None = json.loads(found.payload)["dossier"] if found is not None else None
    return picture


_LOG = (
    select(Delivery.no)
    .where(
        Delivery.dossier_id == bindparam("dossier_id"),
        Delivery.system == bindparam("system"),
        Delivery.no <= bindparam("told_no"),
        Delivery.acknowledged_at.is_not(None),
    )
    .order_by(Delivery.no)
)


async def log_of(session: Session, standing: Standing) -> list[int]:
    """Return the changes that a system has taken, in order, without those of which only a person said so."""
    given = {"dossier_id": standing.dossier_id, "system": standing.system, "told_no": standing.told_no}
    return list(await session.scalars(_LOG, given))


_TAKEN = select(func.min(Delivery.no), func.max(Delivery.no)).where(
    Delivery.dossier_id == bindparam("dossier_id"),
    Delivery.system == bindparam("system"),
    Delivery.acknowledged_at.is_not(None),
)


async def taken(session: Session, standing: Standing) -> tuple[int, int]:
    """Return the first and the last change that the system itself has taken, 0 and 0 if none."""
    first, last = (await session.execute(_TAKEN, {"dossier_id": standing.dossier_id, "system": standing.system})).one()
    return first or 0, last or 0


_FROM = (
    select(Delivery)
    .where(
        Delivery.dossier_id == bindparam("dossier_id"),
        Delivery.system == bindparam("system"),
        Delivery.no >= bindparam("first"),
    )
    .order_by(Delivery.no)
    .with_for_update()  # a lease locks no head: what it has just handed out is not written over
)


async def deliveries_from(session: Session, standing: Standing, first: int) -> list[Delivery]:
    """Return a lane from *first* on, in order; its dossier's head is locked."""
    given = {"dossier_id": standing.dossier_id, "system": standing.system, "first": first}
    return list(await session.scalars(_FROM, given))


_ACCEPTED = select(Incident.kind, Incident.theirs).where(
    Incident.dossier_id == bindparam("dossier_id"),
    Incident.system == bindparam("system"),
    Incident.action == Action.ACCEPT.value,
    Incident.closed_at > bindparam("well_at"),
)
_EVER = datetime.min.replace(tzinfo=UTC)


async def accepted(session: Session, standing: Standing) -> list[tuple[str, dict[str, Any] | None]]:
    """Return the differences of which a person has said, since all was well last, that they stay: kind and theirs."""
    given = {"dossier_id": standing.dossier_id, "system": standing.system, "well_at": standing.well_at or _EVER}
    return [(kind, theirs) for kind, theirs in await session.execute(_ACCEPTED, given)]


# The brake


async def lock_brake(session: Session, system: str) -> None:
    """Let two that would put the brake on at once come one after the other; heads are locked before."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"brake/{system}"})


_BRAKES = (
    select(Incident)
    .where(Incident.system == bindparam("system"), Incident.kind == Kind.BRAKE.value)
    .order_by(Incident.id.desc())
    .limit(1)
)


async def last_brake(session: Session, system: str) -> Incident | None:
    """Return the last time that the brake was put on, open or released."""
    return await session.scalar(_BRAKES, {"system": system})


async def n_diverged(session: Session, system: str, brake: Incident | None) -> int:
    """Return how many dossiers have diverged since the brake was released last."""
    query = select(func.count()).where(Standing.system == system, Standing.verdict == Verdict.DIVERGED.value)
    if brake is not None:
        query = query.where(Standing.since > brake.closed_at)
    return await session.scalar(query) or 0


async def n_dossiers(session: Session, system: str, most: int) -> int:
    """Return how many dossiers a system has, counted up to *most*."""
    some = select(Standing.dossier_id).where(Standing.system == system).limit(most).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def look_soon(session: Session, dossier_id: UUID, system: str) -> None:
    """Have a dossier looked at at once, if it is looked at in that system."""
    it = (Standing.dossier_id == dossier_id, Standing.system == system, Standing.look_at.is_not(None))
    await session.execute(update(Standing).where(*it).values(look_at=func.clock_timestamp()))


async def look_now(session: Session, system: str) -> None:
    """Have everything that has diverged looked at at once."""
    diverged = (Standing.system == system, Standing.verdict == Verdict.DIVERGED.value, Standing.look_at.is_not(None))
    await session.execute(update(Standing).where(*diverged).values(look_at=func.clock_timestamp()))


# What ops see

_BRAKED = select(Incident.system).where(Incident.kind == Kind.BRAKE.value, Incident.closed_at.is_(None))


async def braked(session: Session) -> dict[str, int]:
    """Return 1 for every system whose brake is on."""
    return dict.fromkeys(await session.scalars(_BRAKED), 1)


_DIVERGED = (
    select(Standing.system, func.count(), func.min(Standing.since))
    .where(Standing.verdict == Verdict.DIVERGED.value)
    .group_by(Standing.system)
)
_DUE = text("""
    SELECT code, count(*), min(since) FROM unnest(CAST(:systems AS text[])) AS one (code) CROSS JOIN LATERAL (
        SELECT due_since AS since FROM standing WHERE system = code AND due_since IS NOT NULL
        UNION ALL SELECT look_at FROM (VALUES (TRUE), (FALSE)) AS part (is_fresh)
            JOIN standing USING (is_fresh)
        WHERE system = code AND look_at <= clock_timestamp() AND due_since IS NULL
    ) AS due GROUP BY code
""")


async def diverged(session: Session) -> dict[str, tuple[int, datetime]]:
    """Return, by system, how many dossiers have diverged and since when the first of them has."""
    return {system: (n, since) for system, n, since in await session.execute(_DIVERGED)}


async def looks_due(session: Session, systems: list[str]) -> dict[str, tuple[int, datetime]]:
    """Return, by system, how many dossiers should be looked at by now and since when the first of them should."""
    return {system: (n, since) for system, n, since in await session.execute(_DUE, {"systems": systems})}


_STANDING = text("""
    SELECT receiving_unit_code, count(*) AS n,
        count(*) FILTER (WHERE NOT is_contradicted AND NOT is_waiting) AS n_in_step,
        count(*) FILTER (WHERE NOT is_contradicted AND is_waiting) AS n_on_its_way,
        count(*) FILTER (WHERE is_contradicted) AS n_contradicted
    FROM (
        SELECT receiving_unit_code, (lane->>'done_no')::int < (lane->>'last_no')::int
                OR (standing.due_since < clock_timestamp() - interval '10 minutes') IS TRUE AS is_waiting,
            standing.verdict IN ('diverged', 'settled') IS TRUE OR EXISTS (
                SELECT FROM incident WHERE dossier_id = dossier.id AND system = :system AND closed_at IS NULL
            ) AS is_contradicted
        FROM dossier JOIN exchange ON exchange.dossier_id = dossier.id
            CROSS JOIN LATERAL (SELECT lanes->:system AS lane) AS own
            LEFT JOIN standing ON standing.dossier_id = dossier.id AND standing.system = :system
        WHERE accepted_at >= :begin AND accepted_at < :end AND lane IS NOT NULL
    ) AS every
    GROUP BY receiving_unit_code ORDER BY receiving_unit_code
""")


async def standings(session: Session, system: str, begin: datetime, end: datetime) -> Sequence[Any]:
    """Return, by receiving unit, how the dossiers accepted in a period that concern a system stand there.

    Reads every dossier of the period: for a report, not for a dashboard.
    """
    return await session.execute(_STANDING, {"system": system, "begin": begin, "end": end})
