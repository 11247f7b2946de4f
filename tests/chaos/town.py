"""The whole system on free ports: started by the launcher's parts, and hurt through its process ids."""

import asyncio
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import psutil

from deploy.demo.client import fast_clock
from deploy.local.errors import LaunchError
from deploy.local.folder import ROOT
from deploy.local.parts import Served
from deploy.local.ports import free_ports
from deploy.local.process import Child, How, Nest
from deploy.local.programs import Plan, Program, local_plan, python, variable
from deploy.local.stack import Stack
from shared.clock import Clock
from tests.chaos.at import PASSED
from tests.chaos.brokers import Cluster
from tests.chaos.doors import Doors
from tests.chaos.haste import HURRIED
from tests.chaos.points import ADAPTERS, SERVICES

START = datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=7)))
SPEED = 20_000.0
QUICK = {
    "POLL_SECONDS": "0.2",
    "LEASE_SECONDS": "8",
    "LOOK_LEASE_SECONDS": "8",
    "LOOK_POLL_SECONDS": "0.5",
    "CALL_SECONDS": "4",
    "FIRST_PAUSE_SECONDS": "0.5",
    "LONGEST_PAUSE_SECONDS": "2",
}
"""Adapters that give up soon, so that a minute shows what an hour would."""
HASTE = {"LIENTHONG_FULL_SWEEP_SECONDS": "15", "LIENTHONG_WEBHOOK_TRUSTED_HOSTS": "127.0.0.1"}


@dataclass(frozen=True)
class Shape:
    """How large a town is."""

    n_brokers: int = 1
    doubled: tuple[str, ...] = ()
    """Services with a second worker."""
    passing_seconds: float = 20.0
    """How long a program that is ready may take to come to the point at which it is to die."""


@dataclass(frozen=True)
class Deed:
    """What somebody did to a dossier in an outside system without telling us; the instant is the business clock's."""

    system: str
    dossier_id: str
    at: datetime


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Town:
    """A running system and everything chaos does to its processes."""

    stack: Stack
    cluster: Cluster
    doors: Doors
    clock: Clock
    shape: Shape
    plain: dict[str, Program] = field(default_factory=dict)
    """Each program as it is when it is well."""
    deeds: list[Deed] = field(default_factory=list)
    """What was done in outside systems behind our back."""
    flows: asyncio.Event = field(default_factory=_open)
    """While it is clear nobody begins anything: who is to be stopped when all is said has a moment for it."""
    _locks: dict[str, threading.RLock] = field(default_factory=lambda: defaultdict(threading.RLock))
    """Two faults at once may meet at one program: one of them at a time starts and stops it."""

    def url(self, name: str) -> str:
        """Return the address of a program."""
        return self.stack.url(name)

    def token(self, role: str, *, agency: str | None = None) -> str:
        """Return a token of a role."""
        return self.stack.token(role, agency=agency)

    def workers(self) -> list[str]:
        """Return the names of all processes of services."""
        return [*SERVICES, *(f"{name}-second" for name in self.shape.doubled)]

    def served(self, name: str) -> Served:
        """Return a program of the stack."""
        found = next(one for one in self.stack.parts if one.name == name)
        assert isinstance(found, Served)
        return found

    def restart(self, name: str) -> None:
        """Start a program again as it is when it is well, whatever runs of it now."""
        with self._locks[name]:
            if name == "postgres":
                self.stack.restart(name)
                return
            part = self.served(name)
            part._program = self.plain[name]
            part.stop(3)
            _insist(part.launch)
            _insist(part.wait_ready)

    def strike_at(self, name: str, specs: str) -> str:
        """Let a program run until it dies at a point; return what it passed, empty if it never came there."""
        with self._locks[name]:
            child = self._run_at(name, specs)
            with suppress(LaunchError):
                self.served(name).wait_ready()
            child.wait(self.shape.passing_seconds)
            if child.alive:
                child.kill()
                return ""
        return next((line for line in child.tail(40).splitlines() if line.startswith(PASSED)), "")

    def run_with(self, name: str, specs: str) -> None:
        """Let a program run with a distortion, and wait until it is ready."""
        with self._locks[name], suppress(LaunchError):
            self._run_at(name, specs)
            self.served(name).wait_ready()

    def _run_at(self, name: str, specs: str) -> Child:
        part, well = self.served(name), self.plain[name]
        self.stack.kill(name)
        part._program = replace(well, argv=python("tests.chaos.at", f"{HURRIED},{specs}", *well.argv[4:]))
        _insist(part.launch)
        assert part.child is not None
        return part.child

    def migrate(self, service: str, prefix: str, specs: str) -> int:
        """Migrate a database of its own, at a point if one is named; return the exit code."""
        program = (f"services.{service}", "migrate")
        argv = python("tests.chaos.at", specs, *program) if specs else python(*program)
        env = {**self.stack.environment(), "LIENTHONG_DATABASE_PREFIX": prefix}
        child = self.stack._nest.spawn("migrate", argv, How(env=env, cwd=ROOT, is_task=True))
        child.wait(60)
        child.kill()
        return child.process.returncode

    def ensure(self) -> list[str]:
        """Start again what has fallen over by itself; return the names."""
        fallen = [one.name for one in self.stack.parts if one.child is not None and not one.child.alive]
        for name in fallen:
            self.restart(name)
        return fallen

    def freeze(self, name: str) -> None:
        """Stop a process and its children where they stand."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a process and its children go on, if they still are."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: int) -> None:
        part = next(one for one in (*self.stack.parts, *self.cluster.brokers) if one.name == name)
        if part.child is None or not part.child.alive:
            return
        root = psutil.Process(part.child.pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def pids(self) -> dict[int, str]:
        """Return which process is whose, for the doors."""
        parts = [*self.stack.parts, *self.cluster.brokers]
        return {one.child.pid: one.name for one in parts if one.child is not None and one.child.alive}


def _insist(launch: Callable[[], None], seconds: float = 10) -> None:
    """Launch; a port that was left a moment ago may need one more."""
    end = time.monotonic() + seconds
    while True:
        try:
            launch()
        except LaunchError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


@contextmanager
def town(folder: Path, shape: Shape) -> Iterator[Town]:
    """Run a town in *folder* while the context lasts; nothing of it survives."""
    nest = Nest(folder / "log")
    running: list[Town] = []
    doors = Doors(lambda: running[0].pids() if running else {})
    cluster = Cluster(folder / "kafka", nest, doors, shape.n_brokers)
    own = {f"LIENTHONG_{system.upper()}_{name}": value for system in ADAPTERS for name, value in QUICK.items()}
    with _environment({**own, **HASTE, "LIENTHONG_KAFKA": cluster.url, "LIENTHONG_POSTGRES_URL": ""}):
        try:
            cluster.start()
            clock_text = fast_clock(START, SPEED)
            stack = Stack(folder, plan=_plan(shape), clock=clock_text)
            with stack:
                here = Town(stack, cluster, doors, Clock.parse(clock_text), shape)
                here.plain = {one.name: one._program for one in stack.parts if isinstance(one, Served)}
                running.append(here)
                _hurry(here)
                yield here
        finally:
            doors.mend()
            nest.close()
            with suppress(Exception):
                cluster.stop()
            nest.sweep()
            doors.close()


def _hurry(town: Town) -> None:
    """Let outside systems repeat what was not heard after a second or two, not after a minute."""
    with httpx.Client(base_url=town.url("sandbox"), trust_env=False, timeout=10) as http:
        for system in ADAPTERS:
            settings = http.get(f"/sandbox/{system}/callback").json() | {"longest_pause_seconds": 2}
            http.put(f"/sandbox/{system}/callback", json=settings).raise_for_status()


def _plan(shape: Shape) -> Plan:
    plan = local_plan().with_free_ports()
    second = [
        Program(f"{name}-second", python(f"services.{name}", "worker"), port, env={variable(name): str(port)})
        for name, port in zip(shape.doubled, free_ports(len(shape.doubled)), strict=True)
    ]
    return replace(plan, programs=tuple(_hurried(one) for one in (*plan.programs, *second)))


def _hurried(program: Program) -> Program:
    """Let services and adapters start through our entry, in haste; see ``haste.py``."""
    if program.stage not in {"service", "adapter"}:
        return program
    return replace(program, argv=python("tests.chaos.at", HURRIED, *program.argv[2:]))


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
