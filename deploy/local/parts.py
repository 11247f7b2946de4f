"""The long-lived parts of a running system: engines and programs, started, watched and ended alike."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx

from deploy.local.errors import LaunchError
from deploy.local.folder import ROOT
from deploy.local.ports import require_free
from deploy.local.process import Child, How, Nest
from deploy.local.programs import Program, variable

FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.5, 30.0, 60.0


class Part(Protocol):
    """One long-lived process; PostgreSQL, Kafka and every program are such."""

    name: str
    docs: str
    seconds: float
    child: Child | None

    @property
    def url(self) -> str:
        """Return where it is reached."""

    def launch(self) -> None:
        """Start it."""

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until it is of use."""

    def stop(self, seconds: float = 5) -> None:
        """End it in order, by force after *seconds*."""

    def discard(self) -> None:
        """Remove what is of no use after the last stop."""


class Served:
    """A program that says over HTTP when it is ready."""

    def __init__(self, program: Program, nest: Nest, env: Mapping[str, str]) -> None:
        self._program = program
        self._nest = nest
        self._how = How(env={**env, **program.env}, cwd=ROOT)
        self.name = program.name
        self.docs = f"{program.url}{program.docs_path}" if program.docs_path else ""
        self.child: Child | None = None
        self.seconds = 0.0

    @property
    def url(self) -> str:
        """Return its base address."""
        return self._program.url

    def launch(self) -> None:
        """Start it; LaunchError if its port is taken."""
        require_free(self.name, self._program.port, variable(self.name))
        self.child = self._nest.spawn(self.name, self._program.argv, self._how)

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait for a 200 at its ready path."""
        child = self.child
        if child is None:
            return
        with httpx.Client(trust_env=False, timeout=2) as client:
            child.wait_until(lambda: _is_ready(client, self.url + self._program.ready_path), seconds)
        self.seconds = time.monotonic() - child.started

    def stop(self, seconds: float = 5) -> None:
        """End it in order."""
        if self.child is not None:
            self.child.stop(seconds)

    def discard(self) -> None:
        """Nothing to remove."""


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False


class Watch:
    """Restarts what dies while the system runs, more slowly each time it dies soon again."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._pause: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def look(self, parts: list[Part], now: float) -> None:
        """Report newly dead *parts* and start again those whose pause is over."""
        for part in parts:
            if part.child is None or part.child.alive:
                continue
            if part.name not in self._due:
                self._note(part, part.child, now)
            elif now >= self._due[part.name]:
                del self._due[part.name]
                self._again(part, now)

    def _note(self, part: Part, child: Child, now: float) -> None:
        pause = self._later(part.name, now, now - child.started)
        code = child.process.returncode
        how = f"signal {-code}" if code < 0 else f"code {code}"
        self._say(f"{part.name} ended ({how}, see {child.log}); starting it again in {pause:g} s")

    def _again(self, part: Part, now: float) -> None:
        try:
            part.launch()
        except (LaunchError, OSError) as error:
            pause = self._later(part.name, now, 0)
            self._say(f"{part.name} does not start ({str(error).splitlines()[0]}); once more in {pause:g} s")

    def _later(self, name: str, now: float, lived: float) -> float:
        before = 0.0 if lived > STEADY_SECONDS else self._pause.get(name, 0.0)
        pause = min(before * 2, LONGEST_PAUSE) or FIRST_PAUSE
        self._pause[name] = pause
        self._due[name] = now + pause
        return pause


def unknown(name: str, names: list[str]) -> LaunchError:
    """Return the error for a part that this system did not start."""
    return LaunchError(f"no part named {name}; started here: {', '.join(names)}")
