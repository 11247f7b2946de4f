"""Suspensions that officers decide: on a ground of the closed list with its document, or not at all."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from services.sla import repository
from services.sla.domain import Ground, Kept, Kind, Noted, Opening, Status, opening_of, suspension_no
from services.sla.handlers.agencies import require_acting, responsible_for, seen_codes
from services.sla.handlers.clocks import note
from services.sla.handlers.terms import grounds
from services.sla.models import RefusedSuspension
from services.sla.repository import History
from services.sla.schemas.clocks import GroundRead, SuspensionAsk, SuspensionEnd
from shared.auth import Principal
from shared.errors import AlreadyDone, DomainError, IllegalTransition, NotFound, Text
from shared.outbox import next_instant, now
from shared.session import Session
from shared.tables import HeadRow
from shared.web import require_version
from shared.worktime import local_date


class UnlawfulSuspension(DomainError):
    """No ground of the closed list allows it; ``grounds`` lists those that an officer may use today."""

    status = 422
    code = "unlawful_suspension"
    title = Text("Tạm dừng không có căn cứ pháp luật", "No lawful ground for a suspension")


_WHY: Mapping[str, Text] = {
    "no_ground": Text("Không nêu căn cứ", "no ground was given"),
    "unknown_ground": Text("Căn cứ không có trong danh mục", "the ground is not on the closed list"),
    "ground_not_in_force": Text("Căn cứ không có hiệu lực vào ngày này", "the ground is not in force on this day"),
    "not_for_officers": Text(
        "Căn cứ này chỉ mở bằng phiếu yêu cầu bổ sung của bộ phận Một cửa",
        "this ground is opened by a supplement request of the one-stop unit only",
    ),
    "no_document": Text("Thiếu số văn bản", "the number of the document is missing"),
}
_WHO_OPENS = Text(
    "Chỉ cơ quan đang giữ hồ sơ, bộ phận Một cửa nơi tiếp nhận hoặc cơ quan đang có việc trong hồ sơ "
    "được tạm dừng tính thời hạn",
    "only the agency that holds the dossier, its receiving unit, or an agency with an open leg suspends the clock",
)
_WHO_ENDS = Text(
    "Chỉ cơ quan đã tạm dừng tính thời hạn, cơ quan đang giữ hồ sơ hoặc bộ phận Một cửa nơi tiếp nhận "
    "được tính tiếp thời hạn",
    "only the agency that opened the suspension, the one that holds the dossier, or its receiving unit ends it",
)
_Check = Callable[[SuspensionAsk, list[Ground], date], bool]
_REFUSED_IF: Mapping[str, _Check] = {
    "no_ground": lambda ask, _, __: not ask.ground,
    "unknown_ground": lambda _, known, __: not known,
    "ground_not_in_force": lambda _, known, on: not any(ground.is_in_force(on) for ground in known),
    "not_for_officers": lambda _, known, on: (
        not any(Opening.OFFICER in ground.openers for ground in known if ground.is_in_force(on))
    ),
    "no_document": lambda ask, _, __: not ask.document_no,
}
"""The first that holds is the reason."""


def _require_lawful(session: Session, ask: SuspensionAsk, on: date) -> str:
    """Return the ground's code; UnlawfulSuspension with the list of lawful ones."""
    listed = grounds(session)
    known = [ground for ground in listed if ground.code == ask.ground]
    reason = next((reason for reason, holds in _REFUSED_IF.items() if holds(ask, known, on)), None)
    if reason is None and ask.ground is not None:
        return ask.ground
    lawful = [ground for ground in listed if ground.is_in_force(on) and Opening.OFFICER in ground.openers]
    shown = [GroundRead.model_validate(ground).model_dump(mode="json") for ground in lawful]
    raise UnlawfulSuspension(_WHY[reason or "no_ground"], extra={"reason": reason, "grounds": shown})


async def note_refusal(
    session: Session, dossier_id: UUID, ask: SuspensionAsk, why: UnlawfulSuspension, by: Principal
) -> None:
    """Count an unlawful attempt for the agency that made it."""
    attempt = RefusedSuspension(
        id=uuid4(),
        agency_code=by.agency_code or "",
        dossier_id=dossier_id,
        ground=ask.ground,
        reason=why.extra["reason"],
        subject=by.subject,
        refused_at=now(session),
    )
    session.add(attempt)


async def open_suspension(session: Session, dossier_id: UUID, ask: SuspensionAsk, seen: int, by: Principal) -> History:
    """Stop the clock lawfully; UnlawfulSuspension, IllegalTransition when finished, AlreadyDone when it stands.

    Forbidden, whatever the ground, to an agency that has nothing to do with the dossier now.
    """
    head, history = await repository.lock(session, dossier_id, seen_codes(session, by))
    at_work = {leg.agency_code for leg in history.legs.values() if leg.ended_at is None}
    require_acting(session, by, responsible_for(history) | at_work, _WHO_OPENS)
    at = next_instant(session, head)
    ground = _require_lawful(session, ask, local_date(at))
    _require_open(history)
    if any(row.ground == ground and row.to_at is None for row in history.suspensions.values()):
        raise AlreadyDone(Text("Đang tạm dừng theo căn cứ này", "suspended on this ground already"))
    require_seen(history, seen)
    no = suspension_no(Opening.OFFICER, 1 + sum(_is_officers(fact) for fact in history.facts))
    data = {"ground": ground, "document_no": ask.document_no, "note": ask.note, "by": by.subject}
    data["by_agency"] = by.agency_code
    note(session, head, history, decided(head, at, Kind.SUSPENSION_BEGAN, no, data))
    return history


def _is_officers(fact: Noted) -> bool:
    return fact.kind == Kind.SUSPENSION_BEGAN and opening_of(fact.no or 0) is Opening.OFFICER


def decided(head: HeadRow, at: datetime, kind: Kind, no: int | None, data: dict[str, Any]) -> Kept:
    """Return a fact of our own: it carries the place of the event that announces it, the next that is written."""
    seq = head.sla_seq + 1
    return Kept(dossier_id=head.dossier_id, source="sla", seq=seq, at=at, kind=kind, no=no, data=data)


def _require_open(history: History) -> None:
    if history.clock is None or history.clock.status == Status.FINISHED:
        done = Text("Hồ sơ đã giải quyết xong", "processing has ended")
        raise IllegalTransition(done, extra={"status_now": Status.FINISHED, "allowed": []})


def require_seen(history: History, seen: int) -> None:
    """Raise StaleVersion unless *seen* is the clock's present version."""
    assert history.clock is not None  # noqa: S101 - checked just before
    require_version(seen, history.clock.version)


async def end_suspension(
    session: Session, dossier_id: UUID, no: int, ask: SuspensionEnd, seen: int, by: Principal
) -> History:
    """Let the clock run again; only what an officer opened is ended by one, the others end with their cause.

    Forbidden but to the agency that opened it, to the one that holds the dossier, and to its receiving unit.
    """
    head, history = await repository.lock(session, dossier_id, seen_codes(session, by))
    row = history.suspensions.get(no)
    if row is None:
        raise NotFound(Text("Không có lần tạm dừng này", "no such suspension"))
    require_acting(session, by, responsible_for(history) | {row.agency_code}, _WHO_ENDS)
    if row.to_at is not None:
        raise AlreadyDone(Text("Lần tạm dừng này đã kết thúc", "this suspension has ended"))
    _require_open(history)
    if opening_of(no) is not Opening.OFFICER:
        cause = Text("Lần tạm dừng này kết thúc cùng nguyên nhân của nó", "this suspension ends with its cause")
        raise IllegalTransition(cause, extra={"opened_by": opening_of(no), "allowed": []})
    require_seen(history, seen)
    data = {"note": ask.note, "by": by.subject}
    at = next_instant(session, head)
    note(session, head, history, decided(head, at, Kind.SUSPENSION_ENDED, no, data))
    return history
