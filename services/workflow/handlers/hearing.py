"""Messages of outside systems: applied once, moot, parked where it can be seen, or a conflict; never just *yes*."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.workflow import repository as journeys
from services.workflow.domain.deliveries import digest
from services.workflow.domain.incidents import Find, Kind
from services.workflow.domain.legs import LegStatus, is_open, returnable, with_successors
from services.workflow.domain.observing import same
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import catalogue, commands
from services.workflow.handlers.catalogue import system_for
from services.workflow.handlers.determining import contradiction
from services.workflow.handlers.incidents import close_incidents, open_incident
from services.workflow.handlers.past import require_past
from services.workflow.models import Inbound, Leg
from services.workflow.repository import Journey, observing
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import MessageData, MessageGiven
from services.workflow.schemas.journeys import Completion, CompletionData, ProposalGiven, SendBack
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
    leg_no: int | None
    """The leg that it is about, if it says which delivery it answers."""

    @property
    def own_legs(self) -> list[Leg]:
        """The legs that the system's agencies were handed, oldest first; or the one that the message is about."""
        legs = self.journey.legs if self.leg_no is None else with_successors(self.journey.legs, self.leg_no)
        return [leg for leg in legs if leg.agency_code in self.system.agency_codes]


async def hear(session: Session, code: str, given: MessageGiven, by: Principal) -> Inbound:
    """Take one message: what was applied is answered again; what could not be is tried again when it comes again."""
    system = system_for(session, code, by)
    require_past(session, given.at, "/at")
    content = _content(given)
    await repository.lock_message(session, system.code, given.message_id)
    row = await session.get(Inbound, (system.code, given.message_id))
    if row is not None and row.status in FINAL:
        if row.content_hash != content:
            raise MessageReused(extra={"status_now": row.status})
        if given.how == "read":
            await _compare(session, system, given)
        return row
    if row is None:
        row = _row(system.code, given.message_id)
        session.add(row)
    found = await repository.lock_by_code(session, given.dossier_code)
    _take(row, given, content, found[0].dossier_id if found else None)
    row.status, row.detail = await _apply(session, system, given, found)
    return row


async def _compare(session: Session, system: OutsideSystem, given: MessageGiven) -> None:
    """What was taken before is shown there still: an incident if our leg has ended in another way since."""
    is_end = given.kind == "leg_completed"
    found = await repository.lock_by_code(session, given.dossier_code) if is_end else None
    journey = await journeys.journey(session, found[0]) if found else None
    if journey is not None:
        with suppress(_NotNow):
            await _settled(session, await _case(session, system, journey, given))


def _content(given: MessageGiven) -> str:
    """Return the hash of what a message says: one hash, whatever offset its instants are written with.

    When it was said is no part of it: a system that gives no time is heard at another one with each repeat. Nor is
    what was left out, so that a field that is new in a later release changes no hash.
    """
    due_at = given.data.due_at and given.data.due_at.astimezone(UTC)
    same_instants = given.model_copy(update={"data": given.data.model_copy(update={"due_at": due_at})})
    return digest(same_instants.model_dump(mode="json", exclude={"at", "how", "delivery_id"}, exclude_defaults=True))


def _row(system: str, message_id: str) -> Inbound:
    return Inbound(system=system, message_id=message_id, received_at=datetime.now(UTC))


def _take(row: Inbound, given: MessageGiven, content: str, dossier_id: UUID | None) -> None:
    """Write what was said; what was parked may say it in other words, since the adapter's tables were mended."""
    row.content_hash, row.kind, row.dossier_code, row.at = content, given.kind, given.dossier_code, given.at
    row.data, row.dossier_id = given.data.model_dump(mode="json", exclude_unset=True), dossier_id


async def _apply(session: Session, system: OutsideSystem, given: MessageGiven, found: Any) -> tuple[Status, str]:
    if found is None:
        return Status.PARKED, "unknown_dossier"
    head, exchange = found
    journey = await journeys.journey(session, head)
    if journey is None or system.code not in exchange.lanes:
        return Status.PARKED, "not_concerned"
    try:
        return await _KINDS[given.kind](session, await _case(session, system, journey, given))
    except _NotNow as reason:
        return reason.status, reason.detail


async def _case(session: Session, system: OutsideSystem, journey: Journey, given: MessageGiven) -> _Case:
    if given.delivery_id is None:
        return _Case(system, journey, given, None)
    told = await repository.delivery_by_id(session, system.code, given.delivery_id)
    leg_no: int | None = json.loads(told.payload)["data"].get("leg_no") if told is not None else None
    if told is None or told.dossier_id != journey.dossier.id or leg_no is None:
        raise _NotNow(Status.PARKED, "unknown_delivery")
    return _Case(system, journey, given, leg_no)


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
    done = _completion(data, data.outcome)
    _parked_if_refused(lambda: commands.outcome_of(session, case.journey, leg, done), "unmapped_outcome")
    if leg.status == LegStatus.OFFERED:
        await commands.acknowledge_leg(session, _call(case, leg))
    await commands.complete_leg(session, _call(case, leg), done)
    await _holds(session, case)
    return Status.APPLIED, ""


def _completion(data: MessageData, outcome: str) -> Completion:
    try:
        return Completion(outcome=outcome, data=CompletionData(notices=data.notices, document_no=data.document_no))
    except ValidationError as error:
        raise _NotNow(Status.PARKED, "notice_twice") from error


async def _settled(session: Session, case: _Case) -> Leg | None:
    """Return the last own leg if it ended as the message says; a conflict if in another way, or on other notices.

    Other notices may be older ones that were overtaken on their way: a look soon shows which hold.
    """
    legs, exchange, system = case.own_legs, case.journey.exchange, case.system.code
    if not legs or any(map(is_open, legs)):
        return None
    found = contradiction(legs[-1], case.given.data)
    if found is None:
        await _holds(session, case)
        return legs[-1]
    await open_incident(session, exchange, system, found, detail="leg_over")
    if case.given.how == "callback":
        await observing.look_soon(session, exchange.dossier_id, system)
    raise _NotNow(Status.CONFLICT, "leg_over")


async def _holds(session: Session, case: _Case) -> None:
    """What is known here is what the system says last: no other notices wait to be taken over."""
    await close_incidents(session, case.journey.exchange, case.system.code, {Kind.NOTICES}, lambda _: True)


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
    told = await _told(session, case)
    if theirs is not None and told is not None and same(told["appointment_at"], theirs):
        return Status.MOOT, "as_told"
    sides = {"appointment_at": ours}, {"appointment_at": theirs.isoformat() if theirs else None}
    found = Find(Kind.DATE, None, *sides)
    await open_incident(
        session, case.journey.exchange, case.system.code, found, detail=case.given.data.reason_code or ""
    )
    return Status.CONFLICT, "another_date"


async def _told(session: Session, case: _Case) -> dict[str, Any] | None:
    """Return the picture that came with the last change the system has taken; None if it has taken none."""
    dossier_id, system = case.journey.exchange.dossier_id, case.system.code
    standing = await observing.standing(session, dossier_id, system)
    return await observing.picture_at(session, dossier_id, system, standing.told_no) if standing is not None else None


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
