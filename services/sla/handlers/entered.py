"""Counts that no system has and a person enters for a scorecard, with the document; never changed, only corrected."""

from uuid import uuid4

from services.sla import repository
from services.sla.domain.scorecards import Part, Scorecard
from services.sla.handlers.terms import references
from services.sla.models import EnteredCount
from services.sla.schemas.scorecards import CountEntry
from shared.auth import Principal
from shared.errors import DomainError, Malformed, Text, wrong_field
from shared.outbox import now
from shared.session import Session


class OverlappingCount(DomainError):
    """The same was counted for another period that overlaps; ``from`` and ``to`` say which."""

    status = 409
    code = "overlapping_count"
    title = Text("Kỳ số liệu chồng lên kỳ đã nhập", "The period overlaps one that was entered")


async def enter_count(session: Session, ask: CountEntry, by: Principal) -> EnteredCount:
    """Keep a count; Malformed if the scorecard has no such part or outcome, OverlappingCount."""
    _require_known(session, ask)
    row = EnteredCount(id=uuid4(), **ask.model_dump(by_alias=False), entered_by=by.subject, entered_at=now(session))
    await repository.lock_entering(session, ask.scorecard_code)
    beside = await repository.entered_beside(session, row)
    if beside is not None:
        raise OverlappingCount(extra={"from": f"{beside.from_on}", "to": f"{beside.to_on}"})
    session.add(row)
    return row


def _require_known(session: Session, ask: CountEntry) -> None:
    """Raise Malformed with everything that is wrong."""
    card: Scorecard | None = references(session).find("scorecard", ask.scorecard_code, ask.to_on)
    part = card.part(ask.part_code) if card is not None else None
    found = (
        ("/to", "before_from", ask.to_on < ask.from_on, "Ngày cuối kỳ trước ngày đầu kỳ", "Ends before it begins"),
        ("/scorecard_code", "unknown", card is None, "Không có bộ chỉ số này", "No such scorecard in force"),
        ("/part_code", "unknown", card is not None and part is None, "Không có chỉ số này", "No such part"),
        ("/part_code", "counted", _is_counted(part), "Chỉ số này do hệ thống tính", "The system counts this part"),
        ("/officer", "subject", _is_of_other(card, ask), "Bộ chỉ số chấm đối tượng khác", "Not whom it judges"),
        ("/agency_code", "unknown", not _is_agency(session, ask), "Không có đơn vị này", "No such agency"),
        ("/counts", "outcomes", _has_other(part, ask), f"Chỉ gồm: {_outcomes(part)}", f"Only: {_outcomes(part)}"),
        ("/counts", "empty", not sum(ask.counts.values()), "Tổng số phải lớn hơn 0", "There has to be one"),
    )
    errors = [wrong_field(pointer, code, vi, en) for pointer, code, is_wrong, vi, en in found if is_wrong]
    if errors:
        raise Malformed(extra={"errors": errors})


def _is_counted(part: Part | None) -> bool:
    return part is not None and part.counts is not None


def _is_of_other(card: Scorecard | None, ask: CountEntry) -> bool:
    return card is not None and (card.subject == "officer") != bool(ask.officer)


def _is_agency(session: Session, ask: CountEntry) -> bool:
    return any(code == ask.agency_code for code, _, _ in references(session).all_of("agency"))


def _has_other(part: Part | None, ask: CountEntry) -> bool:
    return part is not None and not ask.counts.keys() <= part.worth.keys()


def _outcomes(part: Part | None) -> str:
    return ", ".join(part.outcomes) if part is not None else ""
