"""One round: dossiers flow, faults strike one after another, and in the end everything is compared."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.caller import Caller, Memory, Said
from tests.chaos.checker import Evidence, Finding, collect, judge
from tests.chaos.checker.acknowledged import FACTS
from tests.chaos.checker.evidence import Row, Told
from tests.chaos.faults import Make, Place
from tests.chaos.lives import PORTAL, Life, kinds
from tests.chaos.progress import TRANSIENT, backlog, seconds_to_be_in_step, settled, waiting
from tests.chaos.town import Town

IN_STEP_LIMIT, SETTLE_LIMIT = 90.0, 90.0
LIVES_AT_ONCE, MOST_PER_SECOND, MOST_WAITING = 150, 5.0, 80
"""No life begins while more deliveries wait than partners are told of in a few seconds."""
PATIENCE_SECONDS = 30
TOLD = (
    "received", "accepted", "refused", "supplement_requested", "supplement_received", "payment_requested",
    "payment_recorded", "appointment_moved", "late", "late_withdrawn", "result_ready", "result_posted", "returned",
    "reopened", "withdrawn", "stopped",
)  # fmt: skip
"""What a subscriber may ask for: everything."""


@dataclass(frozen=True)
class Struck:
    """One fault as it happened; *services* and *partners*: seconds until in step again, None if that took too long."""

    name: str
    what: str
    services: float | None
    partners: float | None
    fallen: tuple[str, ...] = ()
    """Programs that ended by themselves meanwhile."""


@dataclass
class Outcome:
    """What a round came to."""

    seed: int
    struck: list[Struck] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    """What still waited when patience ended."""
    n_dossiers: int = 0
    n_events: int = 0
    n_acknowledged: int = 0
    n_repeats: int = 0
    incidents: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    settle_seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Say whether nothing is wrong."""
        return not (self.findings or self.troubles or self.left)


@dataclass(frozen=True)
class Plan:
    """What is to happen: how many dossiers, how many a second, which faults in which order."""

    seed: int
    n_dossiers: int
    per_second: float
    faults: Sequence[tuple[str, Make]]
    in_step_limit: float = IN_STEP_LIMIT
    settle_limit: float = SETTLE_LIMIT


async def play(town: Town, plan: Plan) -> Outcome:
    """Play a round."""
    began, rng, memory = time.monotonic(), Random(plan.seed), Memory()
    outcome = Outcome(plan.seed)
    caller = Caller(town, memory, Random(rng.random()))
    await _subscribe(caller)
    lives = [Life(caller, number, Random(rng.random())) for number in range(plan.n_dossiers)]
    pace = Pace(min(MOST_PER_SECOND, plan.per_second), plan.n_dossiers)
    watching = asyncio.create_task(pace.watch(town))
    flowing = asyncio.create_task(_flow(lives, kinds(rng, plan.n_dossiers), pace))
    for n_left, (name, make) in zip(range(len(plan.faults) - 1, -1, -1), plan.faults, strict=True):
        outcome.struck.append(await strike(Place(town, rng), name, make, plan.in_step_limit))
        at = f"{time.monotonic() - began:6.0f} s"
        print(f"{at}  {name}: {outcome.struck[-1].what or 'did not strike'}", _step(outcome.struck[-1]), flush=True)
        pace.last_for((time.monotonic() - began) / len(outcome.struck) * n_left)
    await flowing
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    print(f"{time.monotonic() - began:6.0f} s  all lives have come to their end", flush=True)
    outcome.troubles = [life.trouble for life in lives if life.trouble]
    await _compare(town, plan, memory, outcome)
    await caller.close()
    outcome.seconds = time.monotonic() - began
    return outcome


def _step(struck: Struck) -> str:
    services, partners = (
        "not in time" if one is None else f"{one:.1f} s" for one in (struck.services, struck.partners)
    )
    fallen = f"; fell: {', '.join(struck.fallen)}" if struck.fallen else ""
    return f"→ in step: services {services}, partners {partners}{fallen}"


async def strike(place: Place, name: str, make: Make, limit: float) -> Struck:
    """Let one fault strike, heal it, and see how long it takes to be in step again."""
    fault = make(place.rng)
    try:
        what = await fault.inject(place)
    finally:
        await fault.heal(place)
    fallen = await asyncio.to_thread(place.town.ensure)
    services, partners = await seconds_to_be_in_step(place.town, limit)
    return Struck(name, what, services, partners, tuple(fallen))


@dataclass
class Pace:
    """How many lives begin in a second, so that they go on as long as faults do."""

    per_second: float
    n_left: int
    room: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while partners keep up: else each fault would wait for the same queue."""

    async def watch(self, town: Town) -> None:
        """Look again and again whether partners keep up; an engine that is away says nothing of them."""
        try:
            while True:
                with suppress(*TRANSIENT):
                    (self.room.clear if await backlog(town) > MOST_WAITING else self.room.set)()
                await asyncio.sleep(1)
        finally:
            self.room.set()

    def last_for(self, seconds: float) -> None:
        """Let what is left be spread over the seconds that are left."""
        self.per_second = min(MOST_PER_SECOND, max(0.3, self.n_left / max(1.0, seconds)))


async def _flow(lives: list[Life], kinds_of_life: list[str], pace: Pace) -> None:
    """Begin a life now and then, as long as not too many are going on."""
    room = asyncio.Semaphore(LIVES_AT_ONCE)

    async def live(life: Life, kind: str) -> None:
        async with room:
            await life.play(kind)

    async with asyncio.TaskGroup() as group:
        for life, kind in zip(lives, kinds_of_life, strict=True):
            group.create_task(live(life, kind))
            pace.n_left -= 1
            await asyncio.sleep(1 / pace.per_second)
            with suppress(TimeoutError):
                await asyncio.wait_for(pace.room.wait(), PATIENCE_SECONDS)


async def _subscribe(caller: Caller) -> None:
    """Let one system be told of everything by webhook."""
    url = f"{caller.town.url('sandbox')}/webhooks/chaos"
    await caller.post(
        "notify", "/v1/subscriptions", PORTAL, {"url": url, "event_types": [f"dossier.{kind}" for kind in TOLD]}
    )


async def _compare(town: Town, plan: Plan, memory: Memory, outcome: Outcome) -> None:
    began = time.monotonic()
    print(f"          waiting: {await waiting(town)}", flush=True)
    outcome.left = await settled(town, plan.settle_limit)
    outcome.settle_seconds = time.monotonic() - began
    print(f"          settled after {outcome.settle_seconds:.0f} s; left: {outcome.left}", flush=True)
    seen = await _still(town, memory)
    outcome.findings = judge(seen)
    outcome.n_dossiers, outcome.n_events = len(seen.rows("intake", "dossier")), seen.n_events
    outcome.n_acknowledged, outcome.n_repeats = len(memory.acknowledged), memory.n_repeats
    outcome.incidents = Counter(map(_incident, seen.rows("workflow", "incident")))


async def _still(town: Town, memory: Memory) -> Evidence:
    """Read everything until two readings agree: a timer that fires meanwhile is in one place and not in another."""
    seen = await _collect(town, memory)
    for _ in range(20):
        await settled(town, 30)
        before, seen = seen, await _collect(town, memory)
        if before.size == seen.size:
            break
    return seen


async def _collect(town: Town, memory: Memory) -> Evidence:
    told = [_told(said) for said in memory.acknowledged if said.command in FACTS]
    seen = await collect(
        town.stack.engines.postgres_url, town.url("sandbox"), Path(town.stack.data_dir) / "sandbox", told
    )
    seen.deeds = list(memory.deeds)
    seen.unanswered = [path for path, _ in memory.unanswered]
    return seen


def _told(said: Said) -> Told:
    parts = said.path.split("/")
    dossier = said.body["id"] if said.command == "submit" else parts[3]
    leg_no = int(parts[5]) if "legs" in parts else 0
    return Told(said.command, said.service, dossier, leg_no, said.key, said.body)


def _incident(row: Row) -> str:
    """Return what a person sees of an incident, without what makes each of them different."""
    theirs = json.loads(row["theirs"] or "null") or {}
    words = re.sub(r"H99\S+|[0-9a-f-]{36}", "…", str(theirs.get("message", "")))
    return f"{row['system']}: {row['kind']} {row['detail']} {theirs.get('reason_code', '')} {words}".strip()[:160]
