"""Agencies through time: who answers to a code on a day, and for which codes of the past an agency acts."""

from collections.abc import Callable, Iterable
from datetime import date

from shared.events.reference import Agency

Versions = Callable[[str], list[Agency]]
"""All versions of the agency with a code, in order; empty if there is none."""

LONGEST_CHAIN = 10


def in_force(versions: Iterable[Agency], on: date) -> Agency | None:
    """Return the highest version in force on a day."""
    fits = [one for one in versions if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to)]
    return max(fits, key=lambda one: one.version, default=None)


def resolve(code: str, on: date, versions: Versions) -> str:
    """Return the code of the agency that answers to *code* on a day: itself or its successor, else *code*."""
    found = code
    for _ in range(LONGEST_CHAIN):
        known = versions(found)
        if in_force(known, on) is not None:
            return found
        successor = known[-1].successor_code if known else None
        if successor is None:
            return code
        found = successor
    return code


def acts_for(code: str, on: date, agencies: Iterable[Agency]) -> list[str]:
    """Return *code* and the codes of agencies that ended and whose work it took over by a day."""
    by_code: dict[str, list[Agency]] = {}
    for agency in agencies:
        by_code.setdefault(agency.code, []).append(agency)
    others = (other for other in by_code if other != code)
    return [code, *(other for other in others if resolve(other, on, lambda key: by_code.get(key, [])) == code)]
