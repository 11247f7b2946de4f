"""What scorecards are counted from: dossiers and legs by agency or officer, and counts that people entered."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select, text, tuple_

from services.sla.models import EnteredCount
from services.sla.repository.clocks import Place
from services.sla.repository.reports import VERDICT_OF_LEG, Period
from shared.session import Session


class Subject(NamedTuple):
    """Whom a scorecard judges: an agency, or with an account one of its officers."""

    agency_code: str
    officer: str = ""


class EndedDossiers(NamedTuple):
    """Dossiers that ended in a period and that *subject* had in hand, by how they ended."""

    subject: Subject
    verdict: str
    n_supplements: int
    n: int


async def dossiers_ended(session: Session, period: Period, *, by_officer: bool) -> list[EndedDossiers]:
    """Return the dossiers that ended, by who had a part in them."""
    rows = await session.execute(_BY_OFFICER if by_officer else _BY_AGENCY, period.given())
    return [EndedDossiers(Subject(agency, officer), verdict, asked, n) for agency, officer, verdict, asked, n in rows]


class JudgedLegs(NamedTuple):
    """Legs that *subject* completed in a period, by their own deadline."""

    subject: Subject
    verdict: str
    n: int


async def legs_judged(session: Session, period: Period, *, by_officer: bool) -> list[JudgedLegs]:
    """Return the completed legs that had a deadline and count in the limit."""
    rows = await session.execute(_LEGS_BY_OFFICER if by_officer else _LEGS_BY_AGENCY, period.given())
    return [JudgedLegs(Subject(agency, officer), verdict, n) for agency, officer, verdict, n in rows]


# An agency has a row in ``holding`` for each dossier that it held and that has ended.
_BY_AGENCY = text("""
    SELECT agency_code, '' AS officer, verdict, n_supplements, count(*)::int
    FROM holding JOIN clock USING (dossier_id)
    WHERE finished_on BETWEEN :from_on AND :to_on AND agency_code <> '' GROUP BY 1, 2, 3, 4
""")
_BY_OFFICER = text("""
    SELECT agency_code, officer, verdict, n_supplements, count(*)::int
    FROM (
        SELECT DISTINCT dossier_id, agency_code, officer
        FROM holding JOIN leg_clock USING (dossier_id, agency_code)
        WHERE finished_on BETWEEN :from_on AND :to_on AND officer IS NOT NULL
    ) AS had JOIN clock USING (dossier_id)
    GROUP BY 1, 2, 3, 4
""")
_LEGS = """
    SELECT agency_code, {0} AS officer, verdict, count(*)::int
    FROM (SELECT agency_code, officer, {1} AS verdict FROM leg_clock
        WHERE ended_at >= :from_at AND ended_at < :until_at AND agency_code IS NOT NULL) AS ended
    WHERE verdict IS NOT NULL AND {0} IS NOT NULL GROUP BY 1, 2, 3
"""
_LEGS_BY_AGENCY, _LEGS_BY_OFFICER = (text(_LEGS.format(who, VERDICT_OF_LEG)) for who in ("''", "officer"))


async def entered(
    session: Session, scorecard_code: str, from_on: date, to_on: date, until: datetime
) -> list[EnteredCount]:
    """Return the counts for periods within a period, as they stood at an instant: of each only the newest."""
    query = select(EnteredCount).where(
        EnteredCount.scorecard_code == scorecard_code,
        EnteredCount.from_on >= from_on,
        EnteredCount.to_on <= to_on,
        EnteredCount.entered_at <= until,
    )
    rows = await session.scalars(query.order_by(EnteredCount.entered_at, EnteredCount.id))
    newest = {(row.part_code, row.agency_code, row.officer, row.from_on): row for row in rows}
    return list(newest.values())


async def lock_entering(session: Session, scorecard_code: str) -> None:
    """Let counts of one scorecard be entered one after another: two that overlap must see each other."""
    await session.execute(_LOCK, {"code": f"entered_count {scorecard_code}"})


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:code, 0))")


async def entered_beside(session: Session, new: EnteredCount) -> EnteredCount | None:
    """Return a count of the same thing whose period overlaps that of *new* without being the same."""
    same = [getattr(EnteredCount, name) == getattr(new, name) for name in _KEY]
    overlaps = (EnteredCount.from_on <= new.to_on, EnteredCount.to_on >= new.from_on)
    period = tuple_(EnteredCount.from_on, EnteredCount.to_on)
    query = select(EnteredCount).where(*same, *overlaps, period != tuple_(new.from_on, new.to_on))
    return await session.scalar(query.limit(1))


_KEY = ("scorecard_code", "part_code", "agency_code", "officer")


async def entered_page(session: Session, scorecard_code: str, after: Place, limit: int) -> list[EnteredCount]:
    """Return a page of everything that was entered for a scorecard, corrected or not, in the order of entering."""
    place = (EnteredCount.entered_at, EnteredCount.id)
    query = select(EnteredCount).where(EnteredCount.scorecard_code == scorecard_code, tuple_(*place) > tuple_(*after))
    return list(await session.scalars(query.order_by(*place).limit(limit)))
