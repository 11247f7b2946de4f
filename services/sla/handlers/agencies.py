"""For which agencies an officer acts: the own one, and those that it has succeeded by now."""

from collections.abc import Collection

from services.sla.domain.agencies import acting_for
from services.sla.handlers.terms import references
from services.sla.repository import History
from shared.auth import Principal, Role
from shared.errors import Forbidden, Text
from shared.events.reference import Agency
from shared.outbox import now
from shared.session import Session
from shared.worktime import local_date


def acting_codes(session: Session, by: Principal) -> list[str]:
    """Return the code of the caller's agency, then those of the agencies that it succeeded; none without an agency."""
    if not by.agency_code:
        return []
    agencies: tuple[Agency, ...] = references(session).derived("agency", tuple)
    return acting_for(agencies, by.agency_code, local_date(now(session)))


def seen_codes(session: Session, by: Principal) -> list[str] | None:
    """Return the agencies whose dossiers the caller may see, None for all.

    A clock holds no personal data; an applicant or the portal knows the dossier's unguessable id.
    """
    if not by.has(Role.OFFICER) or by.has(Role.OPS, Role.LEADER, Role.SYSTEM):
        return None
    return acting_codes(session, by)


def responsible_for(history: History) -> set[str | None]:
    """Return who answers for a dossier as a whole: who holds it, or held it last, and where it was received."""
    clock = history.clock
    assert clock is not None  # noqa: S101 - asked of dossiers with a clock
    return {clock.holder_agency_code, clock.receiving_unit_code}


def require_acting(session: Session, by: Principal, codes: Collection[str | None], who: Text) -> None:
    """Raise Forbidden, saying *who* may, unless the caller acts for one of *codes*."""
    if set(acting_codes(session, by)).isdisjoint(codes):
        raise Forbidden(who)
