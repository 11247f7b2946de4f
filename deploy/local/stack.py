"""The whole local system on one data folder: started in order, watched, and stopped without a trace."""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from deploy.local.aside import run_aside
from deploy.local.engines import Engines, EngineSet, at_once, end, given, start_together
from deploy.local.folder import ROOT, Claim, check_room
from deploy.local.introduce import introduce
from deploy.local.operate import keep
from deploy.local.parts import Part, Served, Watch, unknown
from deploy.local.ports import require_free
from deploy.local.postgres import make_databases
from deploy.local.process import How, Nest
from deploy.local.programs import STAGES, Plan, Program, Task, credentials, environment, local_plan, variable
from deploy.local.report import Quiet
from deploy.local.tokens import client_secrets, mint_token, signing_key
from deploy.local.topics import make_topics

# Seconds each stage may take to stop; with the engines' 2 s each everything ends within 10 s.
STOP_SECONDS = {"adapter": 1.0, "sandbox": 1.0, "service": 3.0, "issuer": 0.5}


class Stack:
    """Engines, databases, topics, migrations, sample data, issuer, services, sandbox and adapters as one thing.

    ``ports="free"`` puts every program on an unused port; *clock* is the text of ``LIENTHONG_CLOCK``.
    Blocking, and good for one start and one stop; a second start is a new Stack on the same folder.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        plan: Plan | None = None,
        ports: Literal["default", "free"] = "default",
        clock: str = "",
        report: Quiet | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._plan = plan or local_plan()
        if ports == "free":
            self._plan = self._plan.with_free_ports()
        self._clock = clock
        self._report = report or Quiet()
        self._claim = Claim(self.data_dir)
        self._nest = Nest(self.data_dir / "log")
        self._engines: EngineSet | None = None
        self._programs: dict[str, Served] = {}
        self._stopping = threading.Event()

    def start(self) -> Self:
        """Start everything and return once it is ready; on an error nothing stays behind."""
        self._claim.take()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop everything in order within 10 s; by force what does not obey."""
        self._stopping.set()
        stages = [(self._stage(stage), STOP_SECONDS[stage]) for stage in reversed(STAGES)]
        engines = [([part], 2.0) for part in reversed(self._engines.parts)] if self._engines else []
        end(self._nest, [*stages, *engines])
        self._claim.give_back()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def parts(self) -> list[Part]:
        """Return everything that was started, in that order."""
        return [*(self._engines.parts if self._engines else []), *self._programs.values()]

    @property
    def engines(self) -> Engines:
        """Return where PostgreSQL and Kafka are reached."""
        return self._engines.addresses() if self._engines else given()

    def environment(self) -> dict[str, str]:
        """Return what every program of this system reads from its environment."""
        return environment(self.data_dir, self._plan, self.engines.environment, self._clock)

    def url(self, name: str) -> str:
        """Return the address of *name*: a program, ``postgres`` or ``kafka``."""
        return self._part(name).url

    def pid(self, name: str) -> int | None:
        """Return the process id of *name*, None while it does not run."""
        child = self._part(name).child
        return child.pid if child and child.alive else None

    def kill(self, name: str) -> None:
        """End *name* with SIGKILL."""
        child = self._part(name).child
        if child:
            child.kill()

    def restart(self, name: str) -> float:
        """Stop *name* if it runs, start it again, return its seconds to ready."""
        part = self._part(name)
        part.stop()
        part.launch()
        part.wait_ready()
        return part.seconds

    def token(
        self, role: str, *, agency: str | None = None, subject: str | None = None, system: str | None = None
    ) -> str:
        """Return a bearer token that the services of this system accept."""
        return mint_token(self.data_dir, role=role, agency=agency, subject=subject, system=system)

    def watch(self, every: float = 0.2) -> None:
        """Restart what dies, until :meth:`stop` is called or an exception (Ctrl-C) breaks in."""
        watch = Watch(self._report.say)
        while not self._stopping.wait(every):
            watch.look(self.parts, time.monotonic())

    def _start(self) -> None:
        check_room(self.data_dir)
        for program in self._plan.programs:
            require_free(program.name, program.port, variable(program.name))
        self._keep_names()
        self._engines = EngineSet(self.data_dir, self._nest, self._report, given())
        self._report.say(f"starting {' and '.join(part.name for part in self._engines.parts) or 'no engine'}")
        start_together(self._engines.parts)
        self._prepare()
        for stage in STAGES:
            self._launch_stage([program for program in self._plan.programs if program.stage == stage])
        adapters = {program.name: program.url for program in self._plan.programs if program.stage == "adapter"}
        if adapters:
            introduce(self.url("sandbox"), adapters, client_secrets(self.data_dir))

    def _keep_names(self) -> None:
        signing_key(self.data_dir)
        client_secrets(self.data_dir)
        issuer = self.environment().get("LIENTHONG_ISSUER", "")
        (self.data_dir / "issuer" / "address").write_text(issuer)

    def _prepare(self) -> None:
        keep(self.data_dir, self.environment())
        self._report.say("preparing databases, topics and sample data")
        if self._plan.databases:
            run_aside(make_databases(self.engines.postgres_url, self._plan.databases))
        run_aside(make_topics(self.engines.kafka))
        at_once(self._run, self._plan.migrations)
        for load in self._plan.loads:
            self._run(load)

    def _run(self, task: Task) -> None:
        env = self.environment() | credentials(self.data_dir, task.name)
        self._nest.run(task.name, task.argv, How(env=env, cwd=ROOT, is_task=True))

    def _launch_stage(self, programs: Iterable[Program]) -> None:
        env = self.environment()
        started = [Served(one, self._nest, env | credentials(self.data_dir, one.name)) for one in programs]
        self._programs |= {part.name: part for part in started}
        if started:
            self._report.say(f"starting {', '.join(part.name for part in started)}")
            start_together(started)

    def _stage(self, stage: str) -> list[Part]:
        names = [program.name for program in self._plan.programs if program.stage == stage]
        return [self._programs[name] for name in names if name in self._programs]

    def _part(self, name: str) -> Part:
        for part in self.parts:
            if part.name == name:
                return part
        raise unknown(name, [part.name for part in self.parts])
