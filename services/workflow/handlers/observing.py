"""Observations: what an adapter saw of a dossier in its system is compared with what that system had taken."""

from datetime import UTC, datetime

from services.workflow.domain.deliveries import digest
from services.workflow.domain.incidents import OBSERVED, Find
from services.workflow.domain.observing import Known, Seen, Verdict, judge, verdict_of
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import looking
from services.workflow.handlers.catalogue import system_for
from services.workflow.handlers.incidents import close_incidents
from services.workflow.handlers.past import require_past
from services.workflow.handlers.repairing import Case, settle
from services.workflow.models import Exchange, Standing
from services.workflow.repository import exchange as exchanges
from services.workflow.repository import observing as repository
from services.workflow.schemas.exchange import ObservationGiven
from shared.auth import Principal
from shared.errors import DossierUnknown
from shared.outbox import now
from shared.session import Session


async def observe(session: Session, code: str, given: ObservationGiven, by: Principal) -> Standing:
    """Record what was seen: a difference is told again or becomes an incident, being in step closes what was open."""
    require_past(session, given.observed_at, "/observed_at")
    real_now = datetime.now(UTC)
    case = await _case(session, system_for(session, code, by), given, real_now)
    if not _says_nothing(case, given):
        await _conclude(session, case, given, real_now)
    return case.standing


async def gone(session: Session, system: OutsideSystem, exchange: Exchange) -> Verdict:
    """A change found no dossier there: that is a look, also while changes are told again; older looks say nothing."""
    real_now = datetime.now(UTC)
    case = Case(system, exchange, await looking.standing_of(session, exchange.dossier_id, system, real_now))
    case.standing.fence += 1
    given = ObservationGiven(dossier_id=exchange.dossier_id, observed_at=now(session), how="read", exists=False)
    await _conclude(session, case, given, real_now)
    return Verdict(case.standing.verdict)


async def _conclude(session: Session, case: Case, given: ObservationGiven, real_now: datetime) -> None:
    known = await _known(session, case, given)
    seen = _seen(given, known)
    verdict, news = await _judged(session, case, seen, known)
    is_new = verdict is Verdict.DIVERGED and case.standing.verdict != verdict
    _record(case.standing, given, seen, verdict, real_now)
    looking.look_again(session, case.exchange, case.standing, real_now)
    over = OBSERVED - {find.kind for find in news}
    await close_incidents(session, case.exchange, case.system.code, over, lambda one: seen.shows(one.theirs))
    if news:
        await settle(session, case, news, is_new=is_new)


async def _case(session: Session, system: OutsideSystem, given: ObservationGiven, real_now: datetime) -> Case:
    exchange = await _exchange(session, system, given)
    return Case(system, exchange, await looking.standing_of(session, exchange.dossier_id, system, real_now))


async def _exchange(session: Session, system: OutsideSystem, given: ObservationGiven) -> Exchange:
    if given.dossier_id is not None:
        found = await exchanges.lock_by_id(session, given.dossier_id)
    else:
        found = await exchanges.lock_by_code(session, given.dossier_code or "")
    is_it = found is not None and given.dossier_code in {None, found[1].code}
    if found is None or not is_it or system.code not in found[1].lanes:
        raise DossierUnknown(given.dossier_code or str(given.dossier_id))
    return found[1]


def _says_nothing(case: Case, given: ObservationGiven) -> bool:
    """Say whether it was seen too early: before the newest change was taken, or the newest look was handed out."""
    standing = case.standing
    if case.exchange.lanes[case.system.code]["done_no"] < standing.told_no:
        return True  # changes are being told again
    if given.fence is not None:
        return given.fence != standing.fence
    before = [at for at in (standing.told_at, standing.observed_at) if at is not None]
    return any(given.observed_at < at for at in before)


async def _known(session: Session, case: Case, given: ObservationGiven) -> Known:
    standing, dossier_id, system = case.standing, case.exchange.dossier_id, case.system.code
    at = given.stands_at and await repository.picture_at(session, dossier_id, system, given.stands_at)
    has_taken = given.exists or any(await repository.taken(session, standing))
    return Known(
        told_no=standing.told_no if has_taken else 0,
        last_no=case.exchange.lanes[system]["last_no"],
        told=await repository.picture_at(session, dossier_id, system, standing.told_no) or {},
        ours=case.exchange.picture,
        at=at or None,
        log=await repository.log_of(session, standing) if given.log is not None else (),
        was_seen=standing.in_step_no is not None,
        owned=frozenset(case.system.owned),
    )


def _seen(given: ObservationGiven, known: Known) -> Seen:
    """Return what was seen; a status that is left out is the one that was told with the change at which it stands."""
    state = given.state.model_dump(mode="json", exclude_unset=True)
    if known.at is not None:
        state = {"status": known.at["status"], **state}
    return Seen(given.exists, state, given.stands_at, given.has_last, given.log)


async def _judged(session: Session, case: Case, seen: Seen, known: Known) -> tuple[Verdict, list[Find]]:
    """Return the verdict, and the differences of which no person has said that they stay."""
    finds = judge(seen, known)
    if not finds:
        return verdict_of(seen, known, finds), []
    accepted = await repository.accepted(session, case.standing)
    news = [find for find in finds if (find.kind, find.theirs) not in accepted]
    return (Verdict.DIVERGED if news else Verdict.SETTLED), news


def _record(standing: Standing, given: ObservationGiven, seen: Seen, verdict: Verdict, real_now: datetime) -> None:
    theirs = dict(seen.state) if seen.exists else None
    standing.observed, standing.observed_hash = theirs, digest(theirs)
    standing.observed_at, standing.how, standing.received_at = given.observed_at, given.how, real_now
    if standing.verdict != verdict:
        standing.verdict, standing.since = verdict, real_now
    if verdict in {Verdict.IN_STEP, Verdict.PENDING} and seen.exists and standing.told_no:
        standing.in_step_no, standing.in_step_hash, standing.n_tries = standing.told_no, standing.observed_hash, 0
        standing.well_at = real_now
