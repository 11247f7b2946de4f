"""Repair: what has diverged and is ours is told again through its lane; what is not, or does not help, is a person's.

Nothing is sent blindly: changes that are told again are *unknown* to their adapter, which looks before it sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.workflow.domain.incidents import Find
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import brake
from services.workflow.handlers.incidents import open_incident
from services.workflow.handlers.lanes import tell_again
from services.workflow.models import Exchange, Standing
from services.workflow.repository.observing import taken
from shared.session import Session


@dataclass(frozen=True, slots=True)
class Case:
    """A dossier that has diverged in a system; its head is locked."""

    system: OutsideSystem
    exchange: Exchange
    standing: Standing


async def settle(session: Session, case: Case, finds: Sequence[Find], *, is_new: bool) -> None:
    """Tell again what a machine may, open incidents about the rest; nothing of either while the brake is on."""
    if await brake.holds(session, case.system, is_new=is_new):
        return
    _, last = await taken(session, case.standing)
    mended = [find for find in finds if find.first is not None and find.first <= last]
    if mended and case.standing.n_tries < case.system.most_repairs:
        await tell_again(session, case.exchange, case.standing, min(find.first or 1 for find in mended))
    else:
        mended = []
    detail = f"told_again_{case.standing.n_tries}_times" if case.standing.n_tries else ""
    for find in finds:
        if find not in mended:
            await open_incident(session, case.exchange, case.system.code, find, detail=detail)
