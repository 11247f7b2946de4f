"""The queries behind the reports that are no sums of entries: legs, holders, suspensions, the register."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import TextClause, select, text, tuple_

from services.sla.models import Clock
from services.sla.repository.clocks import Place
from shared.session import Session
from shared.worktime import local_date


class Period(NamedTuple):
    """From an instant to another, the second outside; of the dossiers that some units received, if any are named."""

    from_at: datetime
    until_at: datetime
    unit_codes: Sequence[str] | None = None

    def given(self) -> dict[str, Any]:
        """Return the parameters of a query, as instants and as local dates."""
        days = {"from_on": local_date(self.from_at), "to_on": local_date(self.until_at - timedelta(microseconds=1))}
        return {**self._asdict(), **days}


class Completeness(NamedTuple):
    """How many dossiers wait for an event or stand still now, and since when the oldest does."""

    n_held: int
    n_parked: int
    oldest_at: datetime | None


async def completeness(session: Session) -> Completeness:
    """Return what is known to be missing in every figure at this moment."""
    return Completeness._make(*await session.execute(_COMPLETENESS))


_COMPLETENESS = text("""
    SELECT (SELECT count(DISTINCT dossier_id) FROM hold)::int, (SELECT count(*) FROM parked)::int,
        least((SELECT min(since) FROM hold), (SELECT min(since) FROM parked))
""")


class LegFigures(NamedTuple):
    """What became of the legs of one agency that ended in a period; minutes are working minutes from offer to end.

    Completed ones are early, on time or late by their own deadline; some have none, or do not count in the limit.
    """

    agency_code: str
    completed: int
    early: int
    on_time: int
    late: int
    returned: int
    refused: int
    median_minutes: float | None
    p90_minutes: float | None


async def legs_ended(session: Session, period: Period) -> list[LegFigures]:
    """Return the legs that ended, by agency; those that were cancelled are nobody's doing."""
    return [LegFigures._make(row) for row in await session.execute(_LEGS[_of_unit(period)], period.given())]


class HeldFigures(NamedTuple):
    """How long one agency ("": the applicant, or nobody) held the dossiers that ended in a period."""

    agency_code: str
    n_dossiers: int
    n_late: int
    """Dossiers that it held after their deadline."""
    minutes: int
    suspended_minutes: int
    late_minutes: int


async def minutes_held(session: Session, period: Period) -> list[HeldFigures]:
    """Return the minutes of dossiers that ended, by who held them."""
    return [HeldFigures._make(row) for row in await session.execute(_HELD[_of_unit(period)], period.given())]


class SuspensionFigures(NamedTuple):
    """Suspensions of one agency on one ground; *minutes* are those of the ended ones that were opened in the period."""

    agency_code: str
    ground: str
    opened: int
    open: int
    """At the end of the period."""
    minutes: int


async def suspensions(session: Session, period: Period) -> list[SuspensionFigures]:
    """Return the lawful suspensions by agency and ground."""
    found = await session.execute(_SUSPENSIONS[_of_unit(period)], period.given())
    return [SuspensionFigures._make(row) for row in found]


class RefusedFigures(NamedTuple):
    """Attempts of one agency to suspend without a lawful ground, by why they were refused."""

    agency_code: str
    reason: str
    n: int


async def refused_suspensions(session: Session, period: Period) -> list[RefusedFigures]:
    """Return what was refused, by agency and reason."""
    return [RefusedFigures._make(row) for row in await session.execute(_REFUSED[_of_unit(period)], period.given())]


class ApologyFigures(NamedTuple):
    """Apologies of one agency: issued in a period, in time or late, with a new day; and those it still owes."""

    agency_code: str
    in_time: int
    late: int
    re_appointed: int
    owed: int
    """Deadlines of the period that were missed and that nobody has apologised for: counted as not complied with."""


async def apologies(session: Session, period: Period) -> list[ApologyFigures]:
    """Return the apologies by agency; what is owed is owed by who holds the dossier, or held it last."""
    return [ApologyFigures._make(row) for row in await session.execute(_APOLOGIES[_of_unit(period)], period.given())]


async def register(session: Session, period: Period, after: Place, limit: int) -> Sequence[Clock]:
    """Return a page of the dossiers that were received in a period, in the order of their reception."""
    place = (Clock.started_at, Clock.dossier_id)
    query = select(Clock).where(Clock.started_at >= period.from_at, Clock.started_at < period.until_at)
    if period.unit_codes is not None:
        query = query.where(Clock.receiving_unit_code.in_(period.unit_codes))
    return await session.scalars(query.where(tuple_(*place) > tuple_(*after)).order_by(*place).limit(limit))


def _of_unit(period: Period) -> bool:
    return period.unit_codes is not None


def _both(query: str, condition: str) -> dict[bool, TextClause]:
    """Return a query for all units, and the one for the dossiers of some."""
    return {of_unit: text(query.replace("OF_UNIT", f"AND {condition}" if of_unit else "")) for of_unit in (False, True)}


_OF_DOSSIER = "EXISTS (SELECT FROM clock WHERE dossier_id = {0}.dossier_id AND receiving_unit_code = ANY(:unit_codes))"
VERDICT_OF_LEG = """CASE
    WHEN status <> 'completed' OR due_at IS NULL OR excluded_ground IS NOT NULL THEN NULL
    WHEN ended_at > due_at THEN 'late'
    WHEN (ended_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < (due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date THEN 'early'
    ELSE 'on_time' END"""
"""By its own deadline; NULL of a leg that was not completed, had none, or does not count in the limit."""
_LEGS = _both(
    """
    WITH ended AS (
        SELECT agency_code, status, minutes, VERDICT_OF_LEG AS verdict
        FROM leg_clock
        WHERE ended_at >= :from_at AND ended_at < :until_at AND agency_code IS NOT NULL AND status <> 'cancelled'
            OF_UNIT
    )
    SELECT agency_code, count(*) FILTER (WHERE status = 'completed')::int,
        count(*) FILTER (WHERE verdict = 'early')::int, count(*) FILTER (WHERE verdict = 'on_time')::int,
        count(*) FILTER (WHERE verdict = 'late')::int, count(*) FILTER (WHERE status = 'returned')::int,
        count(*) FILTER (WHERE status = 'refused')::int,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes) FILTER (WHERE status <> 'refused'),
        percentile_cont(0.9) WITHIN GROUP (ORDER BY minutes) FILTER (WHERE status <> 'refused')
    FROM ended GROUP BY agency_code ORDER BY agency_code
    """.replace("VERDICT_OF_LEG", VERDICT_OF_LEG),
    _OF_DOSSIER.format("leg_clock"),
)
_HELD = _both(
    """
    SELECT agency_code, count(*)::int, count(*) FILTER (WHERE late_minutes > 0)::int, sum(minutes)::bigint,
        sum(suspended_minutes)::bigint, sum(late_minutes)::bigint
    FROM holding WHERE finished_on BETWEEN :from_on AND :to_on OF_UNIT GROUP BY agency_code ORDER BY agency_code
    """,
    "unit_code = ANY(:unit_codes)",
)
_SUSPENSIONS = _both(
    """
    SELECT agency_code, ground, count(*) FILTER (WHERE from_at >= :from_at)::int,
        count(*) FILTER (WHERE to_at IS NULL OR to_at >= :until_at)::int,
        coalesce(sum(minutes) FILTER (WHERE from_at >= :from_at), 0)::bigint
    FROM suspension
    WHERE from_at < :until_at AND (from_at >= :from_at OR to_at IS NULL OR to_at >= :until_at) OF_UNIT
    GROUP BY agency_code, ground ORDER BY agency_code, ground
    """,
    _OF_DOSSIER.format("suspension"),
)
_REFUSED = _both(
    """
    SELECT agency_code, reason, count(*)::int FROM refused_suspension
    WHERE refused_at >= :from_at AND refused_at < :until_at OF_UNIT
    GROUP BY agency_code, reason ORDER BY agency_code, reason
    """,
    _OF_DOSSIER.format("refused_suspension"),
)
# The key of an apology is the deadline it is about, as ``domain.apology_key`` writes it.
_APOLOGIES = _both(
    """
    WITH issued AS (
        SELECT fact.data ->> 'agency_code' AS agency_code, (fact.data ->> 'in_time')::boolean AS in_time,
            jsonb_exists(fact.data, 'new_deadline_at') AS is_re_appointed
        FROM fact JOIN clock USING (dossier_id)
        WHERE fact.kind = 'apologised' AND fact.at >= :from_at AND fact.at < :until_at OF_UNIT
    ), owed AS (
        SELECT coalesce(holder_agency_code, receiving_unit_code) AS agency_code
        FROM clock CROSS JOIN unnest(missed_deadlines) AS missed_at
        WHERE cardinality(missed_deadlines) > 0 AND missed_at >= :from_at AND missed_at < :until_at
            AND NOT jsonb_exists(apologies, to_char(missed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'))
            AND NOT EXISTS (
                SELECT FROM fact WHERE fact.dossier_id = clock.dossier_id AND kind = 'apologised' AND at <= missed_at
                    AND (data ->> 'new_deadline_at')::timestamptz > missed_at
            )
            OF_UNIT
    ), counted AS (
        SELECT agency_code, in_time::int AS in_time, (NOT in_time)::int AS late, is_re_appointed::int AS re_appointed,
            0 AS owed FROM issued
        UNION ALL SELECT agency_code, 0, 0, 0, 1 FROM owed
    )
    SELECT agency_code, sum(in_time)::int, sum(late)::int, sum(re_appointed)::int, sum(owed)::int
    FROM counted GROUP BY 1 ORDER BY 1
    """,
    "clock.receiving_unit_code = ANY(:unit_codes)",
)
