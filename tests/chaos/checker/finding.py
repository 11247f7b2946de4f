"""What the checker says: one of four ways to break the promise, and where."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["lost", "doubled", "reordered", "diverged"]
KINDS: tuple[Kind, ...] = ("lost", "doubled", "reordered", "diverged")


@dataclass(frozen=True)
class Finding:
    """One broken promise."""

    kind: Kind
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"
