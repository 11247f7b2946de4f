"""Apache Kafka as chaos needs it: one broker or a quorum of three, every listener behind a door."""

import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.aside import run_aside
from deploy.local.engines import at_once, start_together
from deploy.local.java import conditions, java
from deploy.local.kafka import Kafka, Node, properties
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.process import Nest
from deploy.local.topics import make_topics
from tests.chaos.doors import Doors

CLUSTER = "chaos-chaos-chaos-0000"
"""A cluster's id is 16 bytes in base64."""


@dataclass(frozen=True)
class Address:
    """Where the three listeners of one broker are, and the doors before them."""

    node: Node
    inner: int
    client_door: int
    inner_door: int
    quorum_door: int

    @property
    def name(self) -> str:
        """Return what doors call it."""
        return f"kafka-{self.node.number}"


def address(number: int) -> Address:
    """Return the addresses of a broker on unused ports."""
    client, quorum, inner, *doors = free_ports(6)
    return Address(Node(number, client, quorum), inner, *doors)


def configuration(own: Address, all_of_them: Sequence[Address], folder: Path) -> dict[str, str]:
    """Return the launcher's configuration, with everybody sent to the doors."""
    voters = ",".join(f"{one.node.number}@{LOOPBACK}:{one.quorum_door}" for one in all_of_them)
    named = (("PLAINTEXT", own.node.port), ("INNER", own.inner), ("CONTROLLER", own.node.controller_port))
    return properties(own.node, [one.node for one in all_of_them], folder) | {
        "controller.quorum.voters": voters,
        "listeners": ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in named),
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{own.client_door},INNER://{LOOPBACK}:{own.inner_door}",
        "inter.broker.listener.name": "INNER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "replica.lag.time.max.ms": "5000",
    }


class Broker(Kafka):
    """One broker of the cluster."""

    def __init__(self, folder: Path, nest: Nest, own: Address, all_of_them: Sequence[Address]) -> None:
        super().__init__(folder, nest, node=own.node)
        self.name, self.number = own.name, own.node.number
        self._own, self._all = own, all_of_them

    def _prepare(self, node: Node, folder: Path, class_path: Sequence[Path], options: Sequence[str]) -> str:
        if node != self._own.node:
            return super()._prepare(node, folder, class_path, options)
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "server.properties"
        lines = configuration(self._own, self._all, folder / "data")
        settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        if not (folder / "data" / "meta.properties").exists():
            words = f"kafka.tools.StorageTool format --ignore-formatted -t {CLUSTER} -c".split()
            program = java(class_path, *words, str(settings), options=options)
            self._nest.run("kafka-format", program, conditions(is_task=True))
        return str(settings)

    def wipe(self) -> None:
        """Delete its data, whether it runs or not."""
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    def limit_files(self) -> int:
        """Let no file grow beyond what the longest log has now: to the broker the disk is full. Return the bytes."""
        logs = (self._folder / "data").glob("dossier.timeline-*/*.log")
        size = max((one.stat().st_size for one in logs), default=0) + 1
        if self.child is not None:
            psutil.Process(self.child.pid).rlimit(resource.RLIMIT_FSIZE, (size, size))
        return size


class Cluster:
    """The brokers of a town; ``url`` stays the same whatever happens to them."""

    def __init__(self, folder: Path, nest: Nest, doors: Doors, n_brokers: int) -> None:
        self._addresses = [address(number + 1) for number in range(n_brokers)]
        self.brokers = [
            Broker(folder / one.name, nest, one, self._addresses) for one in self._addresses
        ]  # fmt: skip
        for one in self._addresses:
            for door, behind in (
                (one.client_door, one.node.port),
                (one.inner_door, one.inner),
                (one.quorum_door, one.node.controller_port),
            ):
                doors.open(door, behind, one.name)

    @property
    def url(self) -> str:
        """Return the bootstrap addresses: the doors."""
        return ",".join(f"{LOOPBACK}:{one.client_door}" for one in self._addresses)

    @property
    def names(self) -> list[str]:
        """Return the names of the brokers."""
        return [one.name for one in self.brokers]

    def start(self) -> None:
        """Start those that do not run, and make the topics where they are missing."""
        start_together([one for one in self.brokers if one.child is None or not one.child.alive])
        run_aside(make_topics(self.url, copies=min(3, len(self.brokers))))

    def kill(self) -> None:
        """End all of them with SIGKILL."""
        for one in self.brokers:
            if one.child is not None:
                one.child.kill()

    def stop(self) -> None:
        """End all of them in order."""
        at_once(lambda one: one.stop(3), self.brokers)
