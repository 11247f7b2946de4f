"""Open legs that no agency in force holds: they move to who took over; what nobody took over stays, and is counted."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from services.workflow import repository
from services.workflow.domain.legs import is_open
from services.workflow.handlers import catalogue
from services.workflow.handlers.moves import hand_on
from services.workflow.models import Leg
from services.workflow.repository import Cursor, Journey
from shared.outbox import next_instant
from shared.session import Session

PAGE = 100
ENDED, FOUND = "agency_ended", "agency_found"


@dataclass(frozen=True, slots=True)
class Round:
    """What one transaction saw: by agency ("" where none was found) the legs nobody takes over, and where it ended."""

    stranded: Counter[str]
    last: Cursor | None


async def move_legs(session: Session, at: datetime, after: Cursor | None) -> Round:
    """Move a page of the open legs that no agency in force holds at *at*.

    A dossier that somebody else works on is left to the next round; what was moved is not found again.
    """
    places = await repository.unheld(session, catalogue.gone_codes(session, at), after, PAGE)
    if not places:
        return Round(Counter(), None)
    journeys = await repository.lock_journeys(session, {dossier_id for _, dossier_id, _ in places})
    reached = [(journeys[dossier_id], leg_no) for _, dossier_id, leg_no in places if dossier_id in journeys]
    moving = [(journey, journey.leg(leg_no)) for journey, leg_no in reached if journey.head.frozen_at is None]
    legs = [(journey, leg) for journey, leg in moving if is_open(leg)]
    left = [leg.agency_code or "" for journey, leg in legs if not _move(session, journey, leg)]
    return Round(Counter(left), places[-1])


def _move(session: Session, journey: Journey, leg: Leg) -> bool:
    """Hand a leg on to who takes it over; say whether there is somebody."""
    to_code = catalogue.taker_of(session, journey.dossier, leg, next_instant(session, journey.head))
    if to_code is not None and to_code != leg.agency_code:
        hand_on(session, journey, leg, to_code, ENDED if leg.agency_code else FOUND)
    return to_code is not None
