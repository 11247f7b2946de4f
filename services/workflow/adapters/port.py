"""What a translator is: our facts into the calls of one outside system, its answers and callbacks into ours.

A translator holds no state that matters and decides nothing by the words of a message unless they stand in its table of
answers. The runtime around it (``runtime.py``) leases, observes what is unknown, answers, looks
again at what was taken (``observer.py``), and takes callbacks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Json = dict[str, Any]


class Answer(StrEnum):
    """What came of a call."""

    TAKEN = "taken"
    """A positive answer was parsed, or an observation proves the effect."""
    REFUSED = "refused"
    """The system said no, by an answer in the table."""
    NO_EFFECT = "no_effect"
    """It certainly did not take effect: no connection, a 502 before it, a session that has to be renewed."""
    UNKNOWN = "unknown"
    """Time-out, cut off, or an answer that is not in the table."""
    GONE = "gone"
    """There is no such dossier, though it was told of before: this change would be the first in its history."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call, with the system's own code and words (never anybody's particulars)."""

    answer: Answer
    reason_code: str = ""
    message: str = ""


OWN_CODES = frozenset({
    "adapter_error", "changed_at_portal", "closed_there", "cut_off", "incomplete", "intake_away", "lease_nearly_over",
    "no_applicant", "no_call", "no_code", "no_connection", "no_number", "not_there", "not_there_after_yes", "observed",
    "progress_doubtful", "unknown_notice", "unmapped_applicant_kind", "unmapped_procedure", "unreadable_answer",
})  # fmt: skip
"""Reason codes that are ours, and the words beside them too; with any other code the words are the system's."""

People = Callable[[], Awaitable[Mapping[str, Any]]]
"""Asks intake for the applicant of the version in the delivery; every call is a recorded look, so only when needed.

Returns intake's answer: ``applicant``, ``submitter``, ``parties``, ``private_attributes``. What it raises is the
runtime's to handle: let it pass.
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery: a fact, the dossier as it stood after it, and who to ask for its people."""

    id: str
    dossier_id: str
    no: int
    fact: str
    at: datetime
    data: Json
    dossier: Json
    """``services.workflow.domain.picture.Picture`` as JSON."""
    people: People
    is_repeat: bool = False
    """An earlier try of this very delivery may have taken effect; it was observed since, where anything can be read."""
    n_tries: int = 1
    """Tries so far, this one among them."""
    is_first: bool = True
    """The system has taken nothing of the dossier before; what a person settled in its place does not count."""


@dataclass(frozen=True, slots=True)
class Message:
    """What an outside system says of a dossier, in our words (``POST /v1/systems/{system}/messages``)."""

    message_id: str
    """Unique within the system; where it has none, a hash of the content."""
    dossier_code: str
    kind: str
    """leg_acknowledged, leg_completed, leg_returned, supplement_proposed, date_proposed, progressed."""
    at: datetime
    data: Json = field(default_factory=dict)
    delivery_id: str | None = None
    """The delivery that it answers, where the system says which: it is about that leg, and no later one."""


@dataclass(frozen=True, slots=True)
class Result:
    """The business result of an earlier delivery, found by the reference the translator gave it when it was sent."""

    delivery_id: str
    outcome: str
    """done or refused."""
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one callback amounts to."""

    messages: tuple[Message, ...] = ()
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a dossier shows in the system, in our words; what the system does not show stays None, or out of *state*."""

    exists: bool = True
    state: Json = field(default_factory=dict)
    """Fields of ``services.workflow.schemas.exchange.ObservedState``."""
    stands_at: int | None = None
    """The delivery whose state is shown, where ours carry their numbers; a status left out is the one told with it."""
    has_last: bool | None = None
    """Whether the delivery that was asked about, the last one it has taken, is to be seen there."""
    log: tuple[int, ...] | None = None
    """The numbers of our deliveries in its log, as they stand there."""
    heard: Heard = Heard()
    """What a callback should have said: its sender may believe that it was heard. Said again, it is moot."""


NO_READ = Said(Answer.UNKNOWN, "no_read")
"""What ``look`` says where the system has no read."""


class Unreadable(ValueError):
    """A callback that is not understood: it is answered with the system's own *no*, and counted."""


class Translator(Protocol):
    """One outside system behind its dialect."""

    system: str
    reads_back: bool
    """Whether a dossier can be read there."""

    async def deliver(self, told: Told) -> Said:
        """Make the call that tells this change; never raises for what the system or the network does."""

    async def observe(self, told: Told) -> Said | None:
        """Say whether an earlier try took effect: TAKEN, NO_EFFECT, or UNKNOWN if it can not be told now.

        None where the system has no read: then the table of the call says whether the identical call may be repeated
        and which answers prove that it had taken effect; ``deliver`` applies it.
        """

    async def look(self, told: Told) -> Seen | Said:
        """Read a dossier of which *told* is the last delivery that the system has taken; people are not asked for.

        Said, always unknown, if it can not be read now or if anything in it is not understood: that is never *in step*.
        """

    def hear(self, event: str, body: Json) -> Heard:
        """Translate a callback; Unreadable if it is not one."""

    def reply(self, *, is_taken: bool) -> Json:
        """Return the body with which the system wants to hear yes or no."""

    async def close(self) -> None:
        """Give back connections."""
