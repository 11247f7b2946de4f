"""Observations: what an adapter saw of a dossier in its system is compared with what that system had taken."""

from datetime import UTC, datetime
from typing import Any

from services.workflow.domain.deliveries import digest
from services.workflow.domain.incidents import OBSERVED, Verdict, compare
from services.workflow.handlers.delivering import system_for
from services.workflow.handlers.incidents import close_incidents, open_incident
from services.workflow.models import Exchange, Standing
from services.workflow.repository import exchange as repository
from services.workflow.schemas.exchange import ObservationGiven
from shared.auth import Principal
from shared.errors import DossierUnknown
from shared.session import Session


async def observe(session: Session, code: str, given: ObservationGiven, by: Principal) -> Standing:
    """Record what was seen; a divergence opens an incident, being in step closes what was open."""
    system = system_for(session, code, by)
    found = await repository.lock_by_code(session, given.dossier_code)
    if found is None or system.code not in found[1].lanes:
        raise DossierUnknown(given.dossier_code)
    exchange = found[1]
    theirs = given.state.model_dump(mode="json", exclude_unset=True) if given.exists else None
    seen = compare(await repository.told(session, exchange, system.code), exchange.picture, theirs)
    if seen.verdict is Verdict.DIVERGED:
        await open_incident(session, exchange, system.code, seen, detail=given.how)
    elif seen.verdict is Verdict.IN_STEP:
        await close_incidents(session, exchange, system.code, OBSERVED)
    return _see(await _standing(session, exchange, system.code, seen.verdict), given, theirs)


async def _standing(session: Session, exchange: Exchange, system: str, verdict: Verdict) -> Standing:
    real_now = datetime.now(UTC)
    standing = await repository.standing(session, exchange.dossier_id, system)
    if standing is None:
        standing = Standing(dossier_id=exchange.dossier_id, system=system, verdict=verdict, since=real_now)
        session.add(standing)
    if standing.verdict != verdict:
        standing.verdict, standing.since = verdict, real_now
    return standing


def _see(standing: Standing, given: ObservationGiven, theirs: dict[str, Any] | None) -> Standing:
    standing.observed, standing.observed_hash = theirs, digest(theirs)
    standing.observed_at, standing.how = given.observed_at, given.how
    standing.received_at = datetime.now(UTC)
    return standing
