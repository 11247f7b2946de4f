"""Facts that sla publishes: the clock of a dossier, its lawful stops, its deadline and what became of it."""

from typing import ClassVar, Literal

from shared.events.base import Code, Fact, Instant, Limit, Reference


class SlaFact(Fact):
    """A fact whose source is sla."""

    source: ClassVar[str] = "sla"


class ClockStarted(SlaFact):
    """The clock runs; first deadline, by this calendar."""

    calendar: Reference
    limit: Limit
    deadline_at: Instant
    started_at: Instant | None = None
    """When the dossier was accepted."""


class ClockSuspended(SlaFact):
    """The clock stands still on a lawful ground; until it is resumed there is no deadline."""

    suspension_no: int
    ground: Code
    citation: str
    from_at: Instant | None = None
    """When the span began; the event may be written later."""
    agency_code: Code | None = None
    """Who opened it: the agency of the officer or of the leg, for a supplement the receiving unit."""


class ClockResumed(SlaFact):
    """The span ended; *restarts* says that the whole limit runs anew (after a supplement)."""

    suspension_no: int
    ground: Code
    excluded_minutes: int
    restarts: bool
    to_at: Instant | None = None
    """When the span ended; the event may be written later."""
    still_suspended_by: Code | None = None
    """The ground of another suspension that is still open: there is no deadline yet."""


class SuspensionForgotten(SlaFact):
    """A suspension has lasted longer than its ground, or the setting, lets it: somebody has to look."""

    suspension_no: int
    holder_agency_code: Code | None = None


class DeadlineMoved(SlaFact):
    """The law moved the deadline; intake copies it to the appointment, notify tells the applicant."""

    from_at: Instant
    to_at: Instant
    reason: Code
    citation: str
    still_suspended_by: Code | None = None
    """The ground of a suspension that is open: *to_at* stands only once it has ended."""
    calendar: Reference | None = None
    """The version of the calendar that *to_at* was worked out with."""


class LegDeadlineMoved(SlaFact):
    """The deadline of a leg moved: the clock stood, or another calendar counts; workflow copies it."""

    leg_no: int
    from_at: Instant
    to_at: Instant


class DeadlineApproaching(SlaFact):
    """Little of the limit is left."""

    deadline_at: Instant
    remaining_minutes: int
    holder_agency_code: Code | None = None
    apology_by_at: Instant | None = None
    """Until then an apology is in time, if the agency can not keep the deadline; null if that has passed."""


class DeadlineMissed(SlaFact):
    """The deadline passed before processing ended."""

    deadline_at: Instant
    holder_agency_code: Code | None = None
    apology: Literal["none", "in_time", "late"] | None = None
    """Whether an apology for this deadline was issued, and in time; *none*: it is still demanded."""
    promised_at: Instant | None = None
    """The applicant was promised this later instant, with an apology, before the deadline passed."""


class DeadlineMissWithdrawn(SlaFact):
    """A fact with an earlier time arrived later: the deadline was not missed after all."""

    deadline_at: Instant


class ApologyIssued(SlaFact):
    """The agency can not keep the deadline and apologised (form 04); the reason in words stays in sla."""

    apology_no: int
    agency_code: Code
    deadline_at: Instant
    """What can not be kept."""
    in_time: bool
    """It came no later than the last working day before the deadline's day."""
    new_deadline_at: Instant | None = None
    """The one re-appointment; null: it was used before, nothing new is promised."""
    issued_at: Instant | None = None


class ClockRecalculated(SlaFact):
    """Another version of the calendar counts from now on; the deadline by it, and the one it was before."""

    calendar: Reference
    document: str
    """The decision behind the new version."""
    from_at: Instant
    to_at: Instant


class ClockFinished(SlaFact):
    """Processing ended; the verdict by rules.md §4."""

    verdict: Literal["early", "on_time", "late", "not_judged"]
    deadline_at: Instant | None = None
    finished_at: Instant
    elapsed_minutes: int
