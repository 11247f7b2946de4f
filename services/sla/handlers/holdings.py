"""Who held a dossier how long, written once processing has ended, and again when what is known of it changes."""

from services.sla.domain import ClockState, held_minutes
from services.sla.handlers.terms import Terms
from services.sla.models import Holding
from services.sla.repository import History
from shared.session import Session
from shared.worktime import local_date


def keep_holdings(session: Session, history: History, state: ClockState, run_by: Terms) -> None:
    """Bring the stored minutes of each agency up to *state*; there are none until processing has ended."""
    wanted = held_minutes(state, run_by.calendar) if state.finished_at is not None else {}
    for agency_code in history.holdings.keys() - wanted.keys():
        session.delete(history.holdings.pop(agency_code))
    for agency_code, held in wanted.items():
        row = history.holdings.get(agency_code)
        if row is None:
            row = _new_row(history, agency_code)
            session.add(row)
            history.put(row)
        row.finished_on = local_date(state.finished_at or state.started_at)
        row.minutes, row.suspended_minutes, row.late_minutes = held


def _new_row(history: History, agency_code: str) -> Holding:
    assert history.clock is not None  # noqa: S101 - settled just before
    unit_code = history.clock.receiving_unit_code
    return Holding(dossier_id=history.dossier_id, agency_code=agency_code, unit_code=unit_code)
