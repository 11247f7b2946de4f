"""The pure core of the timeline: heads, chains, causes, one total order, and the verdict on an event that arrives."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.errors import DossierUnknown

SOURCES = ("intake", "workflow", "sla", "notify")
BIRTHPLACE = "intake"
TICK = timedelta(microseconds=1)


class Entry(NamedTuple):
    """Where a history stands: the last sequence number, and the chain over everything up to it."""

    seq: int = 0
    chain: int = 0


NOTHING = Entry()


class Event(NamedTuple):
    """One event as it is stored, sent and replayed; *data* are the exact bytes its writer wrote."""

    source: str
    dossier_id: UUID
    seq: int
    id: UUID
    type: str
    time: datetime
    after: str
    chain: int
    data: bytes
    correlation_id: str = ""
    traceparent: str = ""

    @property
    def order(self) -> tuple[datetime, str, int]:
        """The one total order that respects causes; everything shown or decided by order uses it."""
        return (self.time, self.source, self.seq)


class Head(Protocol):
    """What one service knows of one dossier: an entry per source (its own: published; others: applied)."""

    dossier_id: UUID
    time: datetime | None

    def entry(self, source: str) -> Entry: ...

    def step(self, source: str, entry: Entry, time: datetime) -> None: ...


class Verdict(StrEnum):
    """What is to be done with an event that arrived."""

    APPLY = "apply"
    DROP = "drop"
    HOLD = "hold"
    FORK = "fork"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict; with a hold, what has to be applied first: (source, sequence number) pairs."""

    verdict: Verdict
    wanted: tuple[tuple[str, int], ...] = ()


APPLY, DROP, FORK, AHEAD = (Decision(v) for v in (Verdict.APPLY, Verdict.DROP, Verdict.FORK, Verdict.AHEAD))


def decide(me: str, head: Head, event: Event, *, trusted: bool = False) -> Decision:
    """Return what the service *me*, standing at *head*, has to do with *event*.

    *trusted* says that the event was read from its source's ledger and not from the broker: only then is
    a chain that does not fit a fork. Before that it may be a bad copy: the next event is read again (a hold), one
    that was applied is dropped, and the sweep, which compares with the ledger itself, finds a true fork.
    Source: architecture.md §3.3.
    """
    at = head.entry(event.source)
    if event.source == me:
        return AHEAD if event.seq > at.seq else DROP
    if event.seq <= at.seq:
        return FORK if trusted and event.seq == at.seq and event.chain != at.chain else DROP
    if event.seq > at.seq + 1:
        return Decision(Verdict.HOLD, ((event.source, event.seq),))
    if chain_over(at.chain, event) != event.chain:
        return FORK if trusted else Decision(Verdict.HOLD, ((event.source, event.seq),))
    return _decide_by_causes(me, head, event)


def _decide_by_causes(me: str, head: Head, event: Event) -> Decision:
    causes = parse_after(event.after)
    if causes.get(me, 0) > head.entry(me).seq:
        return AHEAD
    missing = tuple((source, seq) for source, seq in causes.items() if head.entry(source).seq < seq)
    if missing:
        return Decision(Verdict.HOLD, (*missing, (event.source, event.seq)))
    return APPLY


def advance(head: Head, event: Event) -> None:
    """Step *head* over *event*, which ``decide`` said to apply."""
    head.step(event.source, Entry(event.seq, event.chain), event.time)


class Draft(NamedTuple):
    """What a writer says; ``record`` adds its place in the history."""

    id: UUID
    type: str
    data: bytes
    correlation_id: str = ""
    traceparent: str = ""


def record(me: str, head: Head, draft: Draft, now: datetime) -> Event:
    """Give *draft* the next place in the history of *head* and step the head over it.

    Raises DossierUnknown if the dossier was not born yet: only intake gives birth.
    """
    known = {source: head.entry(source) for source in SOURCES}
    if me != BIRTHPLACE and known[BIRTHPLACE].seq == 0:
        raise DossierUnknown(str(head.dossier_id))
    at = known.pop(me)
    event = Event(
        source=me,
        dossier_id=head.dossier_id,
        seq=at.seq + 1,
        id=draft.id,
        type=draft.type,
        time=now if head.time is None else max(now, head.time + TICK),
        after=format_after((source, entry.seq) for source, entry in known.items()),
        chain=0,
        data=draft.data,
        correlation_id=draft.correlation_id,
        traceparent=draft.traceparent,
    )
    event = event._replace(chain=chain_over(at.chain, event))
    advance(head, event)
    return event


def chain_over(previous: int, event: Event) -> int:
    """Return the chain after *event*: the first 8 bytes of SHA-256, as a signed 64-bit integer."""
    parts = (
        previous.to_bytes(8, "big", signed=True),
        event.id.bytes,
        event.type.encode(),
        b"\0",
        format_time(event.time).encode(),
        event.after.encode(),
        b"\0",
        event.data,
    )
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest()[:8], "big", signed=True)


def format_time(time: datetime) -> str:
    """Return *time* as RFC 3339 in UTC with six decimals: one text per instant."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def format_chain(chain: int) -> str:
    """Return the 16 hex digits of a chain."""
    return (chain & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big").hex()


def parse_chain(text: str) -> int:
    """Read the 16 hex digits of a chain."""
    return int.from_bytes(bytes.fromhex(text), "big", signed=True)


def format_after(seqs: Iterable[tuple[str, int]]) -> str:
    """Return causes as text, sorted, without those that are nothing: ``intake=7,sla=3``."""
    return ",".join(f"{source}={seq}" for source, seq in sorted(seqs) if seq)


def parse_after(text: str) -> dict[str, int]:
    """Read causes; ValueError if the text is not of that form."""
    pairs = (part.split("=", 1) for part in text.split(",")) if text else ()
    return {source: int(seq) for source, seq in pairs}


def shard_of(dossier_id: UUID, n_shards: int) -> int:
    """Return the relay shard of a dossier; the last byte of a UUIDv7 is random."""
    return dossier_id.bytes[-1] % n_shards
