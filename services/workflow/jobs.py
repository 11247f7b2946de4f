"""Timed work of workflow: legs of agencies that ended, and gauges of outside systems."""

from collections import Counter

import structlog
from prometheus_client import Gauge

from services.workflow.handlers import succession
from services.workflow.repository import Cursor, observing
from shared.service import Job, Service

log = structlog.get_logger(__name__)

DIVERGED = Gauge("lienthong_diverged", "Dossiers that have diverged in an outside system", ["system"])
BRAKED = Gauge("lienthong_braked", "1 while nothing is repaired in an outside system", ["system"])
STRANDED = Gauge("lienthong_stranded_legs", "Open legs that no agency in force holds or takes over", ["agency"])


async def move_legs(service: Service) -> bool:
    """Move what can be moved, page by page; what nobody takes over is logged and counted, every round again."""
    stranded: Counter[str] = Counter()
    after: Cursor | None = None
    while True:
        async with service.sessions.begin(uniform=True) as session:
            done = await succession.move_legs(session, service.clock.now(), after)
        stranded += done.stranded
        if done.last is None:
            break
        after = done.last
    _show(stranded)
    return False


def _show(stranded: Counter[str]) -> None:
    STRANDED.clear()
    for agency, n_legs in stranded.items():
        STRANDED.labels(agency).set(n_legs)
        log.warning("legs_stranded", agency=agency, n_legs=n_legs)


async def show_diverged(service: Service) -> bool:
    """Show how much of each outside system has diverged, and where the brake is on."""
    async with service.sessions() as session:
        diverged, braked = await observing.diverged(session), await observing.braked(session)
    for gauge, found in ((DIVERGED, {system: n for system, (n, _) in diverged.items()}), (BRAKED, braked)):
        gauge.clear()
        for system, value in found.items():
            gauge.labels(system).set(value)
    return False


JOBS = [Job("succession", 60.0, move_legs), Job("diverged", 15.0, show_diverged)]
