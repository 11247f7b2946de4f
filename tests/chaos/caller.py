"""Calls the services as a portal would, and remembers what was acknowledged: all the checker will know."""

import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.town import Town

Json = dict[str, Any]
GIVE_UP_SECONDS = 240.0
CALL_SECONDS = 8.0
AGAIN_SECONDS = (0.3, 1.0)


class Refused(Exception):
    """A clear no: the command has not happened and will not."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text[:300]}")
        self.status = status


class GivenUp(Exception):
    """No answer for so long that it counts as a finding."""


@dataclass(frozen=True)
class Said:
    """A command and the 2xx it was answered with; *key* was the same for all its tries."""

    service: str
    path: str
    key: str
    status: int
    body: Json
    n_tries: int

    @property
    def command(self) -> str:
        """Return the last word of the path; ``submit`` for a submission."""
        last = self.path.rsplit("/", 1)[1]
        return "submit" if last == "dossiers" else last


@dataclass
class Memory:
    """What callers were told."""

    acknowledged: list[Said] = field(default_factory=list)
    unanswered: list[tuple[str, str]] = field(default_factory=list)
    """(path, key) of what was asked and never answered: it happened once or not at all."""
    deeds: list[tuple[str, str, str]] = field(default_factory=list)
    """(system, dossier code, action) that an outside system acknowledged to its clerk."""
    n_repeats: int = 0
    """Calls that had no answer and were made again."""


class Caller:
    """One client for all people of the town."""

    def __init__(self, town: Town, memory: Memory, rng: Random) -> None:
        self.town, self.memory, self.rng = town, memory, rng
        self.http = httpx.AsyncClient(trust_env=False, timeout=CALL_SECONDS)
        self._tokens: dict[tuple[str, str], str] = {}

    async def close(self) -> None:
        """Give back connections."""
        await self.http.aclose()

    async def get(self, service: str, path: str, role: str, agency: str = "") -> Json | None:
        """Read; None if there is nothing, or nothing yet."""
        answer = await self._until_answered("GET", self.town.url(service) + path, self._bearer(role, agency), None)
        if answer.status_code >= 400:
            return None
        found: Json = answer.json()
        return found

    async def post(
        self, service: str, path: str, who: tuple[str, str], body: Json | None, version: int | None = None
    ) -> Json:
        """Command with one key for all tries; Refused at a clear no."""
        key = str(UUID(int=self.rng.getrandbits(128), version=4))
        tag = {"If-Match": f'"{version}"'} if version is not None else {}
        headers = {**self._bearer(*who), "Idempotency-Key": key, **tag}
        before = self.memory.n_repeats
        self.memory.unanswered.append((path, key))
        answer = await self._until_answered("POST", self.town.url(service) + path, headers, body)
        self.memory.unanswered.remove((path, key))
        if answer.status_code >= 300:
            raise Refused(answer.status_code, answer.text)
        told: Json = answer.json()
        said = Said(service, path, key, answer.status_code, told, 1 + self.memory.n_repeats - before)
        self.memory.acknowledged.append(said)
        return told

    async def clerk(self, system: str, code: str, action: str, body: Json) -> bool:
        """Do what a clerk does in an outside system; False if it can not be done now.

        A clerk has no key: a deed without an answer is looked at before anybody does it again.
        """
        path = f"{self.town.url('sandbox')}/sandbox/{system}/dossiers/{code}/{action}"
        await self.town.flows.wait()
        try:
            answer = await self.http.post(path, json=body)
        except httpx.TransportError:
            await self._pause()
            return False
        if answer.status_code == 200:
            self.memory.deeds.append((system, code, action))
        return answer.status_code == 200

    async def seen(self, system: str, code: str) -> Json | None:
        """Return how a dossier stands in an outside system, None if it does not or nobody answers."""
        try:
            answer = await self.http.get(f"{self.town.url('sandbox')}/sandbox/{system}/dossiers/{code}")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    async def _until_answered(self, method: str, url: str, headers: Json, body: Json | None) -> httpx.Response:
        """Ask until there is an answer: a 5xx is none, and neither is *still running*."""
        end = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < end:
            await self.town.flows.wait()
            try:
                answer = await self.http.request(method, url, headers=headers, json=body)
            except httpx.TransportError:
                pass
            else:
                still_runs = answer.status_code == 409 and "retry-after" in answer.headers
                if answer.status_code < 500 and answer.status_code != 429 and not still_runs:
                    return answer
            self.memory.n_repeats += method == "POST"
            await self._pause()
        raise GivenUp(f"{method} {url}")

    async def _pause(self) -> None:
        await asyncio.sleep(self.rng.uniform(*AGAIN_SECONDS))

    def _bearer(self, role: str, agency: str = "") -> Json:
        key = (role, agency)
        if key not in self._tokens:
            self._tokens[key] = self.town.token(role, agency=agency or None)
        return {"Authorization": f"Bearer {self._tokens[key]}"}
