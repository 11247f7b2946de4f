"""Payments: noted for the index, and nothing else; no deadline moves, and nothing is announced."""

from services.sla import repository
from services.sla.domain import Kept, difference, paid
from services.sla.handlers.entries import write
from services.sla.models import Fact
from shared.session import Session
from shared.worktime import local_date


async def note_payment(session: Session, fact: Kept) -> None:
    """Keep a payment, and count its dossier as paid; known on the day on which it was recorded.

    The clock is there: it began with an earlier fact of the same source, and is only asked who received the dossier.
    """
    history = await repository.history(session, fact.dossier_id)
    counted = paid(history.facts)
    session.insert(Fact, fact._asdict())
    history.facts.append(fact)
    if history.clock is not None:
        write(session, history.clock, difference(paid(history.facts), counted), local_date(fact.at))
