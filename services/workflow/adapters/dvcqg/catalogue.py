"""The names the portal wants beside our codes: of procedures and of fields."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Names(NamedTuple):
    """What a procedure and its field are called."""

    procedure: str
    field: str


Catalogue = Mapping[str, Names]
"""By procedure code."""


def read(folder: Path) -> dict[str, Names]:
    """Return the names of the newest version of every procedure in the JSON files of *folder*."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    versions = [data for part in files for data in (part if isinstance(part, list) else [part])]
    versions.sort(key=lambda data: int(data["version"]))
    return {data["code"]: Names(data["name"], data["field_name"]) for data in versions}
