"""Who held dossiers how long, who when it was too late, who stopped the clock, and who apologised."""

from collections import defaultdict
from collections.abc import Mapping

from services.sla import repository
from services.sla.handlers.names import Names
from services.sla.handlers.periods import period_of
from services.sla.repository.reports import ApologyFigures, HeldFigures, LegFigures, RefusedFigures
from services.sla.schemas.reports import (
    ApologiesRead,
    ApologizedRead,
    AttributedRead,
    AttributionRead,
    PeriodAsk,
    RefusedRead,
    SuspendedRead,
    SuspensionsRead,
)
from shared.auth import Principal
from shared.session import Session


async def attribute(session: Session, ask: PeriodAsk, by: Principal) -> AttributionRead:
    """Return, agency by agency, its legs that ended and its part in the dossiers that ended in a period."""
    period = period_of(session, ask, by)
    legs = {row.agency_code: row for row in await repository.legs_ended(session, period)}
    held = {row.agency_code: row for row in await repository.minutes_held(session, period)}
    names, late = Names(session, ask.from_on, ask.to_on), sum(row.late_minutes for row in held.values())
    items = [
        _attributed(names.agency(code), legs.get(code) or _no_legs(code), held.get(code) or _held_nothing(code), late)
        for code in sorted({*legs, *held})
    ]
    minutes = sum(item.minutes for item in items)
    return AttributionRead(from_on=ask.from_on, to_on=ask.to_on, items=items, minutes=minutes, late_minutes=late)


def _no_legs(code: str) -> LegFigures:
    return LegFigures(code, 0, 0, 0, 0, 0, 0, None, None)


def _held_nothing(code: str) -> HeldFigures:
    return HeldFigures(code, 0, 0, 0, 0, 0)


def _attributed(name: str, legs: LegFigures, held: HeldFigures, all_late: int) -> AttributedRead:
    share = round(100 * held.late_minutes / all_late, 2) if all_late else None
    return AttributedRead(name=name, late_share=share, **{**legs._asdict(), **held._asdict()})


async def report_suspensions(session: Session, ask: PeriodAsk, by: Principal) -> SuspensionsRead:
    """Return the suspensions of a period by agency and ground, and the attempts that were refused."""
    period = period_of(session, ask, by)
    names = Names(session, ask.from_on, ask.to_on)
    items = [
        SuspendedRead(name=names.agency(row.agency_code), ground_name=names.ground(row.ground), **row._asdict())
        for row in await repository.suspensions(session, period)
    ]
    refused = _by_agency(names, await repository.refused_suspensions(session, period))
    return SuspensionsRead(
        from_on=ask.from_on,
        to_on=ask.to_on,
        items=items,
        refused=refused,
        n_opened=sum(item.opened for item in items),
        n_open=sum(item.open for item in items),
        n_refused=sum(row.n for row in refused),
    )


async def report_apologies(session: Session, ask: PeriodAsk, by: Principal) -> ApologiesRead:
    """Return the apologies of a period by agency, and those that are owed."""
    rows = await repository.apologies(session, period_of(session, ask, by))
    names = Names(session, ask.from_on, ask.to_on)
    items = [
        ApologizedRead(name=names.agency(row.agency_code), compliance_percent=_compliance(row), **row._asdict())
        for row in rows
    ]
    return ApologiesRead(
        from_on=ask.from_on,
        to_on=ask.to_on,
        items=items,
        n_in_time=sum(row.in_time for row in rows),
        n_late=sum(row.late for row in rows),
        n_owed=sum(row.owed for row in rows),
    )


def _compliance(row: ApologyFigures) -> float | None:
    n_due = row.in_time + row.late + row.owed
    return round(100 * row.in_time / n_due, 2) if n_due else None


def _by_agency(names: Names, rows: list[RefusedFigures]) -> list[RefusedRead]:
    reasons: Mapping[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        reasons[row.agency_code][row.reason] = row.n
    return [
        RefusedRead(agency_code=code, name=names.agency(code), reasons=of_it, n=sum(of_it.values()))
        for code, of_it in sorted(reasons.items())
    ]
