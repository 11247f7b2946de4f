"""A dossier on a route without a database: what the planner says is simply done."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from services.workflow.domain.legs import LegAction, LegStatus, allowed, giver, is_open, returnable
from services.workflow.domain.plan import Case, Completed, Ended, Happened, Opened, Plan, Reopened, SentBack, plan
from services.workflow.domain.route import PAID, Route

PROVINCE = Path(__file__).parents[3] / "deploy/province"


@cache
def shipped() -> dict[str, Route]:
    """Return every route that is shipped, as ``code@version``."""
    files = [json.loads(path.read_text()) for path in sorted((PROVINCE / "routes").glob("*.json"))]
    versions = [data for part in files for data in (part if isinstance(part, list) else [part])]
    return {f"{data['code']}@{data['version']}": Route.model_validate(data) for data in versions}


@dataclass
class LegState:
    """A leg as the rules see it."""

    leg_no: int
    step_code: str
    holder: str
    status: str = LegStatus.OFFERED
    outcome: str | None = None
    from_leg_no: int | None = None
    agency_code: str | None = None


@dataclass
class Walk:
    """A dossier that sets out at once; its methods do what officers and facts do."""

    route: Route
    channel: str = "online"
    attributes: dict[str, Any] = field(default_factory=dict)
    legs: list[LegState] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    is_ended: bool = False

    def __post_init__(self) -> None:
        self.happen(Opened())

    def case(self) -> Case:
        return Case({"channel": self.channel, "attributes": self.attributes})

    def happen(self, happened: Happened) -> Plan:
        todo = plan(self.route, self.legs, self.case(), happened)
        for leg_no in todo.cancels:
            self.leg(leg_no).status = LegStatus.CANCELLED
        for offer in todo.offers:
            leg = LegState(
                offer.leg_no, offer.code, self.route.by_code[offer.code].holder, from_leg_no=offer.from_leg_no
            )
            if offer.completed_as is not None:
                leg.status, leg.outcome = LegStatus.COMPLETED, offer.completed_as
            self.legs.append(leg)
        self.finals += [todo.final] if todo.final else []
        return todo

    def leg(self, leg_no: int) -> LegState:
        return next(leg for leg in self.legs if leg.leg_no == leg_no)

    def open(self) -> list[str]:
        return [leg.step_code for leg in self.legs if is_open(leg)]

    def open_leg(self, code: str) -> LegState:
        return next(leg for leg in self.legs if is_open(leg) and leg.step_code == code)

    def complete(self, code: str, outcome: str) -> Plan:
        leg = self.open_leg(code)
        leg.status, leg.outcome = LegStatus.COMPLETED, outcome
        return self.happen(Completed(leg.leg_no))

    def send_back(self, code: str, to_code: str, *, status: LegStatus = LegStatus.RETURNED) -> Plan:
        leg = self.open_leg(code)
        leg.status = status
        return self.happen(SentBack(leg.leg_no, to_code))

    def allowed(self, leg: LegState) -> list[str]:
        back = returnable(self.route.after, self.legs, leg)
        return allowed(leg, may_refuse=giver(self.legs, leg) is not None, may_return=bool(back))

    # What the random test may do; each is total.

    def pay(self) -> None:
        for leg in [leg for leg in self.legs if is_open(leg) and leg.holder == "applicant"]:
            self.complete(leg.step_code, PAID)

    def end(self) -> None:
        self.is_ended = True
        self.happen(Ended())

    def reopen(self) -> None:
        if self.finals and not self.is_ended and not self.open():
            self.happen(Reopened())

    def act(self, pick: int) -> None:
        """Take the *pick*-th of all actions that officers may take now."""
        choices = [
            (leg, action, outcome.code)
            for leg in self.legs
            for action in self.allowed(leg)
            for outcome in self.route.by_code[leg.step_code].outcomes
        ]
        if choices:
            self._do(*choices[pick % len(choices)])

    def _do(self, leg: LegState, action: str, outcome: str) -> None:
        if action == LegAction.ACKNOWLEDGE:
            leg.status = LegStatus.IN_PROGRESS
        elif action == LegAction.COMPLETE:
            self.complete(leg.step_code, outcome)
        elif action == LegAction.REFUSE:
            back_to = giver(self.legs, leg)
            assert back_to is not None
            self.send_back(leg.step_code, back_to.step_code, status=LegStatus.REFUSED)
        elif action == LegAction.RETURN:
            self.send_back(leg.step_code, returnable(self.route.after, self.legs, leg)[0])
