"""What the programs complained of: for whoever looks for a cause."""

import json
from collections import Counter
from pathlib import Path

QUIET = {"info", "debug"}


def complaints(folder: Path) -> Counter[str]:
    """Count the warnings and errors in the logs of *folder* by program and words; a traceback's last line counts."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("*.log")):
        if log.stem.startswith(("kafka", "postgres")):
            continue
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                found.update(_told(log.stem, line))
            elif line and not line[0].isspace() and "Error" in line.split(":")[0]:
                found[f"{log.stem}: {line[:100]}"] += 1
    return found


def _told(program: str, line: str) -> list[str]:
    try:
        row = json.loads(line)
    except ValueError:
        return []
    if row.get("level") in QUIET:
        return []
    return [f"{program}: {row.get('event')} {row.get('job', '')} {row.get('error', '')}".strip()[:140]]
