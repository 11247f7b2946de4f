"""The other loop of an adapter: look at what was taken, and bring what is seen there, a callback that was lost too.

What is not understood says nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from services.workflow.adapters.breaker import Breaker
from services.workflow.adapters.config import Own
from services.workflow.adapters.ledger import Ledger, Look, told_of
from services.workflow.adapters.meters import LOOKS
from services.workflow.adapters.ours import Away, patiently
from services.workflow.adapters.port import Answer, Said, Seen, Translator
from shared import telemetry

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0
PART_OF_LEASE = 0.8
"""A look that takes longer is given up, before somebody else may have it."""


async def nobody() -> Mapping[str, Any]:
    """Refuse: a look asks for nobody's particulars."""
    msg = "a look needs nobody's particulars"
    raise RuntimeError(msg)


class Observer:
    """Looks at the dossiers of one system that workflow says are due."""

    def __init__(
        self, translator: Translator, ledger: Ledger, own: Own, breaker: Breaker, now: Callable[[], datetime]
    ) -> None:
        self._translator, self._ledger, self._own = translator, ledger, own
        self._breaker = breaker
        """Its own: a system that can be read may still take nothing, and the other way round."""
        self._now = now

    async def run(self) -> None:
        """Look for ever, unless the system has no read or nobody is to look."""
        while self._translator.reads_back and self._own.looks_at_once:
            try:
                n_wanted, n_found = await self._turn()
            except Exception as error:  # noqa: BLE001 - the loop outlives whatever a turn meets
                telemetry.report(log, "look_turn_failed", error, system=self._translator.system)
                await asyncio.sleep(RESTART_SECONDS)
                continue
            if n_found == 0 or n_found < n_wanted:
                await asyncio.sleep(self._own.look_poll_seconds)

    async def _turn(self) -> tuple[int, int]:
        """Look at what is due, as many at once as the system bears; return how many were wanted and found."""
        room = self._breaker.room(self._own.looks_at_once, 0)
        if not room:
            return 0, 0
        looks = await patiently(lambda: self._ledger.looks(room, self._own.look_lease_seconds))
        await asyncio.gather(*map(self._look, looks))
        return room, len(looks)

    async def _look(self, look: Look) -> None:
        at, system = self._now(), self._translator.system
        seen = await self._seen(look)
        if isinstance(seen, Said):
            self._breaker.note(Answer.UNKNOWN)
            LOOKS.labels(system, "unknown").inc()
            log.warning("look_unclear", system=system, dossier_id=look.dossier_id, reason=seen.reason_code)
            return
        self._breaker.note(Answer.TAKEN)
        LOOKS.labels(system, "there" if seen.exists else "gone").inc()
        try:
            verdict = await self._ledger.observe(look, seen, at)
            heard = await self._ledger.hear(seen.heard, "read")
        except Away as error:  # it is looked at again once its lease has run out, and holds up no other
            log.warning("api_away", system=system, dossier_id=look.dossier_id, why=error.why)
            return
        log.info("looked", system=system, dossier_id=look.dossier_id, no=look.no, verdict=verdict, heard=heard)

    async def _seen(self, look: Look) -> Seen | Said:
        try:
            async with asyncio.timeout(self._own.look_lease_seconds * PART_OF_LEASE):
                return await self._translator.look(told_of(look, nobody))
        except TimeoutError:
            return Said(Answer.UNKNOWN, "lease_nearly_over")
        except Exception as error:  # noqa: BLE001 - a translator that fails has seen nothing
            telemetry.report(log, "translator_failed", error, system=self._translator.system, delivery=look.id)
            return Said(Answer.UNKNOWN, "adapter_error")
