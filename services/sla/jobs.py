"""Timed work of sla: near and missed deadlines, new versions of calendars, the sums of the reports."""

from datetime import datetime, timedelta
from uuid import UUID

from services.sla import handlers, repository
from services.sla.repository import Due
from shared.service import Job, Service, in_transaction
from shared.session import Session

ON_ITS_WAY_SECONDS = 0.25
"""A fact is that long, at most as a rule, between its instant and the broker: the reader's mark is trusted up to then.

If one takes longer, it is late: a deadline then called missed is withdrawn (``DeadlineMissWithdrawn``).
"""

FOLD_EVERY_SECONDS = 5.0
LANES = 2
"""Pages of timers in hand at once: while the database writes one, the next is read and worked on.

Lanes are to each other what workers are: what one has locked the other passes over.
"""


def complete(service: Service, dossier_id: UUID, until: datetime) -> bool:
    """Say whether everything that happened to a dossier up to *until* is known here.

    By the broker: all that was in it after that instant has been read. With the broker away: a sweep that
    began after it has compared the heads of every source.
    """
    read_until = service.reader.complete_until(dossier_id)
    if read_until is not None and read_until - timedelta(seconds=ON_ITS_WAY_SECONDS) * service.clock.speed >= until:
        return True
    swept = [service.sweep.complete_until.get(source) for source in service.sweep.sources]
    return all(at is not None and at >= until for at in swept)


async def fire_timers(service: Service) -> bool:
    """Fire one page of due timers; pages of which nothing may fire yet are passed over."""
    after: Due | None = None
    while True:
        async with service.sessions.begin() as session:  # not uniform: of each row the same few columns change
            fired = await handlers.fire_timers(
                session, service.clock.now(), lambda dossier_id, until: complete(service, dossier_id, until), after
            )
        if fired.n_fired or fired.last is None:
            return fired.n_fired > 0
        after = fired.last


async def try_out_calendars(service: Service) -> bool:
    """Do one page of a dry run."""
    async with service.sessions.begin() as session:
        return await handlers.try_out(session)


async def adopt_calendars(service: Service) -> bool:
    """Bring one page of open clocks to the newest version of their calendar."""
    async with service.sessions.begin() as session:
        return await handlers.adopt_newest(session)


async def fold_entries(session: Session, _: datetime) -> bool:
    """Fold one batch of entries into the sums; reports are exact without it, but slower."""
    return await repository.fold(session) > 0


JOBS = [
    *[Job("timers", 0.25, fire_timers)] * LANES,
    Job("calendars", 2.0, adopt_calendars),
    Job("calendars_tried", 1.0, try_out_calendars),
    Job("fold", FOLD_EVERY_SECONDS, in_transaction(fold_entries)),
]
