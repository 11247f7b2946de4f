"""A place of the documents as data: what was published, what is assumed, and what is only context."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PLACES = Path(__file__).with_name("places")
Outcome = Literal["early", "on_time", "late", "in_time", "overdue"]
OPEN: tuple[Outcome, ...] = ("in_time", "overdue")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Unit(_Data):
    """An agency; those with *online* and *counter* receive, the others hold what was found suspended."""

    code: str
    name: str
    kind: str = "one_stop_unit"
    level: Literal["province", "district", "commune"] = "district"
    online: int = 0
    counter: int = 0
    carried_over: int = 0
    """Received before the period and still open at its start, whatever the channel."""
    suspended: int = 0
    """Attempts to suspend without a lawful ground, as the inspection found them."""


class ProcedureField(_Data):
    """A field with so many procedures; names are invented where the documents give none."""

    code: str
    name: str
    n_procedures: int = 1

    @property
    def procedure_codes(self) -> list[str]:
        """The codes of its procedures, by number."""
        return [f"{self.code}.{n:03}" for n in range(1, self.n_procedures + 1)]


class Row(_Data):
    """One published figure: *figure* names what the reports print; None: context, shown but never computed."""

    label: str
    published: str
    figure: str | None = None
    note: str = ""
    """Why it differs, if it does, or that it is our assumption."""


class Place(_Data):
    """One place and period; *outcomes* are those of all dossiers that *units* received."""

    code: str
    name: str
    source: str
    from_on: date
    to_on: date
    calendar: str = "VN"
    units: tuple[Unit, ...] = ()
    fields: tuple[ProcedureField, ...] = ()
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    not_granted: int = 0
    """So many of those resolved ended as not granted."""
    saturdays: int = 0
    """So many were received and resolved on a Saturday."""
    rows: tuple[Row, ...]

    @property
    def n_dossiers(self) -> int:
        """How many dossiers are generated."""
        return sum(self.outcomes.values())


def read_places(folder: Path = PLACES) -> list[Place]:
    """Return every place in *folder*, in the order of the brief."""
    return [Place.model_validate_json(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
