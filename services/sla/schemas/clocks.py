"""Request and response bodies about clocks, suspensions, deadlines and what they are worked out with."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from services.sla.schemas.days import KnownDay, KnownInstant
from shared.web import Body, LocalInstant, Read
from shared.worktime import Unit

ShortCode = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Note = Annotated[str, StringConstraints(max_length=2000)]


def _is_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        msg = "a limit is a number"
        raise ValueError(msg)  # noqa: TRY004 - pydantic refuses by ValueError only
    return value


Amount = Annotated[Decimal, BeforeValidator(_is_number), Field(ge=0, le=36_500, decimal_places=4)]


class DeadlineAsk(Body):
    """A limit and when it begins; 0 days means the same day."""

    received_at: KnownInstant
    limit: Amount
    unit: Unit
    calendar_code: ShortCode = "VN"


class SuspensionAsk(Body):
    """Why the clock is to stand still: a ground of the closed list and the document that carries it."""

    ground: Annotated[str, StringConstraints(max_length=64)] | None = None
    document_no: Annotated[str, StringConstraints(max_length=100)] | None = None
    note: Note = ""


class SuspensionEnd(Body):
    """Words about the end of a suspension; they stay here."""

    note: Note = ""


class ApologyAsk(Body):
    """Form 04: why the deadline can not be kept, and the working day that is promised instead (once only)."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2000)]
    new_due_on: KnownDay | None = None


class ApologyRead(Read):
    """An apology as it was issued; *in_time*: no later than the last working day before the deadline's."""

    apology_no: int
    agency_code: str
    deadline_at: LocalInstant
    new_deadline_at: LocalInstant | None
    in_time: bool
    issued_at: LocalInstant
    reason: str
    """Empty if it was lost with a database that was restored."""


class DayRead(Read):
    """One day of an explanation: counted or not, minutes, why, by which rule."""

    date: date
    counted: bool
    minutes: int
    reason: str
    citation: str
    name: str
    text_vi: str
    text_en: str


class DeadlineRead(Read):
    """A deadline; *unrounded_at* is when the time itself is used up."""

    deadline_at: LocalInstant
    unrounded_at: LocalInstant
    is_provisional: bool
    """It lies in a year whose holidays are not decided yet."""
    calendar_version: str
    explanation: list[DayRead]


class LimitRead(Read):
    """A time limit."""

    amount: float
    unit: str
    text_vi: str


class SuspensionRead(Read):
    """A span in which the clock lawfully stood still; *to_at* is null while it is open."""

    no: int
    ground: str
    name: str
    citation: str
    restarts: bool
    opened_by: str
    document_no: str | None
    from_at: LocalInstant
    to_at: LocalInstant | None
    minutes: int


class MoveRead(Read):
    """The law moved the deadline."""

    at: LocalInstant
    suspension_no: int
    ground_code: str
    citation: str
    from_at: LocalInstant
    to_at: LocalInstant


class HoldingRead(Read):
    """A stretch in one agency's hands; null: the applicant's."""

    agency_code: str | None
    from_at: LocalInstant
    to_at: LocalInstant
    minutes: int
    suspended_minutes: int


class LegRead(Read):
    """The clock of one leg; *minutes* are working minutes in which it ran."""

    leg_no: int
    step_code: str
    agency_code: str | None
    status: str
    excluded_ground: str | None
    limit_minutes: int | None
    offered_at: LocalInstant
    acknowledged_at: LocalInstant | None
    ended_at: LocalInstant | None
    due_at: LocalInstant | None
    minutes: int
    is_late: bool


class ClockRead(Read):
    """The clock of a dossier now; minutes are working minutes of its calendar. While suspended there is no deadline."""

    dossier_id: UUID
    version: int
    status: str
    deadline_at: LocalInstant | None
    """By law."""
    promised_deadline_at: LocalInstant | None
    """What the applicant was told: by law, or the later instant that an apology promised."""
    first_deadline_at: LocalInstant
    is_provisional: bool
    started_at: LocalInstant
    finished_at: LocalInstant | None
    verdict: str | None
    elapsed_minutes: int
    remaining_minutes: int
    holder_agency_code: str | None
    receiving_unit_code: str
    limit: LimitRead
    suspensions: list[SuspensionRead]
    moves: list[MoveRead]
    apologies: list[ApologyRead]
    apology_is_owed: bool
    """The promised deadline has passed, and no apology for it was issued."""
    holdings: list[HoldingRead]
    legs: list[LegRead]
    rule_version: str
    calendar_version: str


class ExplanationRead(Read):
    """Why the deadline is the one it is: in sentences, and day by day since the limit last began."""

    dossier_id: UUID
    status: str
    deadline_at: LocalInstant | None
    limit: LimitRead
    counted_from_at: LocalInstant
    rule_version: str
    calendar_version: str
    text_vi: list[str]
    days: list[DayRead]


class GroundRead(Read):
    """A row of the closed list of lawful suspensions."""

    code: str
    version: int
    valid_from: date
    valid_to: date | None
    name: str
    name_en: str
    citation: str
    mark: str
    restarts: bool
    openers: list[str]
    required_document: str
    is_enabled: bool


class GroundPage(Read):
    """The closed list."""

    items: list[GroundRead]
    next: str | None


class DueRead(Read):
    """An open dossier by its promised deadline; *apology_by_at*: until then an apology is in time."""

    dossier_id: UUID
    procedure_code: str
    receiving_unit_code: str
    holder_agency_code: str | None
    promised_deadline_at: LocalInstant
    status: str
    is_re_appointed: bool
    is_overdue: bool
    apology_is_issued: bool
    apology_by_at: LocalInstant


class DuePage(Read):
    """Open dossiers, the earliest deadline first."""

    items: list[DueRead]
    next: str | None
