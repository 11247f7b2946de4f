"""Land-transfer lifecycles by HTTP: thirteen commands, four services, the broker between them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from tests.bench.wire import Answer, Wire

UNIT, LAND, TAX = "H99.01", "H99.VPDK", "H99.THUE.01"
ASK_AGAIN_SECONDS = 0.03
GIVE_UP_SECONDS = 60.0
TOO_EARLY = {404, 409, 412}
SUBMISSION = {
    "procedure_code": "DD.01",
    "channel": "online",
    "receiving_unit_code": UNIT,
    "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Đo", "identity_number": "000000000000"},
    "result_delivery": "electronic",
    "attributes": {"transfer_kind": "transfer", "parcel_no": "1", "map_sheet_no": "7", "area_m2": 120},
    "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
}


class Town(Protocol):
    """Where services are reached, and whose tokens they take."""

    def url(self, name: str) -> str: ...

    def token(self, role: str, *, agency: str | None = None) -> str: ...


class Caller(Protocol):
    """Sends requests to one service."""

    async def call(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer: ...


class Patience:
    """How long to wait for an effect in another service: learnt, so that few ask too early and asking is no load.

    Who asked too early learns how long it took in the end; who did not tries a little sooner next time. Either moves
    the wait by a small part only: with many players at once a wait that grew at each early question would run away.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(lambda: 0.1)
        self.n_early = 0

    async def wait(self, step: str, dossier_id: str) -> None:
        """Wait as long as it took lately."""
        await asyncio.sleep(self.seconds[step])

    async def early(self, step: str) -> None:
        """It was not there yet: wait a little more."""
        self.n_early += 1
        await asyncio.sleep(max(ASK_AGAIN_SECONDS, self.seconds[step] / 4))

    def arrived(self, step: str, more_seconds: float) -> None:
        """It was there *more_seconds* after the wait had ended; 0 if at the first question."""
        self.seconds[step] *= 0.99
        if more_seconds:
            self.seconds[step] += more_seconds / 10


@dataclass
class Measured:
    """What one run saw: seconds per command, and how long all of it took."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the generator."""
    n_early: int = 0
    """Commands sent before what they wait for had arrived."""

    def all_latencies(self) -> list[float]:
        """Return the seconds of all commands."""
        return [seconds for found in self.latencies.values() for seconds in found]


@dataclass
class Player:
    """Plays lifecycles one after another."""

    callers: Mapping[str, Caller]
    tokens: Mapping[str, str]
    patience: Patience
    measured: Measured

    async def play(self, number: int) -> str:
        """Take one dossier from submission to its result; return its id."""
        made = (await self._send("intake", "/v1/dossiers", "portal", SUBMISSION, Idempotency_Key=str(uuid4())))[2]
        there = f"/v1/dossiers/{made['id']}"
        await self._send("intake", f"{there}/accept", UNIT, None, If_Match='"1"')
        await self._after("accepted", there)
        await self._leg(there, 2, LAND, {"outcome": "slip_sent"})
        notice = {"notice_no": f"TB-{number}", "amount": 1_500_000}
        await self._leg(there, 3, TAX, {"outcome": "notice_issued", "data": {"notices": [notice]}})
        await self._after("notice", there)
        proof = {**notice, "paid_at": datetime.now(UTC).isoformat(), "method": "portal", "reference": f"GD-{number}"}
        await self._send("intake", f"{there}/payments", "portal", proof, "notice", Idempotency_Key=str(uuid4()))
        await self._after("paid", there)
        await self._leg(there, 5, UNIT, {"outcome": "forwarded"}, "paid")
        await self._leg(there, 6, LAND, {"outcome": "signed"})
        await self._after("completed", there)
        await self._return(there)
        return str(made["id"])

    async def _after(self, step: str, there: str) -> None:
        await self.patience.wait(step, there.rsplit("/", 1)[1])

    async def _leg(self, there: str, leg_no: int, agency: str, done: dict[str, Any], step: str = "accepted") -> None:
        path = f"{there}/legs/{leg_no}"
        _, headers, _ = await self._send("workflow", f"{path}/acknowledge", agency, None, step, If_Match='"1"')
        await self._send("workflow", f"{path}/complete", agency, done, If_Match=headers["etag"])

    async def _return(self, there: str) -> None:
        """The last command waits for intake to know that processing ended; its version depends on what came by then."""

        async def ask() -> Answer:
            _, headers, seen = await self.callers["intake"].call("GET", there, self.tokens[UNIT])
            if seen["status"] != "resolved":
                return 409, {}, seen
            return await self._timed("intake", f"{there}/return-result", UNIT, {}, If_Match=headers["etag"])

        await self._until_there("completed", ask)

    async def _send(self, service: str, path: str, who: str, body: Any, step: str = "", **headers: str) -> Answer:
        """Send a command; one that waits for *step* is sent again until that has come from another service."""
        return await self._until_there(step, lambda: self._timed(service, path, who, body, **headers))

    async def _until_there(self, step: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        began, is_early = time.perf_counter(), False
        while True:
            answer = await ask()
            if answer[0] in {200, 201}:
                if step:
                    self.patience.arrived(step, time.perf_counter() - began if is_early else 0.0)
                return answer
            if not step or answer[0] not in TOO_EARLY or time.perf_counter() > began + GIVE_UP_SECONDS:
                raise RuntimeError(f"{step}: {answer[0]} {answer[2]}")
            is_early = True
            await self.patience.early(step)

    async def _timed(self, service: str, path: str, who: str, body: Any, **headers: str) -> Answer:
        began = time.perf_counter()
        answer = await self.callers[service].call("POST", path, self.tokens[who], body, **headers)
        if answer[0] in {200, 201}:
            self.measured.latencies[command_of(path)].append(time.perf_counter() - began)
        return answer


def command_of(path: str) -> str:
    """Return the name of the command that is posted to *path*."""
    last = path.rsplit("/", 1)[1]
    return {"dossiers": "submit", "payments": "record a payment"}.get(last, last)


def tokens_of(town: Town) -> dict[str, str]:
    """Return the tokens a player needs, by agency, and the portal's."""
    officers = {agency: town.token("officer", agency=agency) for agency in (UNIT, LAND, TAX)}
    return {**officers, "portal": town.token("portal")}


class Cast:
    """Players over connections of their own; whoever is free plays next."""

    def __init__(self, town: Town, patience: Patience) -> None:
        self.town = town
        self.tokens = tokens_of(town)
        self.patience = patience
        self.measured = Measured()
        self._free: list[Player] = []
        self._wires: list[Wire] = []

    async def play(self, number: int) -> str:
        """Let a free player, or a new one, play one lifecycle; return the dossier's id."""
        player = self._free.pop() if self._free else self._new()
        dossier_id = await player.play(number)
        self._free.append(player)
        return dossier_id

    def _new(self) -> Player:
        wires = {name: Wire(self.town.url(name)) for name in ("intake", "workflow")}
        self._wires += wires.values()
        return Player(wires, self.tokens, self.patience, self.measured)

    async def close(self) -> None:
        """Close all connections."""
        for wire in self._wires:
            await wire.close()


async def run(
    town: Town, n_lifecycles: int, patience: Patience, *, at_once: int = 0, per_second: float = 0.0
) -> Measured:
    """Play *n_lifecycles*: as fast as they go with *at_once* in flight, or *per_second*, however many are in flight."""
    cast = Cast(town, patience)
    began, cpu_began, early_before = time.perf_counter(), time.process_time(), patience.n_early
    if at_once:
        numbers = iter(range(1, n_lifecycles + 1))
        await asyncio.gather(*(_one_after_another(cast, numbers) for _ in range(at_once)))
    else:
        await _at_a_rate(cast, n_lifecycles, per_second)
    measured = cast.measured
    measured.seconds = time.perf_counter() - began
    measured.cpu_seconds = time.process_time() - cpu_began
    measured.n_early = patience.n_early - early_before
    await cast.close()
    return measured


async def _one_after_another(cast: Cast, numbers: Any) -> None:
    for number in numbers:
        await cast.play(number)


async def _at_a_rate(cast: Cast, n_lifecycles: int, per_second: float) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(1, n_lifecycles + 1):
            group.create_task(cast.play(number))
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
