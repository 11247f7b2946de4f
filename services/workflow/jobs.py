"""Timed work of workflow: legs of agencies that ended."""

from collections import Counter

import structlog
from prometheus_client import Gauge

from services.workflow.handlers import succession
from services.workflow.repository import Cursor
from shared.service import Job, Service

log = structlog.get_logger(__name__)

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


JOBS = [Job("succession", 60.0, move_legs)]
