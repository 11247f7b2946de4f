"""Scorecards (bộ chỉ số): what each outcome that was counted is worth, as dated data, and the arithmetic of points."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.sla.domain.clock import Verdict
from services.sla.domain.entries import Measure, methods_of, supplements_of
from services.sla.domain.figures import Sum

Counts = Mapping[str, int]
"""How many there were of each outcome."""
Countable = Literal["channel", "verdict", "leg_verdict", "supplement_requests", "payment_method"]
"""What sla counts by itself; the counts of any other part are entered by a person, with the document."""
VERDICTS, CHANNELS = frozenset(Verdict), frozenset({"online", "assisted", "counter", "post"})
OUTCOMES: Mapping[str, frozenset[str]] = {"verdict": VERDICTS, "leg_verdict": VERDICTS, "channel": CHANNELS}
HUNDREDTH = Decimal("0.01")


class Row(BaseModel):
    """A piece of a scorecard: data of a decision, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Row):
    """One index of a scorecard: ``max_points`` for an average of *target*, less in proportion.

    *worth* is what one of each outcome counts for in the average (100 and 0 for a share in percent; 2, 1, 0); an
    outcome that is not in it is worth nothing.
    """

    code: str
    group: str
    name: str
    max_points: Decimal = Field(gt=0)
    counts: Countable | None = None
    """What is counted; None: counts are entered. Paid by several methods, a dossier counts by the one worth most."""
    worth: dict[str, Decimal] = Field(min_length=1)
    target: Decimal = Field(gt=0)
    late_after_supplements: int | None = Field(default=None, ge=0)
    """A dossier with more supplement requests than that counts as late, whenever it ended."""
    times: str | None = None
    """The part whose average, as a share of the best one, these points are multiplied by."""
    mark: str = ""

    @model_validator(mode="after")
    def _outcomes_exist(self) -> Self:
        known = OUTCOMES.get(self.counts or "")
        if known is not None and (wrong := self.worth.keys() - known):
            msg = f"part {self.code}: no such outcome of {self.counts}: {sorted(wrong)}"
            raise ValueError(msg)
        return self

    @property
    def outcomes(self) -> list[str]:
        """The outcomes that have a worth, the best first."""
        return sorted(self.worth, key=lambda outcome: (-self.worth[outcome], outcome))

    def best_of(self, outcomes: Iterable[str]) -> str:
        """Return the one of *outcomes* that is worth most."""
        return max(outcomes, key=lambda outcome: (self.worth.get(outcome, Decimal()), outcome))

    def share(self, average: Decimal) -> Decimal:
        """Return *average* as a share of the best possible one."""
        return average / max(self.worth.values())


class Grade(Row):
    """What a sum of points is called, from *from_points* upwards."""

    from_points: Decimal
    name: str


class Scorecard(Row):
    """A version of a set of indices, in force from *valid_from* to *valid_to* (its last day), with its citation."""

    code: str
    version: int = Field(ge=1)
    valid_from: date
    valid_to: date | None = None
    name: str
    citation: str
    mark: str = ""
    subject: Literal["agency", "officer"] = "agency"
    groups: dict[str, str]
    """Names by code; a part is in one of them."""
    parts: tuple[Part, ...] = Field(min_length=1)
    grades: tuple[Grade, ...] = ()
    """Highest first."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        codes = [part.code for part in self.parts]
        named = {part.group for part in self.parts} - self.groups.keys()
        multiplied = {part.times for part in self.parts if part.times} - set(codes)
        falling = all(a.from_points > b.from_points for a, b in pairwise(self.grades))
        if len(set(codes)) < len(codes) or named or multiplied or not falling:
            msg = f"scorecard {self.code}: codes, groups, parts or grades do not fit together"
            raise ValueError(msg)
        return self

    @property
    def max_points(self) -> Decimal:
        """What can be reached."""
        return sum((part.max_points for part in self.parts), start=Decimal())

    def part(self, code: str) -> Part | None:
        """Return one part, None if there is none of that code."""
        return next((part for part in self.parts if part.code == code), None)


class Tallies(NamedTuple):
    """What was counted of one agency or officer, by outcome; what is empty can not be judged."""

    channel: Counter[str]
    verdict: Counter[str]
    supplemented: Counter[tuple[int, str]]
    """Dossiers that ended, by number of supplement requests and verdict, as far as there were several requests."""
    leg_verdict: Counter[str]
    supplement_requests: Counter[str]
    payment_method: Counter[str]
    """Dossiers that were paid, by all their methods."""
    entered: dict[str, Counter[str]]
    """By part."""

    @classmethod
    def empty(cls) -> Self:
        """Return tallies to add to."""
        return cls(Counter(), Counter(), Counter(), Counter(), Counter(), Counter(), {})

    def of(self, part: Part) -> Counts:
        """Return the counts that *part* is about."""
        if part.counts is None:
            return self.entered.get(part.code, {})
        counted: Counter[str] = Counter(getattr(self, part.counts))
        if part.counts == "verdict" and part.late_after_supplements is not None:
            for (n_requests, verdict), n in self.supplemented.items():
                if n_requests > part.late_after_supplements:
                    counted[verdict] -= n
                    counted[Verdict.LATE] += n
        if part.counts == "payment_method":
            counted = Counter()
            for methods, n in self.payment_method.items():
                counted[part.best_of(methods_of(methods))] += n
        return +counted


class PartScore(NamedTuple):
    """What a part came to; None where nothing was counted."""

    part: Part
    counts: Counts
    average: Decimal | None
    points: Decimal | None


class Score(NamedTuple):
    """The points of one agency or officer; *known_max* is what the parts that could be judged are worth at most."""

    parts: tuple[PartScore, ...]
    points: Decimal
    known_max: Decimal
    grade: str | None
    """None as long as a part could not be judged."""


def score(card: Scorecard, tallies: Tallies) -> Score:
    """Return the points by *card*: to two decimals each, so that the sum is the sum of what is printed.

    Source: rules.md §4 (full points if R ≥ T, else max × R / T).
    """
    counts = {part.code: tallies.of(part) for part in card.parts}
    averages = {part.code: _average(part, counts[part.code]) for part in card.parts}
    parts = tuple(
        PartScore(part, counts[part.code], averages[part.code], _points(card, part, averages)) for part in card.parts
    )
    points = sum((one.points for one in parts if one.points is not None), start=Decimal())
    known_max = sum((one.part.max_points for one in parts if one.points is not None), start=Decimal())
    is_known = known_max == card.max_points
    return Score(parts, points, known_max, _grade(card, points) if is_known else None)


def _average(part: Part, counts: Counts) -> Decimal | None:
    n = sum(counts.values())
    if not n:
        return None
    return sum((part.worth.get(outcome, Decimal()) * of_it for outcome, of_it in counts.items()), start=Decimal()) / n


def _points(card: Scorecard, part: Part, averages: Mapping[str, Decimal | None]) -> Decimal | None:
    average, factor = averages[part.code], Decimal(1)
    if part.times is not None:
        other, multiplier = averages[part.times], card.part(part.times)
        if other is None or multiplier is None:
            return None
        factor = multiplier.share(other)
    if average is None:
        return None
    reached = part.max_points * min(Decimal(1), average / part.target) * factor
    return reached.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


def _grade(card: Scorecard, points: Decimal) -> str | None:
    return next((grade.name for grade in card.grades if points >= grade.from_points), None)


def tallies_of(sums: Iterable[Sum]) -> dict[str, Tallies]:
    """Return by code what the journal of a period says: how dossiers came in, how they ended, how they were paid."""
    found: dict[str, Tallies] = {}
    for one in sums:
        if one.is_before:
            continue
        tallies, n_requests = found.setdefault(one.code, Tallies.empty()), supplements_of(one.judged_by)
        if n_requests is not None:
            tallies.supplemented[n_requests, one.verdict] += one.n
        elif one.judged_by == "" and one.measure == Measure.RECEIVED:
            tallies.channel[one.channel] += one.n
        elif one.judged_by == "" and one.measure == Measure.RESOLVED:
            tallies.verdict[one.verdict] += one.n
        elif one.judged_by == "" and one.measure == Measure.PAID:
            tallies.payment_method[one.verdict] += one.n
    return found


def together(all_of_it: Iterable[Tallies]) -> Tallies:
    """Return the sum of what was counted by receiving unit: the tallies of a whole place."""
    total = Tallies.empty()
    for one in all_of_it:
        total.channel.update(one.channel)
        total.verdict.update(one.verdict)
        total.supplemented.update(one.supplemented)
        total.payment_method.update(one.payment_method)
        for code, counts in one.entered.items():
            total.entered.setdefault(code, Counter()).update(counts)
    return total
