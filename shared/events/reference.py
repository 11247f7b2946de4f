"""Reference data that more than one service decides with: procedures and agencies (calendars: ``shared.worktime``)."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.events.base import Code, Limit

AgencyKind = Literal[
    "one_stop_unit",
    "provincial_department",
    "district_division",
    "land_registration_office",
    "land_registration_branch",
    "tax_branch",
    "police",
    "social_insurance",
    "civil_status",
    "other",
]


class ReferenceData(BaseModel):
    """One immutable version of something; in force from *valid_from* to *valid_to* (its last day)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: Code
    version: int = Field(ge=1)
    valid_from: date
    valid_to: date | None = None


class Agency(ReferenceData):
    """An office that may hold a leg or receive dossiers; effective-dated, with its successor."""

    name: str
    kind: AgencyKind
    level: Literal["province", "district", "commune"]
    calendar_code: Code
    dossier_code_prefix: Code | None = None
    """Set for units that receive dossiers; the code is prefix-YYMMDD-NNNN."""
    parent_code: Code | None = None
    successor_code: Code | None = None
    serves: dict[Code, tuple[Code, ...]] = Field(default_factory=dict)
    """By role, the receiving units for which it plays that role: a route may name a role instead of an agency."""


class Component(BaseModel):
    """A paper that belongs to a dossier of a procedure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    name: str
    is_required: bool = True


class LimitCase(BaseModel):
    """A limit of its own for some dossiers: by channel, by attributes, by the units that shortened it; all must fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit
    channel: Literal["online", "counter", "post"] | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    """Names and the values they must have, such as ``{"remote_area": true}``."""
    unit_codes: tuple[Code, ...] = ()
    """Receiving units; empty: all."""
    citation: str

    def fits(self, channel: str, unit_code: str, attributes: Mapping[str, Any]) -> bool:
        """Say whether a dossier of this channel, unit and attributes is such a case."""
        return (
            self.channel in {None, channel}
            and (not self.unit_codes or unit_code in self.unit_codes)
            and all(attributes.get(name) == value for name, value in self.attributes.items())
        )


class Procedure(ReferenceData):
    """A catalogue entry (thủ tục hành chính) with the limit the law gives it."""

    name: str
    field_code: Code
    field_name: str
    level: Literal["province", "district", "commune"]
    service_level: Literal["full", "partial"]
    limit: Limit
    limit_cases: tuple[LimitCase, ...] = ()
    """Other limits; the first that fits a dossier is the one, *limit* if none does."""
    limit_note: str = ""
    """What form 01 says about spans that are not in the limit."""
    citation: str
    components: list[Component]
    attributes_schema: dict[str, Any]
    """JSON Schema 2020-12 of the attributes a submission carries."""
    public_attributes: list[str] = Field(default_factory=list)
    """Names of the attributes that are not personal: only these leave intake."""

    def limit_for(self, channel: str, unit_code: str, attributes: Mapping[str, Any]) -> Limit:
        """Return the limit of a dossier, fixed when it is accepted."""
        fitting = (case.limit for case in self.limit_cases if case.fits(channel, unit_code, attributes))
        return next(fitting, self.limit)
