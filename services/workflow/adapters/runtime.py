"""The loop of an adapter: lease, observe what is unknown, deliver, answer; nothing is taken that was not said."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from services.workflow.adapters.breaker import Breaker
from services.workflow.adapters.config import Own
from services.workflow.adapters.ledger import Leased, Ledger, told_of
from services.workflow.adapters.meters import BREAKER, DELIVERIES
from services.workflow.adapters.ours import patiently
from services.workflow.adapters.people import IntakeAway, People, PeopleLost
from services.workflow.adapters.port import OWN_CODES, Answer, Said, Told, Translator
from shared import telemetry

log = structlog.get_logger(__name__)

PART_OF_LEASE = 0.8
"""A delivery that takes longer is given up as unknown, before somebody else may have it."""
STATES = {"waiting", "unknown", "acknowledged", "refused", "done"}
"""What an answer that was recorded leads to."""
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0


class Runtime:
    """Delivers what one system is to be told."""

    def __init__(
        self, translator: Translator, ledger: Ledger, people: Callable[[Leased], People], own: Own, breaker: Breaker
    ) -> None:
        self.translator = translator
        self.breaker = breaker
        self._ledger = ledger
        self._people = people
        self._own = own
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Lease and deliver for ever; when cancelled, let what is on its way come to its end."""
        try:
            while True:
                try:
                    await self._turn()
                except Exception as error:  # noqa: BLE001 - the loop outlives whatever a turn meets
                    telemetry.report(log, "turn_failed", error, system=self.translator.system)
                    await asyncio.sleep(RESTART_SECONDS)
        finally:
            await self._come_to_an_end()

    async def _turn(self) -> None:
        BREAKER.labels(self.translator.system).set(self.breaker.state)
        room = self.breaker.room(self._own.at_once - len(self._running), len(self._running))
        if room:
            for leased in await patiently(lambda: self._ledger.lease(room, self._own.lease_seconds)):
                task = asyncio.create_task(self._handle(leased))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        await self._rest()

    async def _rest(self) -> None:
        """Wait until a delivery is done, since the next of its lane is due then, or for a while."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._own.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(self._own.poll_seconds)

    async def _come_to_an_end(self) -> None:
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=STOP_SECONDS)
            for task in late:  # its lease runs out, and it comes again as unknown
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(Exception):
            await self.translator.close()

    async def _handle(self, leased: Leased) -> None:
        try:
            await self._told(leased)
        except Exception as error:  # noqa: BLE001 - its lease runs out, and it comes again as unknown
            telemetry.report(log, "handling_failed", error, system=self.translator.system, delivery=leased.id)

    async def _told(self, leased: Leased) -> None:
        people = self._people(leased)
        said = await self._said(leased, people)
        said = await _without_particulars(said, people)
        self.breaker.note(said.answer)
        DELIVERIES.labels(self.translator.system, said.answer).inc()
        verdict = await patiently(lambda: self._ledger.answer(leased, said))
        note = log.info if verdict in STATES else log.warning  # such as stale_lease: somebody else has it now
        seen = {"system": self.translator.system, "delivery": leased.id, "fact": leased.fact, "verdict": verdict}
        note("delivered", answer=said.answer, reason=said.reason_code, n_tries=leased.n_tries, **seen)

    async def _said(self, leased: Leased, people: People) -> Said:
        """Return what came of it; whatever is not certain is unknown."""
        try:
            async with asyncio.timeout(self._own.lease_seconds * PART_OF_LEASE):
                told = told_of(leased, people)
                return await self._try(replace(told, is_repeat=leased.is_unknown, n_tries=leased.n_tries))
        except TimeoutError:
            return Said(Answer.UNKNOWN, "lease_nearly_over")
        except Exception as error:  # noqa: BLE001 - a translator that fails has said nothing of the effect
            telemetry.report(log, "translator_failed", error, system=self.translator.system, delivery=leased.id)
            return Said(Answer.UNKNOWN, "adapter_error", type(error).__name__)

    async def _try(self, told: Told) -> Said:
        """Observe first what may have taken effect; unobserved, no later failure makes it certain that it did not."""
        seen = await self.translator.observe(told) if told.is_repeat else None
        if seen is not None and seen.answer is not Answer.NO_EFFECT:
            return seen
        said = await self._deliver(told)
        if told.is_repeat and seen is None and said.answer is Answer.NO_EFFECT:
            return replace(said, answer=Answer.UNKNOWN)
        return said

    async def _deliver(self, told: Told) -> Said:
        try:
            return await self.translator.deliver(told)
        except IntakeAway as error:
            return Said(Answer.NO_EFFECT, "intake_away", str(error))
        except PeopleLost:
            return Said(Answer.REFUSED, "no_applicant", "chưa có thông tin người nộp, cần hỏi lại")


async def _without_particulars(said: Said, people: People) -> Said:
    """Return *said* as ops may see it: without any particulars that the system's words may repeat.

    Where the call needed nobody's they are not known: a refusal asks for them, all other words are let go.
    """
    if said.message and not people.were_asked and said.reason_code.partition(":")[0] not in OWN_CODES:
        if said.answer is not Answer.REFUSED:
            return replace(said, message="")
        try:
            await people()
        except (IntakeAway, PeopleLost):
            return replace(said, message="")
    return replace(said, message=people.blot(said.message), reason_code=people.blot(said.reason_code))
