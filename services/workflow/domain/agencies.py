"""Agencies through time: who answers to a code on a day, who acts for whom, and who serves which unit."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from shared.events.reference import Agency

LONGEST_CHAIN = 10


class Directory:
    """All agencies with all their versions; a newer version replaces the one before from its first day."""

    def __init__(self, agencies: Iterable[Agency]) -> None:
        self._versions: dict[str, dict[int, Agency]] = defaultdict(dict)
        for agency in agencies:
            self._versions[agency.code][agency.version] = agency

    def on(self, code: str, day: date) -> Agency | None:
        """Return the agency with *code* as it is in force on a day, None if it is not."""
        begun = self._begun(code, day)
        return None if begun is None or (begun.valid_to is not None and begun.valid_to < day) else begun

    def _begun(self, code: str, day: date) -> Agency | None:
        """Return the newest version that had begun by a day, ended or not."""
        begun = (one for one in self._versions.get(code, {}).values() if one.valid_from <= day)
        return max(begun, key=lambda one: one.version, default=None)

    def present(self, day: date) -> list[Agency]:
        """Return the agencies in force on a day, by code."""
        return [found for code in sorted(self._versions) if (found := self.on(code, day)) is not None]

    def gone(self, day: date) -> list[str]:
        """Return the codes of the agencies that are known and not in force on a day."""
        return [code for code in sorted(self._versions) if self.on(code, day) is None]

    def answering(self, code: str, day: date) -> str | None:
        """Return the code of the agency that answers to *code* on a day: itself or its successor; None if nobody."""
        found: str | None = code
        for _ in range(LONGEST_CHAIN):
            if found is None or self.on(found, day) is not None:
                return found
            begun = self._begun(found, day)
            found = begun.successor_code if begun is not None else None
        return None

    def acts_for(self, code: str, day: date) -> list[str]:
        """Return *code* and the codes of agencies that ended and whose work it took over by a day."""
        others = (other for other in self._versions if other != code)
        return [code, *(other for other in others if self.answering(other, day) == code)]

    def serving(self, role: str, unit_code: str, day: date) -> list[str]:
        """Return the codes of the agencies that play *role* for a unit, or for its successor, on a day."""
        unit = self.answering(unit_code, day) or unit_code
        return [agency.code for agency in self.present(day) if unit in agency.serves.get(role, ())]

    def turns(self, first: date, last: date) -> list[date]:
        """Return, of the days from *first* to *last*, the first one and those on which who is in force may change."""
        known = [agency for versions in self._versions.values() for agency in versions.values()]
        turns = {first, *(agency.valid_from for agency in known)}
        turns |= {one.valid_to + timedelta(1) for one in known if one.valid_to is not None and one.valid_to < last}
        return sorted(day for day in turns if first <= day <= last)
