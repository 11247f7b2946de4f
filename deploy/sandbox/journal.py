"""What arrived: kept in memory, newest last, and appended to a JSON-lines file if there is a data folder."""

import json
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = 5_000


class Journal:
    """The arrivals of one outside system."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._file = folder / f"{name}.jsonl" if folder is not None else None
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)

    def add(self, row: dict[str, Any]) -> dict[str, Any]:
        """Keep *row* with the instant of its arrival and return it."""
        kept = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **row}
        self._rows.append(kept)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(kept, ensure_ascii=False) + "\n")
        return kept

    def newest(self, limit: int = 200) -> list[dict[str, Any]]:
        """Return the latest arrivals, newest first."""
        return list(reversed(self._rows))[:limit]

    def all(self) -> list[dict[str, Any]]:
        """Return the arrivals that are kept, oldest first."""
        return list(self._rows)

    def clear(self) -> None:
        """Forget what is in memory; the file stays."""
        self._rows.clear()
