"""What a clock runs by, read from reference data: its rule, its calendar, the grounds, when to warn."""

from typing import NamedTuple

from services.sla.domain import (
    NEAR_BREACH_SHARE,
    ClockRule,
    Ground,
    Kind,
    NearBreach,
    Opening,
    opening_of,
    suspension_no,
)
from services.sla.models import Clock
from services.sla.repository import History
from shared.reference import References
from shared.session import Session
from shared.worktime import Calendar, Limit


class Terms(NamedTuple):
    """The rule and the calendar of one clock, both fixed when it started."""

    rule: ClockRule
    calendar: Calendar


def references(session: Session) -> References:
    """Return the reference data of the service that opened *session*."""
    found: References = session.info["references"]
    return found


def grounds(session: Session) -> tuple[Ground, ...]:
    """Return every version of the closed list, the highest version of a ground first."""
    rows = [ground for _, _, ground in references(session).all_of("ground")]
    return tuple(sorted(rows, key=lambda ground: (ground.code, -ground.version)))


def terms(session: Session, clock: Clock) -> Terms:
    """Return what *clock* runs by, worked out once a transaction; NotFound if its calendar is not here."""
    key = (clock.calendar_code, clock.calendar_version, clock.limit_amount, clock.limit_unit)
    known: dict[object, Terms] = session.info.setdefault("sla_terms", {})
    if key not in known:
        limit = Limit.model_validate({"amount": clock.limit_amount, "unit": clock.limit_unit})
        calendar: Calendar = references(session).get("calendar", clock.calendar_code, clock.calendar_version)
        known[key] = Terms(ClockRule(limit=limit, grounds=grounds(session)), calendar)
    return known[key]


def opened_by(history: History, no: int) -> str:
    """Return the agency that opened suspension *no*: its officer's, the leg's, for a supplement the receiving unit."""
    opening = opening_of(no)
    if opening is Opening.SUPPLEMENT:
        return history.clock.receiving_unit_code if history.clock else ""
    kind, key = (Kind.LEG_OFFERED, "agency_code") if opening is Opening.LEG else (Kind.SUSPENSION_BEGAN, "by_agency")
    cause_no = no - suspension_no(opening, 0)
    found = (fact.data.get(key) for fact in history.facts if fact.kind == kind and fact.no == cause_no)
    return next(found, None) or ""


def forgotten_days(session: Session) -> int:
    """Return after how many calendar days a suspension is asked about, where its ground says nothing else."""
    return getattr(session.info.get("settings"), "forgotten_suspension_days", 30)


def near_breach(session: Session) -> NearBreach:
    """Return when a warning is due (``config.SlaSettings``)."""
    settings = session.info.get("settings")
    return NearBreach(
        getattr(settings, "near_breach_share", NEAR_BREACH_SHARE),
        getattr(settings, "near_breach_working_days", 0),
    )
