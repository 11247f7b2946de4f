"""The jars of Apache Kafka: fetched once by ``jgo``, used only if their SHA-256 sums are those committed."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import requests
from jgo.env import EnvironmentSpec, LockedDependency, LockFile
from jgo.maven import MavenContext, PythonResolver
from platformdirs import user_cache_path

from deploy.local.errors import LaunchError
from deploy.local.report import Download, Quiet

HERE = Path(__file__).parent
SPEC, LOCK = HERE / "jgo.toml", HERE / "jgo.lock.toml"
TRIES = 3


def cache_folder() -> Path:
    """Return where jars are kept between checkouts: ``LIENTHONG_CACHE``, else the user's cache folder."""
    given = os.environ.get("LIENTHONG_CACHE")
    return (Path(given).expanduser().resolve() if given else user_cache_path("lien-thong")) / "jars"


def jars(
    report: Quiet,
    folder: Path | None = None,
    lock: Path = LOCK,
    stopped: Callable[[], bool] = bool,
) -> list[Path]:
    """Return the class path that *lock* names, downloading what is missing into *folder*.

    Raises LaunchError if a jar cannot be fetched, if its sum is not the locked one, or when *stopped*.
    """
    folder = folder or cache_folder()
    wanted = {folder / file_name(jar): jar for jar in LockFile.load(lock).dependencies}
    missing = [jar for path, jar in wanted.items() if not path.exists()]
    if missing:
        report.say(f"downloading Apache Kafka ({len(missing)} files, once, into {folder})")
        _fetch_all(missing, folder, report, stopped)
    for path, jar in wanted.items():
        _check(path, jar, f"delete {path} and start again")
    return list(wanted)


def file_name(jar: LockedDependency) -> str:
    """Return the name of *jar* as its repository has it."""
    classifier = f"-{jar.classifier}" if jar.classifier else ""
    return f"{jar.artifactId}-{jar.version}{classifier}.{jar.packaging}"


def _check(path: Path, jar: LockedDependency, advice: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        msg = f"{path.name} does not have the SHA-256 sum of {LOCK.name} and is not used: {advice}"
        raise LaunchError(msg)


def _fetch_all(missing: list[LockedDependency], folder: Path, report: Quiet, stopped: Callable[[], bool]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        report.download("Apache Kafka", len(missing)) as shown,
        tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch,
        ThreadPoolExecutor(4) as pool,
    ):
        resolver = PythonResolver(progress_callback=_progress(shown, stopped))
        context = MavenContext(resolver=resolver, repo_cache=Path(scratch), timeout=60)
        try:
            for _ in pool.map(lambda jar: _fetch(context, jar, folder), missing):
                pass
        finally:
            pool.shutdown(cancel_futures=True)


def _progress(
    shown: Download, stopped: Callable[[], bool]
) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    @contextmanager
    def progress(_name: str, size: int) -> Iterator[Callable[[int], None]]:
        shown.file(size)
        yield arrived

    def arrived(count: int) -> None:
        if stopped():
            msg = "the download was stopped"
            raise LaunchError(msg)
        shown.bytes(count)

    return progress


def _fetch(context: MavenContext, jar: LockedDependency, folder: Path) -> None:
    component = context.project(jar.groupId, jar.artifactId).at_version(jar.version)
    artifact = component.artifact(classifier=jar.classifier or "", packaging=jar.packaging)
    for attempt in range(1, TRIES + 1):
        try:
            path = artifact.resolve()
            break
        except (requests.RequestException, RuntimeError) as error:
            Path(artifact.cached_path or folder / "none").unlink(missing_ok=True)
            if attempt == TRIES:
                msg = f"cannot download {file_name(jar)} ({type(error).__name__}): is the registry reachable?"
                raise LaunchError(msg) from error
    _check(path, jar, "the registry answered something else")
    path.replace(folder / file_name(jar))


def relock() -> int:
    """Resolve ``jgo.toml`` anew, write ``jgo.lock.toml``, return the number of jars."""
    spec = EnvironmentSpec.load(SPEC)
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=60)
        wanted = [context.create_dependency(coordinate) for coordinate in spec.coordinates]
        inputs, others = context.resolver.resolve(wanted)
        used = [*inputs, *(one for one in others if one.scope in {"compile", "runtime"})]
        lock = LockFile.from_resolved_dependencies(used, environment_name=spec.name)
        lock.save(LOCK)
    return len(used)
