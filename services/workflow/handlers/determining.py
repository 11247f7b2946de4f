"""Taxes determined anew after the leg was over: an incident with both notices, and a person takes theirs over."""

from typing import Any

from services.workflow import repository as journeys
from services.workflow.domain.incidents import Find, Kind
from services.workflow.domain.legs import LegStatus, is_open
from services.workflow.handlers import commands
from services.workflow.models import Incident, Leg
from services.workflow.schemas.exchange import MessageData
from services.workflow.schemas.journeys import NoticeGiven
from shared.errors import IllegalTransition, Text
from shared.session import Session
from shared.tables import HeadRow


def contradiction(leg: Leg, said: MessageData) -> Find | None:
    """Return in what a leg that is over ended otherwise than *said*; None if in nothing."""
    issued = notices_of(leg)
    ours, theirs = _shown(issued), _shown(said.notices)
    if leg.status == LegStatus.COMPLETED and leg.outcome == said.outcome:
        if _amounts(issued) == _amounts(said.notices):
            return None
        if ours and theirs:
            return Find(Kind.NOTICES, None, ours, theirs)
    ended = {"status": leg.status, "outcome": leg.outcome}
    return Find(Kind.MESSAGE, None, ended | ours, {"outcome": said.outcome} | theirs)


def notices_of(leg: Leg) -> list[NoticeGiven]:
    """Return the notices with which a leg ended."""
    return [NoticeGiven.model_validate(one) for one in leg.data.get("notices", [])]


async def take_over(session: Session, head: HeadRow, incident: Incident) -> None:
    """Let the notices of an incident take the place of those that it shows as ours, while they are to be paid.

    IllegalTransition if taxes are being determined, or were determined again since the incident was opened.
    """
    journey = await journeys.journey(session, head)
    leg = commands.determined(journey) if journey is not None else None
    assert journey is not None and leg is not None  # noqa: S101, PT018 - it was over when the incident was opened
    is_at_work = any(is_open(other) and other.step_code == leg.step_code for other in journey.legs)
    if is_at_work or _shown(notices_of(leg)) != incident.ours:
        vi, en = "Nghĩa vụ thuế đã hoặc đang được xác định lại", "taxes were, or are being, determined again since"
        raise IllegalTransition(Text(vi, en))
    theirs = [NoticeGiven.model_validate(one) for one in (incident.theirs or {})["notices"]]
    commands.determine_anew(session, journey, theirs)


def _amounts(notices: list[NoticeGiven]) -> dict[str, int]:
    return {notice.notice_no: notice.amount for notice in notices}


def _shown(notices: list[NoticeGiven]) -> dict[str, Any]:
    shown = [notice.model_dump(mode="json", exclude_none=True) for notice in notices]
    return {"notices": shown} if shown else {}
