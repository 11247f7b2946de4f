"""The brake: when so much of a system has diverged, repair stops there and one incident calls a person."""

from datetime import UTC, datetime

import structlog
import uuid_utils.compat as uuids

from services.workflow.domain.incidents import Kind
from services.workflow.domain.observing import trips
from services.workflow.domain.systems import OutsideSystem
from services.workflow.models import Incident
from services.workflow.repository import observing as repository
from shared.session import Session

log = structlog.get_logger(__name__)


async def holds(session: Session, system: OutsideSystem, *, is_new: bool) -> bool:
    """Say whether nothing is repaired in a system now; one divergence more (*is_new*) may be the one too many."""
    last = await repository.last_brake(session, system.code)
    if _is_on(last):
        return True
    n_diverged = await repository.n_diverged(session, system.code, last) + is_new
    if not await _is_too_much(session, system, n_diverged):
        return False
    await repository.lock_brake(session, system.code)
    if not _is_on(await repository.last_brake(session, system.code)):
        session.add(_incident(system, n_diverged))
        log.error("brake", system=system.code, n_diverged=n_diverged)
    return True


def _is_on(brake: Incident | None) -> bool:
    return brake is not None and brake.closed_at is None


async def _is_too_much(session: Session, system: OutsideSystem, n_diverged: int) -> bool:
    limit = system.brake
    if n_diverged < limit.at_least:
        return False
    most = int(n_diverged * 100 / limit.percent) + 1 if limit.percent else 1
    n_dossiers = await repository.n_dossiers(session, system.code, most)
    return trips(n_diverged, n_dossiers, at_least=limit.at_least, percent=limit.percent)


def _incident(system: OutsideSystem, n_diverged: int) -> Incident:
    ours = {"at_least": system.brake.at_least, "percent": system.brake.percent}
    return Incident(
        id=uuids.uuid7(), dossier_id=None, system=system.code, kind=Kind.BRAKE, detail="", delivery_id=None,
        base=None, ours=ours, theirs={"n_diverged": n_diverged}, opened_at=datetime.now(UTC), closed_at=None,
        closed_by=None, action=None, note="",
    )  # fmt: skip
