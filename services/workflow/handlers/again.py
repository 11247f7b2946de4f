"""What officers and jobs did, done again from what was said of it (``shared.retrace``), by the same functions.

The officers' notes and the words of supplement proposals were never published: what a backup lacks of them is gone.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from services.workflow import repository
from services.workflow.domain.legs import is_open
from services.workflow.handlers import commands, succession
from services.workflow.handlers.moves import hand_on
from services.workflow.repository import exchange
from services.workflow.schemas.journeys import (
    Assignment,
    Completion,
    CompletionData,
    NoticeGiven,
    ProposalGiven,
    Reason,
    SendBack,
)
from shared.auth import Principal, Role
from shared.consumer import Handler, Received
from shared.errors import DossierUnknown
from shared.events import Fact
from shared.events.workflow import (
    LegAcknowledged,
    LegAssigned,
    LegCompleted,
    LegOffered,
    LegRefused,
    LegReturned,
    SupplementProposed,
    TaxNoticeIssued,
)
from shared.retrace import recalled
from shared.session import Session

RECOVERED = "recovered"


async def doubt_waiting(session: Session) -> None:
    """Have what waited when the database was backed up looked at before it is told: it may have been told since."""
    await exchange.doubt_waiting(session)


async def _call(session: Session, got: Received[Any], by: str | None = None) -> commands.LegCall:
    """Return the call of then: by its agency, on the version of then."""
    legs = {leg.leg_no: leg for leg in await repository.legs_of(session, got.dossier_id)}
    if got.fact.leg_no not in legs:
        raise repository.LegUnknown(f"{got.dossier_id} {got.fact.leg_no}")
    leg = legs[got.fact.leg_no]
    who = Principal(by or RECOVERED, frozenset({Role.OFFICER}), leg.agency_code)
    return commands.LegCall(got.dossier_id, leg.leg_no, leg.version, who)


async def _acknowledge(session: Session, got: Received[LegAcknowledged]) -> None:
    await commands.acknowledge_leg(session, await _call(session, got, got.fact.officer))


async def _assign(session: Session, got: Received[LegAssigned]) -> None:
    await commands.assign_leg(session, await _call(session, got), Assignment(officer=got.fact.officer))


async def _refuse(session: Session, got: Received[LegRefused]) -> None:
    await commands.refuse_leg(session, await _call(session, got), Reason(reason_code=got.fact.reason_code))


async def _return(session: Session, got: Received[LegReturned]) -> None:
    why = SendBack(reason_code=got.fact.reason_code, to_step_code=got.fact.to_step_code)
    await commands.return_leg(session, await _call(session, got), why)


async def _complete(session: Session, got: Received[LegCompleted]) -> None:
    data = CompletionData(document_no=got.fact.data.get("document_no"), notices=_notices(session))
    if got.fact.automatic is not None:
        await _determine_anew(session, got, data.notices)
        return
    done = Completion(outcome=got.fact.outcome, data=data)
    await commands.complete_leg(session, await _call(session, got), done)


async def _determine_anew(session: Session, got: Received[LegCompleted], notices: list[NoticeGiven]) -> None:
    """Other notices were taken over: the only stretch done at once that no command and no fact brings about."""
    journey = await repository.journey(session, got.head)
    if journey is None:
        raise DossierUnknown(str(got.dossier_id))
    commands.determine_anew(session, journey, notices)


def _notices(session: Session) -> list[NoticeGiven]:
    """Return the notices that were issued with the completion: they follow it."""
    recall = recalled(session)
    later = list(recall.own)[1:] if recall else []
    issued = takewhile(lambda event: event.type == TaxNoticeIssued.type_name(), later)
    facts = [TaxNoticeIssued.model_validate_json(event.data) for event in issued]
    return [NoticeGiven(notice_no=one.notice_no, amount=one.amount, due_on=one.due_on) for one in facts]


async def _propose(session: Session, got: Received[SupplementProposed]) -> None:
    given = ProposalGiven(ground=got.fact.ground, component_codes=got.fact.component_codes)
    await commands.propose_supplement(session, await _call(session, got), given)


async def _hand_on(session: Session, got: Received[LegOffered]) -> None:
    """An agency took over what another one held: the only offer that no command and no fact brings about."""
    journey = await repository.journey(session, got.head)
    held = [leg for leg in journey.legs if is_open(leg) and leg.step_code == got.fact.step_code] if journey else []
    if journey is None or not held or got.fact.agency_code is None:
        raise DossierUnknown(str(got.dossier_id))
    reason = succession.ENDED if held[0].agency_code else succession.FOUND
    hand_on(session, journey, held[0], got.fact.agency_code, reason)


AGAIN: Mapping[type[Fact], Handler] = {
    LegAcknowledged: _acknowledge,
    LegAssigned: _assign,
    LegRefused: _refuse,
    LegReturned: _return,
    LegCompleted: _complete,
    SupplementProposed: _propose,
    LegOffered: _hand_on,
}
