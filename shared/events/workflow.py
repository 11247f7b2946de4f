"""Facts that workflow publishes: the route of a dossier and every hand-off on it."""

from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Fact, Instant, Reference, Value


class WorkflowFact(Fact):
    """A fact whose source is workflow."""

    source: ClassVar[str] = "workflow"


class RouteOpened(WorkflowFact):
    """The dossier set out on this version of a route, and stays on it."""

    route: Reference


class LegOffered(WorkflowFact):
    """A stretch was offered to an agency (or waits for the applicant); who holds the dossier from now on.

    One of an agency without a code waits until the agencies in force say who plays its role.
    """

    leg_no: int
    step_code: Code
    task: str
    holder: Literal["agency", "applicant"] = "agency"
    agency_code: Code | None = None
    due_at: Instant | None = None
    limit_minutes: int | None = None
    """Working minutes in the calendar of the receiving unit."""
    calendar: Reference | None = None
    """The version of the calendar that *due_at* was worked out with."""
    excluded_ground: Code | None = None
    """The stretch is a span that does not count in the time limit, by this ground."""


class LegAcknowledged(WorkflowFact):
    """The agency took the stretch over."""

    leg_no: int
    officer: str | None = None


class LegRefused(WorkflowFact):
    """The agency did not take the stretch; it goes back to who offered it."""

    leg_no: int
    reason_code: Code


class LegAssigned(WorkflowFact):
    """An officer of the agency was named for the stretch."""

    leg_no: int
    officer: str


class Stretch(Value):
    """What a stretch is: said by its end if the system completed it at once, so that it was never offered."""

    step_code: Code
    task: str
    holder: Literal["agency", "applicant"] = "agency"
    agency_code: Code | None = None


class LegCompleted(WorkflowFact):
    """The agency finished its stretch; the outcome picks what comes next."""

    leg_no: int
    outcome: Code
    data: dict[str, Any] = Field(default_factory=dict)
    automatic: Stretch | None = None
    """Set if nobody had to do anything: the system completed the stretch, and no LegOffered came before."""
    voids_notices: bool | None = None
    """Set if taxes were determined and none is due: what is unpaid of an earlier determination is void."""


class LegReturned(WorkflowFact):
    """The agency sent the dossier back to an earlier stretch."""

    leg_no: int
    to_step_code: Code
    reason_code: Code


class LegCancelled(WorkflowFact):
    """The stretch is over undone: the dossier ended, its route turned elsewhere, or another agency took it over."""

    leg_no: int
    reason_code: Code


class SupplementProposed(WorkflowFact):
    """An agency asks the one-stop unit to request a supplement; the one-stop unit decides."""

    leg_no: int
    ground: Code
    component_codes: list[Code]


class TaxNoticeIssued(WorkflowFact):
    """The tax branch determined what is to be paid."""

    leg_no: int
    notice_no: Code
    amount: int
    due_on: date | None = None


class RouteCompleted(WorkflowFact):
    """Every stretch is done: processing ended with this outcome."""

    outcome: Literal["granted", "not_granted"]
