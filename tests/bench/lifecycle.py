"""Land-transfer lifecycles by HTTP: eleven commands, four services, the broker between them."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from deploy.local.stack import Stack
from tests.bench.wire import Wire

UNIT, LAND, TAX = "H99.01", "H99.VPDK", "H99.THUE.01"
RETRY_SECONDS = 0.05
GROWTH = 1.5
LONGEST_RETRY_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
SUBMISSION = {
    "procedure_code": "DD.01",
    "channel": "online",
    "receiving_unit_code": UNIT,
    "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Đo"},
    "result_delivery": "electronic",
    "attributes": {"transfer_kind": "transfer", "parcel_no": "1", "map_sheet_no": "7", "area_m2": 120},
    "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
}


@dataclass
class Measured:
    """What one run saw: seconds per command, and when each lifecycle ended."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    waits: list[float] = field(default_factory=list)
    """Seconds from a command's answer until its effect in another service was there."""
    n_lifecycles: int = 0
    seconds: float = 0.0


class Player:
    """Plays lifecycles one after another over its own connections."""

    def __init__(self, stack: Stack, measured: Measured) -> None:
        self.wires = {name: Wire(stack.url(name)) for name in ("intake", "workflow")}
        self.tokens = {agency: stack.token("officer", agency=agency) for agency in (UNIT, LAND, TAX)}
        self.tokens["portal"] = stack.token("portal")
        self.measured = measured

    async def play(self, number: int) -> str:
        """Take one dossier from submission to its result; return its id."""
        made = await self._intake("/v1/dossiers", "portal", SUBMISSION, Idempotency_Key=str(uuid4()))
        there = f"/v1/dossiers/{made['id']}"
        await self._intake(f"{there}/accept", UNIT, None, If_Match='"1"')
        await self._leg(there, 2, LAND, {"outcome": "slip_sent"})
        notice = {"notice_no": f"TB-{number}", "amount": 1_500_000}
        await self._leg(there, 3, TAX, {"outcome": "notice_issued", "data": {"notices": [notice]}})
        proof = {**notice, "paid_at": datetime.now(UTC).isoformat(), "method": "portal", "reference": f"GD-{number}"}
        await self._intake(f"{there}/payments", "portal", proof, Idempotency_Key=str(uuid4()))
        await self._leg(there, 5, UNIT, {"outcome": "forwarded"})
        await self._leg(there, 6, LAND, {"outcome": "signed"})
        await self._return(there)
        return str(made["id"])

    async def _intake(self, path: str, who: str, body: Any, **headers: str) -> Any:
        return (await self._call("intake", path, who, body, **headers))[2]

    async def _leg(self, there: str, leg_no: int, agency: str, done: dict[str, Any]) -> None:
        path = f"{there}/legs/{leg_no}"
        _, headers, _ = await self._call("workflow", f"{path}/acknowledge", agency, None, If_Match='"1"')
        await self._call("workflow", f"{path}/complete", agency, done, If_Match=headers["etag"])

    async def _return(self, there: str) -> None:
        """The last command waits for intake to know that processing ended; its version depends on what came by then."""
        began, pause = time.perf_counter(), RETRY_SECONDS
        while True:
            _, headers, seen = await self.wires["intake"].call("GET", there, self.tokens[UNIT])
            if seen["status"] == "resolved":
                status, _, _ = await self._timed("intake", f"{there}/return-result", UNIT, {}, If_Match=headers["etag"])
                if status == 200:
                    return
            pause = await _pause(began, pause, there)

    async def _call(self, service: str, path: str, who: str, body: Any, **headers: str) -> Any:
        """Send a command until what it waits for has arrived from the other services."""
        began, pause = time.perf_counter(), RETRY_SECONDS
        while True:
            answer = await self._timed(service, path, who, body, **headers)
            if answer[0] in {200, 201}:
                self.measured.waits.append(time.perf_counter() - began)
                return answer
            if answer[0] not in {404, 409, 412, 422}:
                raise RuntimeError(f"{path}: {answer[0]} {answer[2]}")
            pause = await _pause(began, pause, f"{path} {answer[2]}")

    async def _timed(self, service: str, path: str, who: str, body: Any, **headers: str) -> Any:
        began = time.perf_counter()
        answer = await self.wires[service].call("POST", path, self.tokens[who], body, **headers)
        if answer[0] in {200, 201}:
            self.measured.latencies[path.rsplit("/", 1)[1]].append(time.perf_counter() - began)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        for wire in self.wires.values():
            await wire.close()


async def _pause(began: float, seconds: float, what: str) -> float:
    """Wait before asking again, longer each time: asking is load too."""
    await asyncio.sleep(seconds)
    if time.perf_counter() - began > LONGEST_WAIT_SECONDS:
        raise TimeoutError(what)
    return min(seconds * GROWTH, LONGEST_RETRY_SECONDS)


async def run(stack: Stack, n_lifecycles: int, n_players: int) -> Measured:
    """Play *n_lifecycles* with *n_players* at a time, as fast as they go."""
    measured = Measured(n_lifecycles=n_lifecycles)
    numbers = iter(range(1, n_lifecycles + 1))

    async def work() -> None:
        player = Player(stack, measured)
        for number in numbers:
            await player.play(number)
        await player.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(n_players)))
    measured.seconds = time.perf_counter() - began
    return measured
