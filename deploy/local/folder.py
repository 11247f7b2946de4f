"""The data folder: who may use it, whether there is room, and where things lie in it."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from deploy.local.errors import LaunchError

ROOT = Path(__file__).resolve().parents[2]
NEEDED_BYTES = 400_000_000


def data_folder() -> Path:
    """Return the folder named by ``LIENTHONG_DATA`` (default ``.local`` in the checkout), absolute."""
    return (ROOT / os.environ.get("LIENTHONG_DATA", ".local")).expanduser().resolve()


def check_room(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """Raise LaunchError unless *needed* bytes are free where *folder* lies."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        msg = f"the disk is full: {folder} has {free // 1_000_000} MB left, {needed // 1_000_000} MB are needed"
        raise LaunchError(msg)


class Claim:
    """The right of one launcher to one data folder; the kernel takes it back when the launcher ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Claim the folder, making it if needed; LaunchError if another launcher has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = (self._folder / "launcher.lock").open("a+")
        except OSError as error:
            msg = f"cannot use {self._folder}: {error.strerror}"
            raise LaunchError(msg) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            msg = f"another launcher (pid {holder}) uses {self._folder}: stop it or set LIENTHONG_DATA=<folder>"
            raise LaunchError(msg) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def give_back(self) -> None:
        """Let another launcher have the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None
