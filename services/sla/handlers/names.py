"""Names for reports, read from reference data: agencies, fields, procedures and grounds as they were called then."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from services.sla.domain.naming import Name, label
from services.sla.handlers.terms import references
from shared.errors import NotFound
from shared.events.reference import Agency, Procedure
from shared.session import Session

NOBODY = "Người nộp hồ sơ"
"""Whose hands a dossier is in when it is in no agency's."""
SECTIONS = {"province": "Cấp tỉnh", "district": "Cấp huyện", "commune": "Cấp xã"}


class Names(NamedTuple):
    """What codes are called in a report of a period."""

    session: Session
    from_on: date
    to_on: date

    def agency(self, code: str) -> str:
        """Return the name of an agency."""
        known = references(self.session).derived("agency", _agencies)
        return label(code, known.get(code, ()), self.from_on, self.to_on) if code else NOBODY

    def section(self, code: str) -> str:
        """Return the administrative level of an agency, as the heading it stands under; none if it is not known."""
        try:
            agency: Agency = references(self.session).latest("agency", code)
        except NotFound:
            return ""
        return SECTIONS[agency.level]

    def field(self, code: str) -> str:
        """Return the name of a field."""
        known = references(self.session).derived("procedure", _fields)
        return label(code, known.get(code, ()), self.from_on, self.to_on)

    def procedure(self, code: str, version: int) -> str:
        """Return the name of the version of a procedure that a dossier was received under."""
        try:
            procedure: Procedure = references(self.session).get("procedure", code, version)
        except NotFound:
            return code
        return procedure.name

    def ground(self, code: str) -> str:
        """Return the name of a ground."""
        try:
            name: str = references(self.session).latest("ground", code).name
        except NotFound:
            return code
        return name or code


def _agencies(versions: Iterable[Agency]) -> dict[str, list[Name]]:
    return _by_code((one.code, one.valid_from, one.name) for one in versions)


def _fields(versions: Iterable[Procedure]) -> dict[str, list[Name]]:
    return _by_code((one.field_code, one.valid_from, one.field_name) for one in versions)


def _by_code(named: Iterable[tuple[str, date, str]]) -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = defaultdict(list)
    for code, from_on, name in named:
        found[code].append(Name(from_on, name))
    return found
