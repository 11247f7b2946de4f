"""Facts read in the order of their time: what each does to the clock, and which do nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.sla.domain.facts import (
    CalendarAdopted,
    ClockRule,
    Fact,
    Finished,
    Ground,
    Held,
    LegClosed,
    LegOpened,
    Reappointed,
    Reopened,
    Started,
    SuspensionBegan,
    SuspensionEnded,
)
from shared.worktime import local_date


class MootReason(StrEnum):
    """Why a fact has no effect."""

    ALREADY_STARTED = "already_started"
    AFTER_FINISH = "after_finish"
    BEFORE_START = "before_start"
    ALREADY_BEGUN = "already_begun"
    ALREADY_ENDED = "already_ended"
    ENDED_BEFORE_BEGINNING = "ended_before_beginning"
    NO_SUCH_SUSPENSION = "no_such_suspension"
    NO_GROUND_IN_FORCE = "no_ground_in_force"
    NO_SUCH_LEG = "no_such_leg"
    NOT_FINISHED = "not_finished"
    RE_APPOINTMENT_USED = "re_appointment_used"


@dataclass(frozen=True, slots=True)
class Moot:
    """A fact that is kept but changes nothing."""

    fact: Fact
    reason: MootReason


@dataclass(frozen=True, slots=True)
class Suspension:
    """A span in which the clock lawfully stands still; *to_at* is None while it is open."""

    no: int
    ground: Ground
    from_at: datetime
    to_at: datetime | None


@dataclass(slots=True)
class Reading:
    """What the facts read so far amount to."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    ending: str = ""
    held: list[Held] = field(default_factory=list)
    legs: dict[int, LegOpened] = field(default_factory=dict)
    suspensions: dict[int, Suspension] = field(default_factory=dict)
    cut_short: set[int] = field(default_factory=set)
    """Suspensions that were open when processing ended, and ended with it."""
    reappointed: Reappointed | None = None
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From an end of processing to the reopening after it."""
    adopted: list[CalendarAdopted] = field(default_factory=list)
    moot: list[Moot] = field(default_factory=list)

    def take(self, fact: Fact, rule: ClockRule) -> None:
        """Read one more fact; none is refused."""
        overtaken = self.finished_at is not None and not isinstance(fact, Reopened)
        reason = MootReason.AFTER_FINISH if overtaken else _READERS[type(fact)](self, fact, rule)
        if reason:
            self.moot.append(Moot(fact, reason))

    def drop_those_ended_before_beginning(self) -> None:
        """Drop what is open though its end is known, with an earlier time: empty rather than endless."""
        for number, moot in enumerate(self.moot):
            match moot:
                case Moot(SuspensionEnded(no=no), MootReason.NO_SUCH_SUSPENSION) if no in self.suspensions:
                    self.moot[number] = Moot(moot.fact, MootReason.ENDED_BEFORE_BEGINNING)
                    if self.suspensions[no].to_at is None or no in self.cut_short:
                        del self.suspensions[no]

    def start(self, fact: Started, _: ClockRule) -> MootReason | None:
        """The clock runs."""
        if self.started_at:
            return MootReason.ALREADY_STARTED
        self.started_at = fact.at
        return None

    def hold(self, fact: Held, _: ClockRule) -> MootReason | None:
        """Somebody holds the dossier."""
        self.held.append(fact)
        return None

    def open_leg(self, fact: LegOpened, _: ClockRule) -> MootReason | None:
        """One more leg is open."""
        self.legs.setdefault(fact.leg_no, fact)
        self._settle_holder(fact.at)
        return None

    def close_leg(self, fact: LegClosed, _: ClockRule) -> MootReason | None:
        """One leg less is open."""
        if self.legs.pop(fact.leg_no, None) is None:
            return MootReason.NO_SUCH_LEG
        self._settle_holder(fact.at)
        return None

    def _settle_holder(self, at: datetime) -> None:
        """Of several open legs the holder's is the earliest offered that counts in the limit, else the earliest.

        With no leg open, whoever held the dossier last keeps it.
        """
        if self.legs:
            leg = min(self.legs.values(), key=lambda leg: (leg.is_excluded, leg.at, leg.leg_no))
            if not self.held or self.held[-1].agency_code != leg.agency_code:
                self.held.append(Held(at, leg.agency_code))

    def begin(self, fact: SuspensionBegan, rule: ClockRule) -> MootReason | None:
        """A suspension begins, if its ground is in force."""
        on = local_date(fact.at)
        ground = next((g for g in rule.grounds if g.code == fact.ground_code and g.is_in_force(on)), None)
        if fact.no in self.suspensions:
            return MootReason.ALREADY_BEGUN
        if ground is None:
            return MootReason.NO_GROUND_IN_FORCE
        self.suspensions[fact.no] = Suspension(fact.no, ground, fact.at, None)
        return None

    def end(self, fact: SuspensionEnded, _: ClockRule) -> MootReason | None:
        """A suspension ends."""
        suspension = self.suspensions.get(fact.no)
        if suspension is None:
            return MootReason.NO_SUCH_SUSPENSION
        if suspension.to_at:
            return MootReason.ALREADY_ENDED
        self.suspensions[fact.no] = replace(suspension, to_at=fact.at)
        return None

    def finish(self, fact: Finished, _: ClockRule) -> MootReason | None:
        """Processing ends, and with it every open suspension."""
        if self.started_at is None:
            return MootReason.BEFORE_START
        self.finished_at, self.ending = fact.at, fact.ending
        for no, suspension in self.suspensions.items():
            if suspension.to_at is None:
                self.suspensions[no] = replace(suspension, to_at=fact.at)
                self.cut_short.add(no)
        return None

    def reopen(self, fact: Reopened, _: ClockRule) -> MootReason | None:
        """Processing goes on; the clock runs as if it had not ended, the deadline stays."""
        if self.finished_at is None:
            return MootReason.NOT_FINISHED
        self.gaps.append((self.finished_at, fact.at))
        self.finished_at, self.ending = None, ""
        self.legs.clear()
        return None

    def reappoint(self, fact: Reappointed, _: ClockRule) -> MootReason | None:
        """Another instant was promised because the agency is late; a second time promises nothing."""
        if self.started_at is None:
            return MootReason.BEFORE_START
        if self.reappointed is not None:
            return MootReason.RE_APPOINTMENT_USED
        self.reappointed = fact
        return None

    def adopt(self, fact: CalendarAdopted, _: ClockRule) -> MootReason | None:
        """Another version of the calendar counts; by which one a clock is evaluated its caller decides."""
        self.adopted.append(fact)
        return None


_READERS: Mapping[type[Fact], Callable[[Reading, Any, ClockRule], MootReason | None]] = {
    Started: Reading.start,
    Held: Reading.hold,
    LegOpened: Reading.open_leg,
    LegClosed: Reading.close_leg,
    SuspensionBegan: Reading.begin,
    SuspensionEnded: Reading.end,
    Finished: Reading.finish,
    Reopened: Reading.reopen,
    Reappointed: Reading.reappoint,
    CalendarAdopted: Reading.adopt,
}
