"""The planner: from a route, the legs so far and what happened to the legs to cancel, to offer, and the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.workflow.domain.condition import holds
from services.workflow.domain.legs import LegLike, LegStatus, is_open
from services.workflow.domain.route import PAID, Final, Outcome, Route, RouteLeg


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of the dossier: values for conditions, and whether a payment is waited for."""

    values: Mapping[str, Any]
    is_paid: bool = False
    """No notice of the tax branch is unpaid: the applicant's stretch is over at once."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The dossier was accepted and sets out."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A leg was completed; its row carries the outcome."""

    leg_no: int


@dataclass(frozen=True, slots=True)
class SentBack:
    """A leg was refused or returned: an earlier one is to be done again."""

    leg_no: int
    to_code: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """A result was found wrong."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The dossier ended in intake."""


Happened = Opened | Completed | SentBack | Reopened | Ended


@dataclass(frozen=True, slots=True)
class Offer:
    """A leg to be offered; with *completed_as* it is completed at once, by nobody."""

    leg_no: int
    code: str
    from_leg_no: int | None
    completed_as: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows, in this order: cancels (leg numbers), offers, the end."""

    cancels: tuple[int, ...] = ()
    offers: tuple[Offer, ...] = ()
    final: Final | None = None


NOTHING = Plan()


def plan(route: Route, legs: Sequence[LegLike], case: Case, happened: Happened) -> Plan:
    """Return what follows from what *happened*; total: what was overtaken by something else has no consequence."""
    return _RULES[type(happened)](_Course(route, legs, case), happened)


@dataclass
class _Course:
    """One planning: the legs that are open while the offers are being worked out."""

    route: Route
    legs: Sequence[LegLike]
    case: Case
    offers: list[Offer] = field(default_factory=list)
    final: Final | None = None
    outcome: str = ""

    def __post_init__(self) -> None:
        self.open = {leg.step_code: leg.leg_no for leg in self.legs if is_open(leg)}
        self.outcomes = {leg.step_code: leg.outcome for leg in self.legs if leg.outcome is not None}
        self.last_no = max((leg.leg_no for leg in self.legs), default=0)

    def leg(self, leg_no: int) -> LegLike | None:
        return next((leg for leg in self.legs if leg.leg_no == leg_no), None)

    def holds(self, expression: str | None) -> bool:
        if expression is None:
            return False
        return holds(expression, {**self.case.values, "outcome": self.outcome, "outcomes": self.outcomes})

    def enter(self, codes: Sequence[str], from_leg_no: int | None) -> None:
        """Offer the legs *codes*; a join is offered when nothing that is open or still to enter can lead to it."""
        pending = [(code, from_leg_no) for code in codes]
        while self.final is None and (ready := self._ready(pending)) is not None:
            pending = [entry for entry in pending if entry[0] != ready[0]]
            pending += self._visit(self.route.by_code[ready[0]], ready[1])

    def _ready(self, pending: list[tuple[str, int | None]]) -> tuple[str, int | None] | None:
        busy = {*self.open, *(code for code, _ in pending)}
        for code, from_leg_no in pending:
            waits = self.route.by_code[code].is_join and any(code in self.route.after[other] for other in busy)
            if not waits:
                return code, from_leg_no
        return None

    def _visit(self, leg: RouteLeg, from_leg_no: int | None) -> list[tuple[str, int | None]]:
        """Offer *leg*, unless it is open or passed over; return what is to be entered because of it."""
        if leg.code in self.open:
            return []
        if leg.when is not None and not self.holds(leg.when):
            return self.follow(leg.by_outcome[leg.passes_as or ""], from_leg_no)
        completed_as = self._at_once(leg)
        leg_no = self.offer(leg.code, from_leg_no, completed_as)
        if completed_as is None:
            self.open[leg.code] = leg_no
            return []
        self.outcomes[leg.code] = self.outcome = completed_as
        return self.follow(leg.by_outcome[completed_as], leg_no)

    def _at_once(self, leg: RouteLeg) -> str | None:
        if leg.holder == "applicant":
            return PAID if self.case.is_paid else None
        return leg.automatic_as if self.holds(leg.automatic_when) else None

    def offer(self, code: str, from_leg_no: int | None, completed_as: str | None = None) -> int:
        leg_no = self.last_no + len(self.offers) + 1
        self.offers.append(Offer(leg_no, code, from_leg_no, completed_as))
        return leg_no

    def follow(self, outcome: Outcome, from_leg_no: int | None) -> list[tuple[str, int | None]]:
        """Return what *outcome* leads to; a final one ends the route."""
        self.final = self.final or outcome.final
        return [(code, from_leg_no) for code in outcome.next]

    def result(self, cancels: Sequence[int] = ()) -> Plan:
        if self.final is not None:
            cancels = sorted(leg.leg_no for leg in self.legs if is_open(leg))
            self.offers = [offer for offer in self.offers if offer.completed_as is not None]
        return Plan(tuple(cancels), tuple(self.offers), self.final)


def _opened(course: _Course, _: Any) -> Plan:
    if course.legs:
        return NOTHING
    course.enter(course.route.start, None)
    return course.result()


def _completed(course: _Course, what: Completed) -> Plan:
    leg = course.leg(what.leg_no)
    if leg is None or leg.status != LegStatus.COMPLETED or leg.outcome is None:
        return NOTHING
    course.outcome = leg.outcome
    following = course.follow(course.route.by_code[leg.step_code].by_outcome[leg.outcome], leg.leg_no)
    course.enter([code for code, _ in following], leg.leg_no)
    return course.result()


def _sent_back(course: _Course, what: SentBack) -> Plan:
    """Going back to a leg undoes what came after it: open legs behind it are cancelled, and offered again later."""
    leg = course.leg(what.leg_no)
    if leg is None or is_open(leg) or what.to_code in course.open or what.to_code not in course.route.by_code:
        return NOTHING
    behind = course.route.after[what.to_code]
    course.offer(what.to_code, what.leg_no)
    return course.result(sorted(leg_no for code, leg_no in course.open.items() if code in behind))


def _reopened(course: _Course, _: Any) -> Plan:
    done = [leg for leg in course.legs if leg.holder == "agency" and leg.status == LegStatus.COMPLETED]
    if course.open or not done:
        return NOTHING
    last = max(done, key=lambda leg: leg.leg_no)
    course.offer(last.step_code, last.leg_no)
    return course.result()


def _ended(course: _Course, _: Any) -> Plan:
    return Plan(cancels=tuple(sorted(course.open.values())))


_RULES: Mapping[type, Callable[[_Course, Any], Plan]] = {
    Opened: _opened,
    Completed: _completed,
    SentBack: _sent_back,
    Reopened: _reopened,
    Ended: _ended,
}
