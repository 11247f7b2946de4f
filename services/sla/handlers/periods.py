"""For which days and which unit a report may be asked."""

from datetime import date, datetime, time, timedelta

from services.sla.repository.reports import Period
from services.sla.schemas.reports import PeriodAsk
from shared.auth import Principal, Role
from shared.errors import Forbidden, Malformed, Text, wrong_field
from shared.outbox import now
from shared.session import Session
from shared.timeline import TICK
from shared.worktime import at_local


def unit_of(ask: PeriodAsk, by: Principal) -> str | None:
    """Return of which unit alone is reported; Forbidden to an officer who asks for another agency's figures."""
    if by.has(Role.LEADER, Role.OPS):
        return ask.agency
    own = by.agency_code or ""
    if ask.agency not in {None, own}:
        raise Forbidden(Text("Chỉ xem được số liệu của đơn vị mình", "Only the own agency's figures"))
    return own


def require_order(ask: PeriodAsk) -> None:
    """Raise Malformed if a period ends before it begins."""
    if ask.to_on < ask.from_on:
        vi, en = "Ngày cuối kỳ trước ngày đầu kỳ", "The period ends before it begins"
        raise Malformed(extra={"errors": [wrong_field("query/to", "before_from", vi, en)]})


def period_of(ask: PeriodAsk, by: Principal) -> Period:
    """Return the instants of the period that is asked for; Malformed, Forbidden."""
    require_order(ask)
    return Period(begin_of(ask.from_on), begin_of(ask.to_on + timedelta(days=1)), unit_of(ask, by))


def begin_of(day: date) -> datetime:
    """Return the instant at which a local day begins."""
    return at_local(day, time())


def known_until(session: Session, day: date | None) -> datetime:
    """Return the last instant of what a report knows: of *day*, or now."""
    present = now(session)
    return present if day is None else min(present, begin_of(day + timedelta(days=1)) - TICK)
