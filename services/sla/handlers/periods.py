"""For which days and which units a report may be asked."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from services.sla.handlers.agencies import acting_codes
from services.sla.repository.reports import Period
from services.sla.schemas.reports import PeriodAsk
from shared.auth import Principal, Role
from shared.errors import Forbidden, Malformed, Text, wrong_field
from shared.outbox import now
from shared.session import Session
from shared.timeline import TICK
from shared.worktime import at_local


def units_of(session: Session, ask: PeriodAsk, by: Principal) -> Sequence[str] | None:
    """Return of which units alone is reported, first whose name the report bears; None: of all.

    Forbidden to an officer who asks for figures of an agency that is neither the own one nor succeeded by it.
    """
    own = None if by.has(Role.LEADER, Role.OPS) else acting_codes(session, by)
    if ask.agency is None:
        return own
    if own is not None and ask.agency not in own:
        raise Forbidden(Text("Chỉ xem được số liệu của đơn vị mình", "Only the own agency's figures"))
    return [ask.agency]


def require_order(ask: PeriodAsk) -> None:
    """Raise Malformed if a period ends before it begins."""
    if ask.to_on < ask.from_on:
        vi, en = "Ngày cuối kỳ trước ngày đầu kỳ", "The period ends before it begins"
        raise Malformed(extra={"errors": [wrong_field("query/to", "before_from", vi, en)]})


def period_of(session: Session, ask: PeriodAsk, by: Principal) -> Period:
    """Return the instants of the period that is asked for; Malformed, Forbidden."""
    require_order(ask)
    return Period(begin_of(ask.from_on), begin_of(ask.to_on + timedelta(days=1)), units_of(session, ask, by))


def begin_of(day: date) -> datetime:
    """Return the instant at which a local day begins."""
    return at_local(day, time())


def known_until(session: Session, day: date | None) -> datetime:
    """Return the last instant of what a report knows: of *day*, or now."""
    present = now(session)
    return present if day is None else min(present, begin_of(day + timedelta(days=1)) - TICK)
