"""What dialect B forces us to keep of a dossier: it issues the number, and nothing can be read back there.

Dialect A needs none of this. Lost, a dossier would be created a second time: the folder is part of the backup.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """The portal's two ids of a dossier, and how far its log has come."""

    number: str
    """``MaHoSo``, issued by GetNextValue."""
    id: str = ""
    """``idHoSo``; empty until the dossier is known to be created."""
    tried_no: int = 0
    """The last delivery whose line may have been sent."""
    done_no: int = 0
    """The last delivery whose line was taken."""


class Keeper(Protocol):
    """Keeps it; a put must have reached the disk when it returns."""

    def get(self, dossier_id: str) -> Kept | None:
        """Return what is kept of a dossier."""

    def put(self, dossier_id: str, kept: Kept) -> None:
        """Keep it from now on."""


class Folder:
    """One small file per dossier, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def get(self, dossier_id: str) -> Kept | None:
        """Return what is kept of a dossier."""
        file = self._file(dossier_id)
        return Kept(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None

    def put(self, dossier_id: str, kept: Kept) -> None:
        """Replace its file; it, and its name, are on the disk when this returns."""
        file = self._file(dossier_id)
        fresh = file.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(asdict(kept), out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _file(self, dossier_id: str) -> Path:
        return self._path / f"{UUID(dossier_id)}.json"
