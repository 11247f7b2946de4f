"""Messages of outside systems: applied once, moot, parked where it can be seen, or a conflict; never just *yes*."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from services.workflow import repository as journeys
from services.workflow.domain.deliveries import digest
from services.workflow.domain.incidents import Find, Kind
from services.workflow.domain.legs import LegStatus, is_open, returnable
from services.workflow.domain.observing import same
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import catalogue, commands
from services.workflow.handlers.catalogue import system_for
from services.workflow.handlers.incidents import open_incident
from services.workflow.handlers.past import require_past
from services.workflow.models import Inbound, Leg
from services.workflow.repository import Journey
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import MessageData, MessageGiven
from services.workflow.schemas.journeys import Completion, CompletionData, NoticeGiven, ProposalGiven, SendBack
from shared.auth import Principal, Role
from shared.errors import DomainError, IllegalTransition, Text
from shared.session import Session

INCOMPLETE, UNNAMED = "incomplete", "OTHER"
"""What a system that does not say what is missing is taken to mean; the one-stop unit names the papers."""


class Status(StrEnum):
    """What became of a message."""

    APPLIED = "applied"
    MOOT = "moot"
    """What it says is so already."""
    PARKED = "parked"
    """It can not be understood here yet: shown, and tried again when it comes again."""
    CONFLICT = "conflict"
    """It contradicts what is known here: an incident shows both sides."""


FINAL = frozenset({Status.APPLIED, Status.MOOT, Status.CONFLICT})
"""Nothing more is asked of the system: what contradicts is an incident, and a person's matter from then on."""


class MessageReused(IllegalTransition):
    """The same message id came with another content."""

    code = "message_reused"
    title = Text("Mã thông điệp đã dùng cho nội dung khác", "This message id was used for another content")


class _NotNow(Exception):
    """The message can not be applied; *status* and *detail* say what it is instead."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True, slots=True)
class _Case:
    """A message about a dossier whose head is locked."""

    system: OutsideSystem
    journey: Journey
    given: MessageGiven

    @property
    def own_legs(self) -> list[Leg]:
        """The legs that the system's agencies were handed, oldest first."""
        return [leg for leg in self.journey.legs if leg.agency_code in self.system.agency_codes]


async def hear(session: Session, code: str, given: MessageGiven, by: Principal) -> Inbound:
    """Take one message: what was applied is answered again; what could not be is tried again when it comes again."""
    system = system_for(session, code, by)
    require_past(session, given.at, "/at")
    content = _content(given)
    await repository.lock_message(session, system.code, given.message_id)
    row = await session.get(Inbound, (system.code, given.message_id))
    if row is not None and row.content_hash != content:
        raise MessageReused(extra={"status_now": row.status})
    if row is not None and row.status in FINAL:
        return row
    if row is None:
        row = _row(system.code, given, content)
        session.add(row)
    found = await repository.lock_by_code(session, given.dossier_code)
    row.dossier_id = found[0].dossier_id if found else None
    row.status, row.detail = await _apply(session, system, given, found)
    return row


def _content(given: MessageGiven) -> str:
    """Return the hash of what a message says: one hash, whatever offset its instants are written with.

    When it was said is no part of it: a system that gives no time is heard at another one with each repeat.
    """
    due_at = given.data.due_at and given.data.due_at.astimezone(UTC)
    same_instants = given.model_copy(update={"data": given.data.model_copy(update={"due_at": due_at})})
    return digest(same_instants.model_dump(mode="json", exclude={"at"}))


def _row(system: str, given: MessageGiven, content: str) -> Inbound:
    return Inbound(
        system=system, message_id=given.message_id, content_hash=content, kind=given.kind,
        dossier_code=given.dossier_code, at=given.at, data=given.data.model_dump(mode="json", exclude_unset=True),
        received_at=datetime.now(UTC),
    )  # fmt: skip


async def _apply(session: Session, system: OutsideSystem, given: MessageGiven, found: Any) -> tuple[Status, str]:
    if found is None:
        return Status.PARKED, "unknown_dossier"
    head, exchange = found
    journey = await journeys.journey(session, head)
    if journey is None or system.code not in exchange.lanes:
        return Status.PARKED, "not_concerned"
    try:
        return await _KINDS[given.kind](session, _Case(system, journey, given))
    except _NotNow as reason:
        return reason.status, reason.detail


Applied = tuple[Status, str]


async def _acknowledge(session: Session, case: _Case) -> Applied:
    own = case.own_legs
    if own and not any(map(is_open, own)) and own[-1].status == LegStatus.COMPLETED:
        return Status.MOOT, "completed_before"
    leg = _open_leg(case)
    if leg.status != LegStatus.OFFERED:
        return Status.MOOT, "acknowledged_before"
    await commands.acknowledge_leg(session, _call(case, leg))
    return Status.APPLIED, ""


async def _complete(session: Session, case: _Case) -> Applied:
    """Complete the leg; one that was not acknowledged yet is, since whoever finished it had it."""
    leg = await _settled(session, case) or _open_leg(case)
    if not is_open(leg):
        return Status.MOOT, "completed_before"
    data = case.given.data
    if data.outcome is None:
        raise _NotNow(Status.PARKED, "unmapped_outcome")
    done = Completion(outcome=data.outcome, data=CompletionData(notices=data.notices, document_no=data.document_no))
    _parked_if_refused(lambda: commands.outcome_of(session, case.journey, leg, done), "unmapped_outcome")
    if leg.status == LegStatus.OFFERED:
        await commands.acknowledge_leg(session, _call(case, leg))
    await commands.complete_leg(session, _call(case, leg), done)
    return Status.APPLIED, ""


async def _settled(session: Session, case: _Case) -> Leg | None:
    """Return the last own leg if it ended as the message says; a conflict if in another way, or on other notices."""
    legs = case.own_legs
    if not legs or any(map(is_open, legs)):
        return None
    found = _contradiction(legs[-1], case.given.data)
    if found is None:
        return legs[-1]
    await open_incident(session, case.journey.exchange, case.system.code, found, detail="leg_over")
    raise _NotNow(Status.CONFLICT, "leg_over")


def _contradiction(leg: Leg, said: MessageData) -> Find | None:
    """Return in what a leg that is over ended otherwise than *said*; None if in nothing."""
    if leg.status != LegStatus.COMPLETED or leg.outcome != said.outcome:
        ended = {"status": leg.status, "outcome": leg.outcome}
        return Find(Kind.MESSAGE, None, ended, {"outcome": said.outcome})
    ours = [NoticeGiven.model_validate(one) for one in leg.data.get("notices", [])]
    if _amounts(ours) == _amounts(said.notices):
        return None
    return Find(Kind.NOTICES, None, _shown(ours), _shown(said.notices))


def _amounts(notices: list[NoticeGiven]) -> dict[str, int]:
    return {notice.notice_no: notice.amount for notice in notices}


def _shown(notices: list[NoticeGiven]) -> dict[str, Any]:
    return {"notices": [notice.model_dump(mode="json", exclude_none=True) for notice in notices]}


async def _return(session: Session, case: _Case) -> Applied:
    leg, data = _open_leg(case), case.given.data
    back = SendBack(reason_code=data.reason_code or "returned", to_step_code=data.to_step_code)
    earlier = returnable(catalogue.route_of(session, case.journey.dossier).after, case.journey.legs, leg)
    if not earlier or (back.to_step_code and back.to_step_code not in earlier):
        raise _NotNow(Status.PARKED, "nowhere_to_return")
    if leg.status == LegStatus.OFFERED:
        await commands.acknowledge_leg(session, _call(case, leg))
    await commands.return_leg(session, _call(case, leg), back)
    return Status.APPLIED, ""


async def _propose(session: Session, case: _Case) -> Applied:
    """A request of the system is a proposal: the one-stop unit decides, and no clock stops."""
    leg, data = _open_leg(case), case.given.data
    if leg.status == LegStatus.OFFERED:
        await commands.acknowledge_leg(session, _call(case, leg))
    given = ProposalGiven(
        ground=data.ground or INCOMPLETE, component_codes=data.component_codes or [UNNAMED], note=data.note
    )
    await commands.propose_supplement(session, _call(case, leg), given)
    return Status.APPLIED, ""


async def _compare_date(session: Session, case: _Case) -> Applied:
    """Sla alone moves a deadline: a date that is not ours is shown, never taken over and never just logged.

    The date that came with what the system was told last is ours too: one that moved since is on its way, or has none.
    """
    ours, theirs = case.journey.exchange.picture["appointment_at"], case.given.data.due_at
    if theirs is not None and same(ours, theirs):
        return Status.MOOT, "in_step"
    told = await repository.told(session, case.journey.exchange, case.system.code)
    if theirs is not None and told is not None and same(told["appointment_at"], theirs):
        return Status.MOOT, "as_told"
    sides = {"appointment_at": ours}, {"appointment_at": theirs.isoformat() if theirs else None}
    found = Find(Kind.DATE, None, *sides)
    await open_incident(
        session, case.journey.exchange, case.system.code, found, detail=case.given.data.reason_code or ""
    )
    return Status.CONFLICT, "another_date"


async def _note(_: Session, __: _Case) -> Applied:
    """A step inside the system: kept as it came."""
    return Status.APPLIED, ""


_KINDS: Mapping[str, Callable[[Session, _Case], Awaitable[Applied]]] = {
    "leg_acknowledged": _acknowledge,
    "leg_completed": _complete,
    "leg_returned": _return,
    "supplement_proposed": _propose,
    "date_proposed": _compare_date,
    "progressed": _note,
}


def _open_leg(case: _Case) -> Leg:
    """Return the one leg that the system's agencies hold now."""
    held = [leg for leg in case.own_legs if is_open(leg)]
    if len(held) != 1:
        raise _NotNow(Status.PARKED, "no_open_leg" if not held else "several_open_legs")
    return held[0]


def _call(case: _Case, leg: Leg) -> commands.LegCall:
    """Return the call of an officer of the leg's agency, as which the system acts."""
    acting = Principal(f"system:{case.system.code}", frozenset({Role.OFFICER}), leg.agency_code, case.system.code)
    return commands.LegCall(leg.dossier_id, leg.leg_no, leg.version, acting)


def _parked_if_refused(check: Callable[[], object], detail: str) -> None:
    try:
        check()
    except DomainError as error:
        raise _NotNow(Status.PARKED, detail) from error
