"""Who a dossier's time is put down to: minutes by agency, and those of them that came after the deadline."""

from typing import NamedTuple

from services.sla.domain.clock import ClockState, Holding, merged, stood_minutes
from shared.worktime import Calendar, working_minutes


class HeldMinutes(NamedTuple):
    """Working minutes in one agency's hands: while the clock ran, while it stood, and those after the deadline."""

    minutes: int = 0
    suspended_minutes: int = 0
    late_minutes: int = 0


def held_minutes(state: ClockState, calendar: Calendar) -> dict[str, HeldMinutes]:
    """Return the minutes of each agency ("": the applicant, or nobody); their sum is the dossier's.

    Late are running minutes after the deadline by law, whoever caused that they were needed; while the result was out
    nobody was late.
    """
    totals: dict[str, HeldMinutes] = {}
    for held in state.holdings:
        so_far, late = totals.get(held.agency_code or "", HeldMinutes()), _late_minutes(held, state, calendar)
        parts = zip(so_far, (held.minutes, held.suspended_minutes, late), strict=True)
        totals[held.agency_code or ""] = HeldMinutes._make(a + b for a, b in parts)
    return totals


def _late_minutes(held: Holding, state: ClockState, calendar: Calendar) -> int:
    begins_at, ends_at = max(held.from_at, state.standing_deadline_at), held.to_at
    if begins_at >= ends_at:
        return 0
    spans = [*state.gaps, *((s.from_at, s.to_at or ends_at) for s in state.suspensions)]
    return working_minutes(begins_at, ends_at, calendar) - stood_minutes((begins_at, ends_at), merged(spans), calendar)
