"""The launcher's rules that need no engine."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from jgo.env import LockFile

from deploy.local.errors import LaunchError
from deploy.local.folder import Claim, check_room
from deploy.local.jars import LOCK, file_name, jars
from deploy.local.kafka import Node, properties
from deploy.local.parts import Watch
from deploy.local.ports import free_ports, require_free
from deploy.local.process import Child, How, Nest
from deploy.local.programs import DEFAULTS, local_plan, port
from deploy.local.report import Quiet


def test_a_jar_with_a_wrong_sum_is_refused(tmp_path: Path) -> None:
    locked = LockFile.load(LOCK)
    locked.dependencies = locked.dependencies[:1]
    locked.save(tmp_path / "lock.toml")
    (tmp_path / file_name(locked.dependencies[0])).write_bytes(b"not the jar")
    with pytest.raises(LaunchError, match=r"kafka_2\.13-.* does not have the SHA-256 sum"):
        jars(Quiet(), tmp_path, tmp_path / "lock.toml")


def test_every_locked_jar_has_a_sum_and_the_lock_names_no_address() -> None:
    locked = LockFile.load(LOCK)
    assert all(len(jar.sha256 or "") == 64 for jar in locked.dependencies)
    assert "://" not in LOCK.read_text()


def test_a_busy_port_is_said_in_one_line_that_names_the_way_out() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(LaunchError) as caught:
            require_free("intake", number, "LIENTHONG_INTAKE_PORT")
    assert str(caught.value).startswith(f"port {number}, wanted by intake, is in use")
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="the disk is full"):
        check_room(tmp_path, needed=10**18)


def test_two_launchers_never_share_a_folder(tmp_path: Path) -> None:
    first, second = Claim(tmp_path), Claim(tmp_path)
    first.take()
    with pytest.raises(LaunchError, match=r"another launcher \(pid \d+\)"):
        second.take()
    first.give_back()
    second.take()
    second.give_back()


def test_a_port_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_INTAKE_PORT", "http")
    with pytest.raises(LaunchError, match="is not a port"):
        port("intake")


def test_the_default_ports_are_those_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(f"LIENTHONG_{name.upper()}_PORT", raising=False)
    assert all(program.port == DEFAULTS[program.name] for program in local_plan().programs)
    moved = [program.port for program in local_plan().with_free_ports().programs]
    assert len(set(moved)) == len(moved)


def test_three_brokers_form_one_quorum_that_survives_the_loss_of_one(tmp_path: Path) -> None:
    ports = free_ports(6)
    nodes = [Node(number + 1, ports[2 * number], ports[2 * number + 1]) for number in range(3)]
    lines = properties(nodes[1], nodes, tmp_path)
    assert lines["controller.quorum.voters"].count("@") == 3
    assert (lines["node.id"], lines["min.insync.replicas"], lines["default.replication.factor"]) == (
        "2",
        "2",
        "3",
    )


def test_a_program_that_fails_shows_its_last_lines(tmp_path: Path) -> None:
    nest = Nest(tmp_path)
    argv = [sys.executable, "-c", "print('no colour table'); raise SystemExit(3)"]
    with pytest.raises(LaunchError, match=r"(?s)intake-migrate ended with code 3.*no colour table"):
        nest.run("intake-migrate", argv, How(is_task=True))


def test_nothing_starts_after_the_nest_is_closed_and_tasks_end(tmp_path: Path) -> None:
    nest = Nest(tmp_path)
    task = nest.spawn("load", [sys.executable, "-c", "import time; time.sleep(60)"], How(is_task=True))
    nest.close()
    assert not task.alive
    with pytest.raises(LaunchError, match="stopping"):
        nest.spawn("late", ["true"])


def test_a_child_outside_linux_is_watched_from_behind(tmp_path: Path) -> None:
    """The branch for other systems, tried here: the watcher ends the program once its launcher is gone."""
    code = (
        "import os, sys, signal, subprocess, time\n"
        "from pathlib import Path\n"
        "from deploy.local import leash\n"
        "launcher = subprocess.Popen(['sleep', '60'])\n"
        "leash._watch(launcher.pid, signal.SIGKILL)\n"
        "launcher.kill(); launcher.wait(); time.sleep(20)\n"
    )
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert ended.returncode == -9
    assert time.monotonic() - began < 15


class FakePart:
    """A part whose process ends as soon as it starts."""

    docs, seconds, url = "", 0.0, ""
    child: Child | None = None

    def __init__(self, nest: Nest) -> None:
        self.name = "sla"
        self._nest = nest
        self.launch()

    def launch(self) -> None:
        child = self.child = self._nest.spawn("sla", [sys.executable, "-c", "raise SystemExit(2)"])
        child.wait(10)

    def wait_ready(self, seconds: float = 60) -> None: ...

    def stop(self, seconds: float = 5) -> None: ...

    def discard(self) -> None: ...


def test_what_dies_is_restarted_ever_more_slowly(tmp_path: Path) -> None:
    said: list[str] = []
    watch, part = Watch(said.append), FakePart(Nest(tmp_path))
    now = time.monotonic()
    for tick in range(60):
        watch.look([part], now + tick / 4)
    pauses = [line.rsplit(" ", 2)[1] for line in said]
    assert pauses[:4] == ["0.5", "1", "2", "4"]
    assert all("sla ended (code 2, see" in line for line in said)
