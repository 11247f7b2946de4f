"""What scorecards are asked for and what they answer, and the counts that people enter for them."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, StringConstraints

from services.sla.schemas.days import KnownDay
from services.sla.schemas.reports import CompletenessRead, Format, PeriodAsk
from shared.web import Body, CodeText, LocalInstant, Read

Number = Annotated[Decimal, PlainSerializer(float, return_type=float)]
Outcome = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Account = Annotated[str, StringConstraints(max_length=200)]
MOST = 10_000_000


class IndexAsk(PeriodAsk):
    """Which index; *known_until*: by what was known at the end of that date."""

    known_until: KnownDay | None = None
    format: Format = Format.JSON


class ScoringAsk(PeriodAsk):
    """Of agencies, or of officers."""

    of: Literal["agency", "officer"] = "agency"
    format: Format = Format.JSON


class PartRead(Read):
    """One index: its points at most, the average that earns them, and where its counts come from."""

    code: str
    group: str
    group_name: str
    name: str
    max_points: Number
    target: Number
    counts: str | None
    """What sla counts; null: the counts are entered."""
    outcomes: list[str]
    mark: str


class GradeRead(Read):
    """What a sum of points is called, from *from_points* upwards."""

    from_points: Number
    name: str


class CardRead(Read):
    """The version of a scorecard that was in force at the end of the period."""

    code: str
    version: int
    name: str
    citation: str
    mark: str
    valid_from: date
    valid_to: date | None
    max_points: Number
    parts: list[PartRead]
    grades: list[GradeRead]


class PartScoreRead(Read):
    """What a part came to; nulls where nothing was counted."""

    code: str
    counts: dict[str, int]
    average: Number | None
    points: Number | None


class ScoreRead(Read):
    """The points of one agency or officer; *known_max*: what the parts that could be judged are worth at most."""

    agency_code: str
    name: str
    officer: str | None
    parts: list[PartScoreRead]
    points: Number
    known_max: Number
    grade: str | None
    """Null as long as a part could not be judged."""
    rank: int | None
    """By points; what could not be judged counts as nothing."""


class ScoresRead(Read):
    """The points of a period by a scorecard, those of the whole place in *total* (null where nothing adds up)."""

    place_name: str
    from_on: date
    to_on: date
    known_until: LocalInstant
    scorecard: CardRead
    items: list[ScoreRead]
    total: ScoreRead | None
    completeness: CompletenessRead
    notes: list[str]


class CountEntry(Body):
    """What was counted for a part of a scorecard in a period, by outcome, and the document that says so.

    The same period again is a correction; another one that overlaps it is refused.
    """

    model_config = ConfigDict(populate_by_name=True)

    scorecard_code: CodeText
    part_code: CodeText
    agency_code: CodeText
    officer: Account = ""
    from_on: KnownDay = Field(alias="from")
    to_on: KnownDay = Field(alias="to")
    counts: dict[Outcome, Annotated[int, Field(ge=0, le=MOST, strict=True)]] = Field(min_length=1, max_length=20)
    document_no: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CountRead(Read):
    """A count as it was entered."""

    id: UUID
    scorecard_code: str
    part_code: str
    agency_code: str
    officer: str
    from_on: date
    to_on: date
    counts: dict[str, int]
    document_no: str
    entered_by: str
    entered_at: LocalInstant


class CountPage(Read):
    """Everything that was entered, in that order; of the same thing the newest counts."""

    items: list[CountRead]
    next: str | None


class ScorecardPage(Read):
    """Every version of every scorecard."""

    items: list[CardRead]
    next: None = None
