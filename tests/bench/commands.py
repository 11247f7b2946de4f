"""Every command of a lifecycle alone, in process: its statements, its CPU and its time without network or waiting."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import mean
from typing import Any
from uuid import UUID

import uvloop

from shared.service import Service
from tests.bench.inside import Town, Within, bring_in_step, running_engines, town
from tests.bench.lifecycle import UNIT, Measured, Patience, Player, command_of, tokens_of
from tests.bench.table import Row
from tests.bench.wire import Answer
from tests.support import Databases, World, statements

N_LIFECYCLES = 60
WARM_UP = 10
FLOOR = "floor: GET /healthz"


@dataclass
class Cost:
    """What the calls of one kind cost in one run."""

    statements: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@dataclass
class Metered:
    """Calls an app and writes down what each call costs; one call at a time."""

    within: Within
    service: Service
    costs: dict[str, Cost]

    async def call(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:
        """Call, and keep the cost if the call was answered well."""
        with statements(self.service) as sent:
            began, cpu_began = time.perf_counter(), time.process_time()
            answer = await self.within.call(method, path, token, body, **headers)
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        if answer[0] in {200, 201}:
            cost = self.costs[_name(method, path)]
            cost.statements.append(len(sent))
            cost.cpu.append(cpu)
            cost.wall.append(wall)
        return answer


def _name(method: str, path: str) -> str:
    if method == "POST":
        return command_of(path)
    return FLOOR if path == "/healthz" else "GET a dossier"


class ByHand(Patience):
    """No waiting: everybody reads everybody's ledger at once."""

    def __init__(self, found: World) -> None:
        super().__init__()
        self.found = found

    async def wait(self, step: str, dossier_id: str) -> None:
        """Bring the services in step; twice, since what is heard is answered."""
        for _ in range(2):
            await bring_in_step(self.found, UUID(dossier_id))


def measure(runs: int, share: float) -> list[Row]:
    """Return statements, CPU and time per command."""
    with running_engines() as found:
        seen = uvloop.run(_runs(Databases(found), runs, max(1, int(N_LIFECYCLES * share))))
    return [row for name in seen[0] for row in _rows(name, [costs[name] for costs in seen])]


def _rows(name: str, costs: list[Cost]) -> list[Row]:
    aim = "≤ 2" if not name.startswith(("GET", FLOOR)) else "–"
    return [
        Row(f"{name}: statements between BEGIN and COMMIT", [mean(one.statements) for one in costs], "{:.1f}", aim),
        Row(f"{name}: CPU in the service", [mean(one.cpu) * 1000 for one in costs], "{:.2f} ms"),
        Row(f"{name}: time", [mean(one.wall) * 1000 for one in costs], "{:.2f} ms"),
    ]


async def _runs(databases: Databases, runs: int, n_lifecycles: int) -> list[dict[str, Cost]]:
    async with town(databases, "api") as found:
        await _run(found, WARM_UP)
        return [await _run(found, n_lifecycles) for _ in range(runs)]


async def _run(found: World, n_lifecycles: int) -> dict[str, Cost]:
    costs: dict[str, Cost] = defaultdict(Cost)
    callers = {name: Metered(Within(found.apps[name]), found.service(name), costs) for name in ("intake", "workflow")}
    tokens = tokens_of(Town(found))
    player = Player(callers, tokens, ByHand(found), Measured())
    for number in range(n_lifecycles):
        await callers["intake"].call("GET", "/healthz", tokens[UNIT])
        await player.play(number)
    return dict(costs)
