"""What has to hold between routes, agencies and procedures, beyond what makes one route valid."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations

from services.workflow.domain.agencies import in_force, resolve
from services.workflow.domain.route import RECEIVING_UNIT, Route
from shared.events.reference import Agency, Procedure


def route_for(routes: Iterable[Route], procedure_code: str, on: date) -> Route | None:
    """Return the route of a procedure on a day; of one code the highest version in force."""
    fits = [route for route in routes if procedure_code in route.procedure_codes and _covers(route, on)]
    return max(fits, key=lambda route: (route.valid_from, route.version), default=None)


def _covers(route: Route, on: date) -> bool:
    return route.valid_from <= on and (route.valid_to is None or on <= route.valid_to)


def errors(routes: Sequence[Route], agencies: Sequence[Agency]) -> Iterator[str]:
    """Yield what makes the catalogue unusable."""
    yield from _overlaps(routes)
    for route in routes:
        yield from _unknown_agencies(route, agencies)


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


def _unknown_agencies(route: Route, agencies: Sequence[Agency]) -> Iterator[str]:
    def versions(code: str) -> list[Agency]:
        return sorted((a for a in agencies if a.code == code), key=lambda a: a.version)

    for leg in route.legs:
        if leg.agency is None or leg.agency == RECEIVING_UNIT:
            continue
        if in_force(versions(resolve(leg.agency, route.valid_from, versions)), route.valid_from) is None:
            yield f"{route.code}@{route.version}, leg {leg.code}: no agency {leg.agency} on {route.valid_from}"


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
