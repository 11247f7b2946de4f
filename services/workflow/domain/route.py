"""A route as data: the legs of a procedure, what each outcome leads to, and what makes a route valid."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.workflow.domain import condition, graph
from shared.events.base import Code
from shared.events.reference import ReferenceData
from shared.worktime import Limit, Unit

RECEIVING_UNIT = "receiving_unit"
"""Stands for the unit that received the dossier where a leg names its agency."""
PAID = "paid"
"""The one outcome of a leg that waits for the applicant's payment."""

Days = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=4)]
Final = Literal["granted", "not_granted"]


def _checked(expression: str) -> str:
    condition.check(expression)
    return expression


Condition = Annotated[str, AfterValidator(_checked)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InnerStep(_Part):
    """Work inside a leg (bước); information only."""

    name: str
    days: Days


class Outcome(_Part):
    """What a leg may end with, and where that leads: to other legs, or to the end of the route."""

    code: Code
    name: str
    next: tuple[Code, ...] = ()
    final: Final | None = None
    takes: Literal["notices"] | None = None
    """What has to come with it: ``notices`` are the tax notices, each published."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if bool(self.next) == (self.final is not None):
            raise ValueError(f"outcome {self.code} needs next legs or a final outcome, and not both")
        return self


class Serving(_Part):
    """The agency that plays a role for the receiving unit: looked up on the day the leg is offered."""

    role: Code
    of: Literal["receiving_unit"]
    name: str
    """What a picture of the route shows in place of the agency."""


class RouteLeg(_Part):
    """A stretch of the route (chặng): who has what to do, within which limit."""

    code: Code
    task: str
    holder: Literal["agency", "applicant"] = "agency"
    agency: Code | Serving | None = None
    """An agency's code, ``receiving_unit``, or a role; absent where the applicant is waited for."""
    days: Days | None = None
    """The limit in working days of the receiving unit's calendar."""
    steps: tuple[InnerStep, ...] = ()
    excluded_ground: Code | None = None
    """The stretch does not count in the procedure's limit, on this ground."""
    citation: str = ""
    when: Condition | None = None
    """If given and false, the leg is passed over as if it had ended with *passes_as*."""
    when_label: str = ""
    passes_as: Code | None = None
    automatic_when: Condition | None = None
    """If true, the system completes the leg at once with *automatic_as*."""
    automatic_label: str = ""
    automatic_as: Code | None = None
    is_join: bool = False
    """Waits until no other open leg can still lead here."""
    outcomes: tuple[Outcome, ...] = Field(min_length=1)

    @cached_property
    def by_outcome(self) -> dict[str, Outcome]:
        """The outcomes by their codes."""
        return {outcome.code: outcome for outcome in self.outcomes}

    @cached_property
    def limit(self) -> Limit | None:
        """The limit as working time, None if the leg has none."""
        return Limit(amount=self.days, unit=Unit.WORKING_DAYS) if self.days else None

    @cached_property
    def following(self) -> tuple[str, ...]:
        """The legs that may come next."""
        return tuple(dict.fromkeys(code for outcome in self.outcomes for code in outcome.next))

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for error in _leg_errors(self):
            raise ValueError(f"leg {self.code}: {error}")
        return self


class Route(ReferenceData):
    """One version of the ordered legs of a procedure (quy trình); a dossier keeps the version it set out on."""

    name: str
    procedure_codes: tuple[Code, ...] = Field(min_length=1)
    citation: str
    note: str = ""
    days: Days
    """The limit of the procedure in working days; the counted legs add up to it."""
    start: tuple[Code, ...] = Field(min_length=1)
    legs: tuple[RouteLeg, ...] = Field(min_length=1)

    @cached_property
    def by_code(self) -> dict[str, RouteLeg]:
        """The legs by their codes."""
        return {leg.code: leg for leg in self.legs}

    @cached_property
    def graph(self) -> dict[str, tuple[str, ...]]:
        """Which legs may follow each leg."""
        return {leg.code: leg.following for leg in self.legs}

    @cached_property
    def after(self) -> dict[str, frozenset[str]]:
        """All legs that come after each leg, on any way."""
        return {code: graph.after(self.graph, code) for code in self.graph}

    def counted_days(self) -> Decimal:
        """Return the working days of the longest way, without the stretches that do not count."""

        def weight(code: str) -> Decimal:
            leg = self.by_code[code]
            return Decimal(0) if leg.excluded_ground else leg.days or Decimal(0)

        return graph.longest(self.graph, self.start, weight)

    @model_validator(mode="after")
    def _is_valid(self) -> Self:
        for error in _route_errors(self):
            raise ValueError(f"route {self.code}@{self.version}: {error}")
        return self


def _leg_errors(leg: RouteLeg) -> Iterator[str]:
    if len(leg.by_outcome) != len(leg.outcomes):
        yield "an outcome is there twice"
    for expression, outcome in ((leg.when, leg.passes_as), (leg.automatic_when, leg.automatic_as)):
        if (expression is None) != (outcome is None) or (outcome and outcome not in leg.by_outcome):
            yield "a condition needs one of the leg's outcomes beside it"
    if leg.steps and sum(step.days for step in leg.steps) != leg.days:
        yield "its steps do not add up to its limit"
    yield from _holder_errors(leg)


def _holder_errors(leg: RouteLeg) -> Iterator[str]:
    if leg.holder == "agency" and leg.agency is None:
        yield "an agency is needed"
    if leg.holder == "applicant" and (leg.agency or leg.automatic_when or set(leg.by_outcome) != {PAID}):
        yield f"a leg of the applicant has no agency and only the outcome {PAID!r}"


def _route_errors(route: Route) -> Iterator[str]:
    """Yield what is wrong; a later check may rely on the earlier ones."""
    if len(route.by_code) != len(route.legs):
        yield "a leg is there twice"
    unknown = {*route.start, *(code for leg in route.legs for code in leg.following)} - route.by_code.keys()
    if unknown:
        yield f"unknown legs {sorted(unknown)}"
    if cyclic := graph.on_cycle(route.graph):
        yield f"legs {sorted(cyclic)} lead back to themselves; going back is a return, not an outcome"
    if lost := route.by_code.keys() - graph.reach(route.graph, route.start):
        yield f"legs {sorted(lost)} are never reached"
    yield from _join_errors(route)
    if route.counted_days() != route.days:
        yield f"the counted legs take {route.counted_days()} days, the route says {route.days}"


def _join_errors(route: Route) -> Iterator[str]:
    forks = [route.start, *(outcome.next for leg in route.legs for outcome in leg.outcomes)]
    for fork in forks:
        if len(fork) > 1 and not any(_closes(route, leg.code, fork) for leg in route.legs if leg.is_join):
            yield f"the parallel legs {list(fork)} do not meet in a join"


def _closes(route: Route, join: str, fork: tuple[str, ...]) -> bool:
    """Say whether all branches come to *join* and none meets another before it; a branch may also end the route."""
    if not all(join in route.after[code] for code in fork):
        return False
    branches = [graph.reach(route.graph, [code], avoiding=join) for code in fork]
    return all(one.isdisjoint(other) for one, other in combinations(branches, 2))
