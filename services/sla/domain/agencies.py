"""Agencies that have ended, and who acts for them since."""

from collections.abc import Iterable
from datetime import date

from shared.events.reference import Agency


def acting_for(agencies: Iterable[Agency], code: str, on: date) -> list[str]:
    """Return *code*, then those of the agencies that ended before *on* and whose line of successors leads to it.

    *agencies*: every version, of each code the older ones first; a newer one replaces them from its first day.
    """
    begun = {one.code: one for one in agencies if one.valid_from <= on}
    heirs = {one.code: one.successor_code for one in begun.values() if one.valid_to is not None and one.valid_to < on}
    acting = [code]
    if code not in heirs:
        for heir in acting:
            acting.extend(gone for gone, successor in heirs.items() if successor == heir)
    return acting
