"""What commands and facts look up in reference data: routes, agencies, calendars."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from services.workflow.domain.agencies import Directory
from services.workflow.domain.catalogue import route_for
from services.workflow.domain.deliveries import SystemUnknown
from services.workflow.domain.route import RECEIVING_UNIT, Route, RouteLeg, Serving
from services.workflow.domain.systems import OutsideSystem, Systems
from services.workflow.models import Dossier, Leg
from shared.auth import Principal, Role
from shared.errors import DomainError, Forbidden, Text
from shared.events.reference import Agency, ReferenceData
from shared.outbox import now
from shared.reference import References
from shared.session import Session
from shared.worktime import Calendar, local_date

READS_ALL = (Role.OPS, Role.LEADER)


class NoRoute(DomainError):
    """No route is in force for the procedure; the dossier parks until one is loaded."""

    status = 409
    code = "no_route"
    title = Text("Chưa có quy trình cho thủ tục", "No route for the procedure")


def references(session: Session) -> References:
    """Return what this service holds of reference data."""
    found: References = session.info["references"]
    return found


def _versions(session: Session, kind: str) -> Iterator[Any]:
    return (data for _, _, data in references(session).all_of(kind))


def directory(session: Session) -> Directory:
    """Return all agencies known here."""
    return references(session).derived("agency", Directory)


def find_route(session: Session, procedure_code: str, at: datetime) -> Route:
    """Return the route on which a dossier accepted at *at* sets out; NoRoute if there is none."""
    route = route_for(_versions(session, "route"), procedure_code, local_date(at))
    if route is None:
        raise NoRoute(procedure_code)
    return route


def route_of(session: Session, dossier: Dossier) -> Route:
    """Return the version of the route that the dossier is on."""
    route: Route = references(session).get("route", dossier.route_code, dossier.route_version)
    return route


def systems_on(session: Session, on: date) -> list[OutsideSystem]:
    """Return the outside systems in force on a day."""
    return references(session).derived("system", Systems).on(on)


def system_for(session: Session, code: str, by: Principal) -> OutsideSystem:
    """Return a system in force that *by* may speak for, or look at; SystemUnknown if there is none."""
    found = next((one for one in systems_on(session, local_date(now(session))) if one.code == code), None)
    if found is None:
        raise SystemUnknown(code)
    if not by.has(Role.OPS, Role.LEADER) and by.system != code:
        raise Forbidden
    return found


def calendar_of(session: Session, dossier: Dossier) -> Calendar:
    """Return the calendar of the receiving unit in the version that its clock runs by."""
    calendar: Calendar = references(session).get("calendar", dossier.calendar_code, dossier.calendar_version)
    return calendar


def agency_of(session: Session, dossier: Dossier, leg: RouteLeg, at: datetime) -> str | None:
    """Return the agency that a leg offered at *at* goes to: as the route names it, or its successor by then.

    None where the applicant is waited for, and where not exactly one agency plays the role that the route names.
    """
    on = local_date(at)
    if isinstance(leg.agency, Serving):
        found = directory(session).serving(leg.agency.role, dossier.receiving_unit_code, on)
        return found[0] if len(found) == 1 else None
    code = dossier.receiving_unit_code if leg.agency == RECEIVING_UNIT else leg.agency
    return code and (directory(session).answering(code, on) or code)


def taker_of(session: Session, dossier: Dossier, leg: Leg, at: datetime) -> str | None:
    """Return the agency in force that takes a leg over at *at*; None if there is none.

    The one that holds it or its successor; else whom the route would offer it to now.
    """
    known, on = directory(session), local_date(at)
    found = known.answering(leg.agency_code, on) if leg.agency_code else None
    if found is None:
        found = agency_of(session, dossier, route_of(session, dossier).by_code[leg.step_code], at)
    return found if found and known.on(found, on) is not None else None


def own_codes(principal: Principal) -> list[str]:
    """Return the code of the caller's own agency."""
    return [principal.agency_code] if principal.agency_code else []


def acting_codes(session: Session, principal: Principal, at: datetime) -> list[str]:
    """Return the codes the caller's agency acts for: its own, and those of agencies it succeeded."""
    if not principal.agency_code:
        return []
    return codes_of(session, principal.agency_code, at)


def seen_codes(session: Session, principal: Principal, at: datetime) -> list[str] | None:
    """Return the agencies whose legs the caller may read, None for all."""
    return None if principal.has(*READS_ALL) else acting_codes(session, principal, at)


def codes_of(session: Session, code: str, at: datetime) -> list[str]:
    """Return *code* and the codes of the agencies it succeeded."""
    return directory(session).acts_for(code, local_date(at))


def gone_codes(session: Session, at: datetime) -> list[str]:
    """Return the codes of the agencies that are not in force."""
    return directory(session).gone(local_date(at))


# What is shown


def present(session: Session) -> list[Agency]:
    """Return the agencies in force today, by code."""
    return directory(session).present(local_date(now(session)))


def newest(session: Session, kind: str) -> list[ReferenceData]:
    """Return the highest version of each code, by code."""
    return list({data.code: data for data in _versions(session, kind)}.values())


def versions_of(session: Session, kind: str, code: str) -> list[ReferenceData]:
    """Return all versions of one code."""
    return [data for data in _versions(session, kind) if data.code == code]


def agency_names(session: Session) -> dict[str, str]:
    """Return the names of all agencies by code, the newest version's."""
    return {agency.code: agency.name for agency in _versions(session, "agency")}
