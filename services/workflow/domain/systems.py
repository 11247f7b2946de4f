"""Outside systems as data: which dossiers concern one, which facts it is told, for whom it acts."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.events import FACTS, Fact
from shared.events.reference import ReferenceData

SystemCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
TELLABLE = {fact.__name__: fact for fact in FACTS.values()}
LEG_FACTS = frozenset(name for name, fact in TELLABLE.items() if "leg_no" in fact.model_fields)


class Concern(BaseModel):
    """Which dossiers a system is told of: all of them, or those of which an agency of its own is handed a leg."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every_dossier: bool = False
    own_legs: bool = False

    @model_validator(mode="after")
    def _one(self) -> "Concern":
        if self.every_dossier == self.own_legs:
            msg = "either every_dossier or own_legs"
            raise ValueError(msg)
        return self


class Brake(BaseModel):
    """When repair of a system stops: *at_least* so many dossiers have diverged, and more than *percent* of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_least: int = Field(50, ge=1)
    percent: float = Field(1.0, ge=0, le=100)


class OutsideSystem(ReferenceData):
    """An outside system that is kept in step.

    *agency_codes*: the agencies whose software it is; it may act on their legs. *tells*: the names of the facts it is
    told, in order; facts about legs only of its own legs unless *all_legs*. *results_of*: the facts whose delivery has
    a business result that comes later. *reads_back*: whether a dossier can be read from it. *owned*: the fields it
    shows that are ours alone: what is changed there is told again, *most_repairs* times until it is in step; the others
    are its own, or anybody's, and a person decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: SystemCode
    version: int
    valid_from: date
    valid_to: date | None = None
    name: str
    concerns: Concern
    agency_codes: list[str] = Field(default_factory=list)
    tells: list[str]
    all_legs: bool = False
    results_of: list[str] = Field(default_factory=list)
    reads_back: bool = False
    owned: list[str] = Field(default_factory=list)
    most_repairs: int = Field(3, ge=0)
    brake: Brake = Brake()
    note: str = ""
    mark: Literal["V", "V2", "D", "U"] = "U"
    """How sure the source is (rules.md)."""

    @model_validator(mode="after")
    def _facts_are_known(self) -> "OutsideSystem":
        unknown = {*self.tells, *self.results_of} - TELLABLE.keys()
        if unknown or not set(self.results_of) <= set(self.tells):
            msg = f"no such facts to tell: {sorted(unknown or set(self.results_of) - set(self.tells))}"
            raise ValueError(msg)
        return self

    def is_told(self, fact: Fact, agency_code: str | None) -> bool:
        """Say whether the system is told *fact*; *agency_code* is who holds the leg that it is about, if it is."""
        name = type(fact).__name__
        if name not in self.tells:
            return False
        return name not in LEG_FACTS or self.all_legs or agency_code in self.agency_codes

    def begins_with(self, agency_code: str | None, *, is_offer: bool) -> bool:
        """Say whether a dossier concerns the system from now on."""
        return self.concerns.every_dossier or (is_offer and agency_code in self.agency_codes)


class Systems:
    """All versions of all systems."""

    def __init__(self, versions: Iterable[OutsideSystem]) -> None:
        self._versions = sorted(versions, key=lambda one: (one.code, one.version))
        self._on: dict[date, list[OutsideSystem]] = {}

    def on(self, day: date) -> list[OutsideSystem]:
        """Return the systems in force on *day*, by code: the newest version that has begun, unless it has ended."""
        if day not in self._on:
            begun = {one.code: one for one in self._versions if one.valid_from <= day}
            self._on[day] = [one for one in begun.values() if one.valid_to is None or day <= one.valid_to]
        return self._on[day]


def payload_of(fact: Fact, at: str, picture: dict[str, Any]) -> dict[str, Any]:
    """Return what is delivered of *fact*: itself, the dossier as it stood after it, and references to its people."""
    version = picture["applicant_version"]
    return {
        "fact": type(fact).__name__,
        "at": at,
        "data": fact.model_dump(mode="json", exclude_none=True),
        "dossier": picture,
        "applicant": {
            name: {"$applicant": name, "version": version}
            for name in ("full_name", "identity_number", "phone", "email", "address")
        },
    }
