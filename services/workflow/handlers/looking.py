"""Which dossiers are looked at in an outside system, and when: soon after a change, then ever more rarely."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.workflow.domain.observing import Verdict, pause_after
from services.workflow.domain.picture import ENDED, Status
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers import catalogue
from services.workflow.models import Delivery, Exchange, Standing
from services.workflow.repository import observing as repository
from services.workflow.schemas.exchange import InStepAsk, InStepCount, InStepRead, InStepUnit
from shared.auth import Principal
from shared.errors import Malformed, wrong_field
from shared.outbox import now
from shared.session import Session
from shared.worktime import at_local, local_date

CLOSED = ENDED | {Status.RETURNED}
"""Nothing more is expected to change."""


async def lease_looks(session: Session, code: str, by: Principal, n: int, seconds: float) -> Sequence[Any]:
    """Hand out up to *n* dossiers that are due to be looked at in a system that can be read."""
    system = catalogue.system_for(session, code, by)
    return await repository.lease_looks(session, system.code, n, seconds) if system.reads_back else []


async def count_in_step(session: Session, code: str, ask: InStepAsk, by: Principal) -> InStepRead:
    """Return how the dossiers accepted in a period stand in a system; Malformed if it ends before it begins."""
    system = catalogue.system_for(session, code, by)
    if ask.to_on < ask.from_on:
        vi, en = "Ngày cuối kỳ trước ngày đầu kỳ", "The period ends before it begins"
        raise Malformed(extra={"errors": [wrong_field("query/to", "before_from", vi, en)]})
    begin, end = (at_local(day, time()) for day in (ask.from_on, ask.to_on + timedelta(days=1)))
    rows = await repository.standings(session, system.code, begin, end)
    units = [InStepUnit(**row._asdict()) for row in rows]
    total = {name: sum(getattr(one, name) for one in units) for name in InStepCount.model_fields}
    return InStepRead(system=system.code, at=datetime.now(UTC), units=units, **total)


async def taken(session: Session, delivery: Delivery, real_now: datetime) -> None:
    """A system has taken a change: if it can be read it is looked at soon, unless more is being told again."""
    day = local_date(now(session))
    system = next((one for one in catalogue.systems_on(session, day) if one.code == delivery.system), None)
    if system is None:
        return
    standing = await standing_of(session, delivery.dossier_id, system, real_now)
    standing.told_no = max(standing.told_no, delivery.no)
    standing.told_at, standing.acknowledged_at = now(session), real_now
    standing.fence += 1
    if system.reads_back and delivery.no == standing.told_no:
        standing.is_fresh, standing.due_since = True, None
        standing.look_at = real_now + _seconds(session, "look_first_seconds")


async def standing_of(session: Session, dossier_id: UUID, system: OutsideSystem, real_now: datetime) -> Standing:
    """Return how a dossier stands in a system, a new row if nothing is known yet; its head is locked."""
    standing = await repository.lock_standing(session, dossier_id, system.code)
    if standing is None:
        nothing = dict.fromkeys(("told_no", "fence", "n_repairs", "n_tries"), 0)
        standing = Standing(
            dossier_id=dossier_id, system=system.code, verdict=Verdict.PENDING, since=real_now, is_fresh=False,
            **nothing, **dict.fromkeys(_NOT_YET),
        )  # fmt: skip
        session.add(standing)
    return standing


_NOT_YET = (
    "told_at", "acknowledged_at", "look_at", "due_since", "well_at", "observed", "observed_hash", "observed_at", "how",
    "received_at", "in_step_no", "in_step_hash", "repaired_at", "repaired_from",
)  # fmt: skip


def look_again(session: Session, exchange: Exchange, standing: Standing, real_now: datetime) -> None:
    """Say when a dossier that was just seen is looked at next: after as long again as it has been as it is."""
    standing.is_fresh, standing.due_since = False, None
    if standing.look_at is None:
        return
    is_closed = exchange.picture["status"] in CLOSED
    longest = _seconds(session, "look_longest_when_closed_seconds" if is_closed else "look_longest_seconds")
    age = real_now - max(standing.since, standing.acknowledged_at or standing.since)
    standing.look_at = real_now + pause_after(age, _seconds(session, "look_first_seconds"), longest)


def _seconds(session: Session, name: str) -> timedelta:
    return timedelta(seconds=getattr(session.info["settings"], name))
