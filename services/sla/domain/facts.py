"""What a clock is a function of: the facts of one dossier, the grounds of the closed list, and the rule it runs by."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.worktime import Limit

Opener = Literal["supplement", "leg", "officer"]
Place = tuple[str, int]
"""(source, sequence number): with the time, the total order of the timeline."""


class Ground(BaseModel):
    """A row of the closed list of lawful suspensions, in force from *valid_from* to *valid_to* (included).

    *restarts*: the limit begins anew when the suspension ends (a supplement); otherwise its span is excluded.
    *openers*: what may open it (a supplement request, a leg of the route, an officer). *mark*: how sure the
    source is (rules.md: V, V2, D, U). One that is not *is_enabled* is listed, but stops nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    version: int = 1
    valid_from: date
    valid_to: date | None = None
    citation: str
    restarts: bool = False
    name: str = ""
    name_en: str = ""
    mark: str = ""
    openers: tuple[Opener, ...] = ("leg", "officer")
    required_document: str = ""
    longest_days: int | None = Field(default=None, ge=1)
    """Calendar days after which it is asked whether it was forgotten; None: by the setting."""
    is_enabled: bool = True

    def is_in_force(self, on: date) -> bool:
        """Whether the ground may be used on *on*."""
        return self.is_enabled and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class ClockRule(BaseModel):
    """What a clock runs by, fixed when it starts; *from_moment* for legs (see ``shared.worktime.due_at``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit
    from_moment: bool = False
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The clock began to run *at* (aware); facts may arrive in any order."""

    at: datetime
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class Held:
    """The dossier came into the hands of *agency_code* (None: the applicant's)."""

    at: datetime
    agency_code: str | None
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class LegOpened:
    """A leg was offered to *agency_code* (None: the applicant); *is_excluded*: it does not count in the limit."""

    at: datetime
    leg_no: int
    agency_code: str | None
    is_excluded: bool = False
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class LegClosed:
    """A leg is in nobody's hands any more: completed, returned, refused or cancelled."""

    at: datetime
    leg_no: int
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class SuspensionBegan:
    """Suspension *no* of this clock began on the ground *ground_code*."""

    at: datetime
    no: int
    ground_code: str
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class SuspensionEnded:
    """Suspension *no* ended."""

    at: datetime
    no: int
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class Finished:
    """Processing ended, with a result or without (``story.Ending``)."""

    at: datetime
    place: Place = ("", 0)
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A result was found wrong: processing goes on as if it had not ended."""

    at: datetime
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class Reappointed:
    """The agency is late, apologised and promised *deadline_at* instead: once only (rules.md §1.8)."""

    at: datetime
    deadline_at: datetime
    place: Place = ("", 0)


@dataclass(frozen=True, slots=True)
class CalendarAdopted:
    """From now on the clock runs by *version* of its calendar; *document* is the decision behind it."""

    at: datetime
    version: int
    document: str = ""
    place: Place = ("", 0)


Fact = (
    Started | Held | LegOpened | LegClosed | SuspensionBegan | SuspensionEnded | Finished | Reopened | Reappointed
    | CalendarAdopted
)  # fmt: skip
OF_HOLDING = (Held, LegOpened, LegClosed)
"""Facts that say who holds the dossier, and never what the clock does."""
OF_SUSPENSION = (SuspensionBegan, SuspensionEnded)
_ORDER: dict[type[Fact], int] = {
    kind: n
    for n, kind in enumerate(
        (
            Started, LegClosed, LegOpened, Held, SuspensionBegan, SuspensionEnded, CalendarAdopted, Reappointed,
            Finished, Reopened,
        )
    )
}  # fmt: skip


def order(fact: Fact) -> tuple[datetime, Place, int, str]:
    """Return where *fact* stands in the total order: time, source, sequence number."""
    return fact.at, fact.place, _ORDER[type(fact)], "" if fact.place[1] else repr(fact)
