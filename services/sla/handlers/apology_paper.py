"""Form 04 of an apology that was issued: what stands on the paper, without anybody's name."""

from datetime import datetime

from services.sla.domain import Kept
from services.sla.handlers.names import Names
from services.sla.handlers.terms import terms
from services.sla.models import Clock
from services.sla.papers.apology import Apology
from services.sla.repository import History
from shared.errors import NotFound, Text
from shared.session import Session
from shared.worktime import Calendar, local_date

NO_REASON = "(lý do không còn lưu sau khi khôi phục cơ sở dữ liệu)"


def print_apology(session: Session, history: History, apology_no: int) -> Apology:
    """Return what form 04 says; NotFound if there is no such apology."""
    clock, fact = history.clock, _issued(history, apology_no)
    assert clock is not None  # noqa: S101 - the query that found it asked for the clock
    on, data = local_date(fact.at), fact.data
    names, due_at = Names(session, on, on), datetime.fromisoformat(data["deadline_at"])
    promised = data.get("new_deadline_at")
    return Apology(
        agency_name=names.agency(data["agency_code"]),
        place=_place(session),
        issued_at=fact.at,
        dossier_code=clock.dossier_code or str(clock.dossier_id),
        procedure_name=names.procedure(clock.procedure_code, clock.procedure_version),
        received_at=clock.started_at,
        due_at=due_at,
        reason=data.get("reason", NO_REASON),
        late_working_days=_late_days(clock, due_at, fact.at, terms(session, clock).calendar),
        new_due_at=datetime.fromisoformat(promised) if promised else None,
    )


def _issued(history: History, apology_no: int) -> Kept:
    found = [fact for fact in history.apologies if fact.no == apology_no]
    if not found:
        raise NotFound(Text("Không có phiếu xin lỗi này", "no such apology"))
    return found[0]


def _place(session: Session) -> str:
    place: str = getattr(session.info.get("settings"), "papers_place", "")
    return place or "…………"


def _late_days(clock: Clock, due_at: datetime, issued_at: datetime, calendar: Calendar) -> int:
    """Return the working days that have begun since *due_at* until the apology, or the end if that came before."""
    until = min(issued_at, clock.finished_at) if clock.finished_at else issued_at
    return max(0, calendar.n_working_days_to(until) - calendar.n_working_days_to(due_at))
