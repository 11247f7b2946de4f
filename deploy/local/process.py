"""Child processes that write to a log file, can always be ended, and never outlive the launcher."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.errors import LaunchError, ProgramDied

LEASH = Path(__file__).with_name("leash.py")
ROTATE_AT_BYTES = 50_000_000

# The kernel's death signal follows the thread that forked, so every fork is made by one thread that lives as
# long as the launcher does.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass
class Child:
    """One started program and where its log of this start begins."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_from: int
    is_task: bool
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Say whether it still runs."""
        return self.process.poll() is None

    def tail(self, lines: int = 12) -> str:
        """Return the last *lines* it wrote since this start."""
        with self.log.open("rb") as file:
            file.seek(max(self.log_from, self.log.stat().st_size - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

    def died(self) -> ProgramDied:
        """Return the error that tells how it ended."""
        return ProgramDied(self.name, self.process.poll(), self.log, self.tail())

    def send(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""
        if self.alive:
            self.process.send_signal(number)

    def wait(self, seconds: float | None) -> bool:
        """Wait at most *seconds* for its end; say whether it has ended."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, seconds: float, number: int = signal.SIGTERM) -> None:
        """Ask it to end, and end it by force after *seconds*."""
        self.send(number)
        if not self.wait(seconds):
            self.kill()

    def kill(self) -> None:
        """End it by force, now."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def wait_until(self, ready: Callable[[], bool], seconds: float, every: float = 0.05) -> None:
        """Wait until *ready*; ProgramDied if it ends first, LaunchError after *seconds*."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise self.died()
            if time.monotonic() > end:
                msg = f"{self.name} was not ready after {seconds:.0f} s; the last lines of {self.log}:"
                raise LaunchError(f"{msg}\n{self.tail()}")
            time.sleep(every)


@dataclass(frozen=True)
class How:
    """Under which conditions a child runs."""

    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: str = "-"
    death_signal: int = signal.SIGKILL
    is_task: bool = False


class Nest:
    """All children of one launcher; once closed nothing starts any more."""

    def __init__(self, log_folder: Path) -> None:
        self.log_folder = log_folder
        self._children: list[Child] = []
        self.closed = False

    def spawn(self, name: str, argv: Sequence[str | Path], how: How | None = None) -> Child:
        """Start *argv* in its own session, its output going to ``<log folder>/<name>.log``."""
        return _spawner.submit(self._spawn, name, argv, how or How()).result()

    def _spawn(self, name: str, argv: Sequence[str | Path], how: How) -> Child:
        if self.closed:
            msg = f"{name} was not started: stopping"
            raise LaunchError(msg)
        self._children = [child for child in self._children if child.alive]
        log = _log_file(self.log_folder, name)
        leash = [sys.executable, "-I", "-S", LEASH, os.getpid(), int(how.death_signal), how.user]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in (*leash, *argv)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=how.env, cwd=how.cwd, start_new_session=True,
            )  # fmt: skip
            child = Child(name, process, log, output.tell(), how.is_task)
        self._children.append(child)
        return child

    def run(self, name: str, argv: Sequence[str | Path], how: How, seconds: float = 120) -> None:
        """Run *argv* to its end; LaunchError unless it succeeds within *seconds*."""
        child = self.spawn(name, argv, how)
        if not child.wait(seconds):
            child.kill()
            msg = f"{name} did not end within {seconds:.0f} s:\n{child.tail()}"
            raise LaunchError(msg)
        if child.process.returncode != 0:
            raise child.died()

    def close(self) -> None:
        """Start nothing any more, and end what runs beside the long-lived programs."""
        _spawner.submit(self._close).result()
        for child in self._children:
            if child.is_task:
                child.kill()

    def _close(self) -> None:
        self.closed = True

    def sweep(self) -> None:
        """End by force whatever still runs."""
        for child in self._children:
            child.kill()


def _log_file(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    if log.exists() and log.stat().st_size > ROTATE_AT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log
