"""What every fact of the timeline is: a frozen pydantic model with a source, a name and a major version."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, get_args
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

TYPE_PREFIX = "vn.lienthong."

Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""An official or route-internal code, never free text."""
Instant = AwareDatetime
Reference = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[0-9]+$"), "reference"]
"""``code@version`` of reference data the fact was decided with; its field name is the kind."""


class Value(BaseModel):
    """A part of a fact: frozen; unknown fields of newer writers are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Fact(Value):
    """A fact in the past tense about one dossier; carries no personal data."""

    source: ClassVar[str]
    major: ClassVar[int] = 1

    @classmethod
    def type_name(cls) -> str:
        """Return the CloudEvents type, e.g. ``vn.lienthong.DossierAccepted.v1``."""
        return f"{TYPE_PREFIX}{cls.__name__}.v{cls.major}"

    def encode(self) -> bytes:
        """Return the exact bytes that are stored, chained and replayed: JSON without absent fields."""
        return self.model_dump_json(exclude_none=True).encode()

    def references(self) -> list[tuple[str, str, int]]:
        """Return the (kind, code, version) of all reference data this fact names."""
        kind = type(self)
        if kind not in _REFERENCES:
            _REFERENCES[kind] = [n for n, f in kind.model_fields.items() if _is_reference(f.metadata, f.annotation)]
        named = ((name, getattr(self, name)) for name in _REFERENCES[kind])
        return [(name, *split_reference(value)) for name, value in named if value]


_REFERENCES: dict[type[Fact], list[str]] = {}
"""The fields of each fact that name reference data, looked up once."""


def _is_reference(metadata: list[Any], annotation: Any) -> bool:
    return "reference" in metadata or any("reference" in get_args(part) for part in get_args(annotation))


def split_reference(text: str) -> tuple[str, int]:
    """Split ``code@version`` into its two parts."""
    code, _, version = text.rpartition("@")
    return code, int(version)


class Limit(Value):
    """A time limit as a length; the unit is one of api.md's four."""

    amount: Annotated[float, Field(ge=0)]
    unit: Annotated[str, StringConstraints(pattern="^(working_days|working_hours|calendar_days|hours)$")]


__all__ = ["UUID", "Code", "Fact", "Instant", "Limit", "Reference", "Value", "datetime", "split_reference"]
