"""What has to hold between routes, agencies and procedures, beyond what makes one route valid."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations

from services.workflow.domain.agencies import Directory
from services.workflow.domain.route import RECEIVING_UNIT, Route, Serving
from shared.events.reference import Agency, Procedure


def route_for(routes: Iterable[Route], procedure_code: str, on: date) -> Route | None:
    """Return the route of a procedure on a day; a newer version replaces the one before from its first day."""
    in_order = sorted(routes, key=lambda route: route.version)
    begun = {route.code: route for route in in_order if route.valid_from <= on}.values()
    fits = (route for route in begun if procedure_code in route.procedure_codes)
    return max((route for route in fits if _lasts(route, on)), key=lambda route: route.valid_from, default=None)


def _lasts(route: Route, on: date) -> bool:
    return route.valid_to is None or on <= route.valid_to


def errors(routes: Sequence[Route], agencies: Sequence[Agency]) -> Iterator[str]:
    """Yield what makes the catalogue unusable."""
    known = Directory(agencies)
    yield from _overlaps(routes)
    yield from _bad_ends(agencies)
    for route in routes:
        yield from _unknown_agencies(route, known)
        yield from _unplayed_roles(route, _span(route, routes), known)


def _overlaps(routes: Sequence[Route]) -> Iterator[str]:
    """Two versions of a procedure in force at once; of one code, the next version replaces the one before."""
    for one, other in combinations(routes, 2):
        shared = set(one.procedure_codes) & set(other.procedure_codes)
        if shared and one.code != other.code and _meet(_span(one, routes), _span(other, routes)):
            yield f"{one.code}@{one.version} and {other.code}@{other.version} are both in force for {sorted(shared)}"


def _span(route: Route, routes: Sequence[Route]) -> tuple[date, date]:
    """Return the days on which *route* is the one of its code in force."""
    newer = [r.valid_from for r in routes if r.code == route.code and r.version > route.version]
    ends = [route.valid_to or date.max, *(start - timedelta(1) for start in newer)]
    return route.valid_from, min(ends)


def _meet(one: tuple[date, date], other: tuple[date, date]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _bad_ends(agencies: Sequence[Agency]) -> Iterator[str]:
    """A successor takes over after the last day: both are needed to know from when work goes to whom."""
    codes = {agency.code for agency in agencies}
    for agency in agencies:
        if agency.successor_code is not None and agency.valid_to is None:
            yield f"{agency.code}@{agency.version} names a successor and no last day"
        elif agency.successor_code is not None and agency.successor_code not in codes:
            yield f"{agency.code}@{agency.version}: its successor {agency.successor_code} is unknown"


def _unknown_agencies(route: Route, known: Directory) -> Iterator[str]:
    for leg in route.legs:
        named = leg.agency if isinstance(leg.agency, str) and leg.agency != RECEIVING_UNIT else None
        if named is not None and known.answering(named, route.valid_from) is None:
            yield f"{route.code}@{route.version}, leg {leg.code}: no agency {named} on {route.valid_from}"


def _unplayed_roles(route: Route, span: tuple[date, date], known: Directory) -> Iterator[str]:
    """Units whose agency of a role is not exactly one, each with the first day on which it is so."""
    for leg in route.legs:
        if isinstance(leg.agency, Serving):
            unplayed: dict[str, str] = {}
            for day in reversed(known.turns(*span)):
                unplayed |= _unserved(leg.agency.role, day, known)
            yield from (f"{route.code}@{route.version}, leg {leg.code}: {what}" for what in unplayed.values())


def _unserved(role: str, day: date, known: Directory) -> dict[str, str]:
    """Return by receiving unit what is wrong with those that do not have exactly one agency of *role* on a day."""
    units = [agency.code for agency in known.present(day) if agency.dossier_code_prefix is not None]
    found = {unit: known.serving(role, unit, day) for unit in units}
    return {
        unit: f"{' and '.join(codes)} serve {unit} in the role {role} from {day}"
        if codes
        else f"nobody serves {unit} in the role {role} from {day}"
        for unit, codes in found.items()
        if len(codes) != 1
    }


def notes(routes: Sequence[Route], procedures: Sequence[Procedure]) -> Iterator[str]:
    """Yield limits that differ from their procedure's; worth knowing, and not refused: local limits are shorter."""
    for route in routes:
        for procedure in procedures:
            known = procedure.code in route.procedure_codes and _meet(_span(route, routes), _dates(procedure))
            if known and float(route.days) != procedure.limit.amount:
                yield (
                    f"{route.code}@{route.version} takes {route.days} days, "
                    f"{procedure.code}@{procedure.version} allows {procedure.limit.amount} {procedure.limit.unit}"
                )


def _dates(procedure: Procedure) -> tuple[date, date]:
    return procedure.valid_from, procedure.valid_to or date.max
